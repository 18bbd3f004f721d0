#include "load/pattern.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.hpp"

namespace terminus::load {
namespace {

constexpr std::size_t kPeriod = 256;
constexpr std::size_t kBlock = kPeriod + kTextMax;

/// Odd, so that all 256 values occur, and far from 1, so that neighbours differ in many bits.
constexpr std::uint32_t kStep = 167;

constexpr auto kText = [] {
    std::array<std::uint8_t, kBlock> text{};
    for (std::size_t i = 0; i < kBlock; ++i)
        text[i] = static_cast<std::uint8_t>(i * kStep + 13);
    return text;
}();

// kSums[n]: the first n bytes' sum as 16-bit words (RFC 1071 1).
constexpr auto kSums = [] {
    std::array<std::uint32_t, kBlock + 1> sums{};
    for (std::size_t i = 0; i < kBlock; ++i)
        sums[i + 1] = sums[i] + (i % 2 == 0 ? kText[i] * 256u : kText[i]);
    return sums;
}();

}  // namespace

base::Bytes text_at(std::uint8_t from, std::uint32_t length) {
    TERMINUS_ASSERT(length <= kTextMax, "a segment has no more");
    return {kText.data() + from, length};
}

std::uint32_t text_sum(std::uint8_t from, std::uint32_t length) {
    TERMINUS_ASSERT(length <= kTextMax, "a segment has no more");
    const std::uint32_t sum = kSums[from + length] - kSums[from];
    if (from % 2 == 0) return sum;
    // RFC 1071 2B: at an odd place all bytes change sides, and so does the sum.
    const std::uint32_t once = (sum >> 16) + (sum & 0xffff);
    return __builtin_bswap16(static_cast<std::uint16_t>((once >> 16) + (once & 0xffff)));
}

bool is_text(base::Bytes text, std::uint8_t from) {
    while (!text.empty()) {
        const std::size_t piece = std::min<std::size_t>(text.size(), kTextMax);
        if (std::memcmp(text.data(), kText.data() + from, piece) != 0) return false;
        text = text.subspan(piece);
        from = static_cast<std::uint8_t>(from + piece);
    }
    return true;
}

}  // namespace terminus::load
