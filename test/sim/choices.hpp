#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "base/bytes.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"

namespace terminus::simulation {

/// Where a scenario takes its decisions from: a seed, or the bytes of a fuzzer, which then owns each of them.
class Choices {
 public:
    explicit Choices(std::uint64_t seed) : rng_(seed) {}
    /// When the bytes are used up every choice is the first one. They outlive this.
    explicit Choices(base::Bytes bytes) : rng_(0), bytes_(bytes), is_from_bytes_(true) {}

    /// 64 bits.
    [[nodiscard]] std::uint64_t next();
    /// From [0, bound); `bound` at least 1.
    [[nodiscard]] std::uint32_t below(std::uint32_t bound);
    /// From [low, high].
    [[nodiscard]] std::uint32_t between(std::uint32_t low, std::uint32_t high) {
        return low + below(high - low + 1);
    }
    /// From [low, high], each order of magnitude as likely as any other; `low` at least 1.
    [[nodiscard]] std::uint32_t magnitude(std::uint32_t low, std::uint32_t high);
    /// The same of time, in microseconds.
    [[nodiscard]] base::Duration span(base::Duration low, base::Duration high);
    [[nodiscard]] bool one_in(std::uint32_t times) { return below(times) == times - 1; }
    template <typename T>
    [[nodiscard]] T any_of(std::initializer_list<T> of) {
        return of.begin()[below(static_cast<std::uint32_t>(of.size()))];
    }
    /// Nothing is left to be decided; never of a seed.
    [[nodiscard]] bool is_exhausted() const { return is_from_bytes_ && at_ >= bytes_.size(); }

 private:
    base::Rng rng_;
    base::Bytes bytes_;
    std::size_t at_ = 0;
    bool is_from_bytes_ = false;
};

}  // namespace terminus::simulation
