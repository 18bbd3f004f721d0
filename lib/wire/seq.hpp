#pragma once

#include <cstdint>

namespace terminus::wire {

/// A TCP sequence number: arithmetic modulo 2^32 (RFC 9293 3.4). It has no operator<, because modular order
/// is not transitive; before() and after() hold for distances below 2^31.
class SeqNum {
 public:
    constexpr SeqNum() = default;
    constexpr explicit SeqNum(std::uint32_t value) : value_(value) {}

    [[nodiscard]] constexpr std::uint32_t value() const { return value_; }

    [[nodiscard]] constexpr bool before(SeqNum other) const {
        return static_cast<std::int32_t>(value_ - other.value_) < 0;
    }
    [[nodiscard]] constexpr bool after(SeqNum other) const { return other.before(*this); }
    [[nodiscard]] constexpr bool at_or_before(SeqNum other) const { return !after(other); }
    [[nodiscard]] constexpr bool at_or_after(SeqNum other) const { return !before(other); }
    /// start ≤ this < start + length
    [[nodiscard]] constexpr bool in_window(SeqNum start, std::uint32_t length) const {
        return value_ - start.value_ < length;
    }

    /// Bytes from `earlier` to this; the caller knows that `earlier` is not after it.
    friend constexpr std::uint32_t operator-(SeqNum later, SeqNum earlier) {
        return later.value_ - earlier.value_;
    }
    friend constexpr SeqNum operator+(SeqNum seq, std::uint32_t bytes) { return SeqNum(seq.value_ + bytes); }
    friend constexpr SeqNum operator-(SeqNum seq, std::uint32_t bytes) { return SeqNum(seq.value_ - bytes); }
    constexpr SeqNum& operator+=(std::uint32_t bytes) {
        value_ += bytes;
        return *this;
    }
    friend constexpr bool operator==(SeqNum, SeqNum) = default;

 private:
    std::uint32_t value_ = 0;
};

/// The later of two that are less than 2^31 apart.
[[nodiscard]] constexpr SeqNum latest(SeqNum a, SeqNum b) {
    return a.after(b) ? a : b;
}

}  // namespace terminus::wire
