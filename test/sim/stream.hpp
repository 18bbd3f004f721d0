#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"

namespace terminus::simulation {

/// A byte stream that needs no memory: each byte follows from the pattern's number and its own place. The
/// first eight are the number itself, for receivers that were not told of it.
class Stream {
 public:
    static constexpr std::size_t kNameBytes = 8;

    explicit Stream(std::uint64_t pattern) : pattern_(pattern) {}

    /// The pattern of the stream that begins with `bytes`, at least kNameBytes of them.
    [[nodiscard]] static std::uint64_t name_in(base::Bytes bytes) { return base::load_be64(bytes.data()); }

    void write(std::uint64_t from, base::MutableBytes out) const {
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = at(from + i);
    }
    /// Whether `bytes` are the stream's from `from` on.
    [[nodiscard]] bool matches(std::uint64_t from, base::Bytes bytes) const {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            if (bytes[i] != at(from + i)) return false;
        }
        return true;
    }

 private:
    // Behind the name splitmix64's spreading, one word for eight bytes.
    [[nodiscard]] std::uint8_t at(std::uint64_t place) const {
        if (place < kNameBytes) return static_cast<std::uint8_t>(pattern_ >> (56 - 8 * place));
        std::uint64_t word = pattern_ + (place >> 3) * 0x9e3779b97f4a7c15;
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
        word ^= word >> 27;
        return static_cast<std::uint8_t>(word >> (8 * (place & 7)));
    }

    std::uint64_t pattern_;
};

}  // namespace terminus::simulation
