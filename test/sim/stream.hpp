#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"

namespace terminus::simulation {

/// A byte stream that needs no memory: each byte follows from the pattern's number and its own place.
class Stream {
 public:
    explicit Stream(std::uint64_t pattern) : pattern_(pattern) {}

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
    // splitmix64's spreading, one word for eight bytes.
    [[nodiscard]] std::uint8_t at(std::uint64_t place) const {
        std::uint64_t word = pattern_ + (place >> 3) * 0x9e3779b97f4a7c15;
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
        word ^= word >> 27;
        return static_cast<std::uint8_t>(word >> (8 * (place & 7)));
    }

    std::uint64_t pattern_;
};

}  // namespace terminus::simulation
