#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace terminus::tcp::bbr {

// draft-ietf-ccwg-bbr's constants that more than one of BBR's files needs; gains in percent.
inline constexpr std::uint32_t kBeta = 70;
inline constexpr std::uint32_t kProbeRttGain = 50;
/// Bytes a second; 550 Gbit/s. Its products with times of a minute stay in 64 bits.
inline constexpr std::uint64_t kRateMax = 1ull << 36;

/// `b` is not before `a`, both totals modulo 2^32 that are less than 2^31 apart.
[[nodiscard]] constexpr bool reached(std::uint32_t b, std::uint32_t a) {
    return b - a < (1u << 31);
}

[[nodiscard]] constexpr std::uint32_t percent(std::uint32_t value, std::uint32_t gain) {
    return static_cast<std::uint32_t>(std::uint64_t{value} * gain / 100);
}

/// What `rate` carries in `time`, bytes; times count for a minute at most, so that nothing overflows.
[[nodiscard]] constexpr std::uint64_t volume(std::uint64_t rate, base::Duration time) {
    constexpr base::Duration kMost = std::chrono::minutes(1);
    const auto ns = static_cast<std::uint64_t>((time < kMost ? time : kMost).count());
    return ns < (1u << 24) ? rate * ns / 1'000'000'000 : rate * (ns / 1000) / 1'000'000;
}

}  // namespace terminus::tcp::bbr
