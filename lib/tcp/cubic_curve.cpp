#include "tcp/cubic_curve.hpp"

#include <algorithm>

#include "tcp/congestion_control.hpp"

namespace terminus::tcp::cubic_curve {

constexpr std::uint32_t kTicksPerSecondLog2 = 12;
// 2^20 ticks are 256 s: their cube has 60 bits.
constexpr std::uint32_t kReach = 1u << 20;

std::uint32_t ticks(base::Duration duration) {
    constexpr base::Duration kMost = std::chrono::seconds((2 * kReach) >> kTicksPerSecondLog2);
    const std::int64_t ns = std::clamp(duration, base::Duration::zero(), kMost).count();
    return static_cast<std::uint32_t>((ns << kTicksPerSecondLog2) / 1'000'000'000);
}

std::uint32_t cube_root(std::uint64_t value) {
    std::uint64_t root = 0;
    // Three bits of the value make one of the root. 2^21 cubed is 2^63, so nothing overflows.
    for (std::uint64_t bit = 1u << 21; bit > 0; bit /= 2) {
        const std::uint64_t next = root + bit;
        if (next <= 2'642'245 && next * next * next <= value) root = next;
    }
    return static_cast<std::uint32_t>(root);
}

std::uint32_t time_to_climb(std::uint32_t deficit, std::uint32_t mss) {
    // K^3 = deficit / (mss · C), times 2^36 for the ticks: 2^30 before the division for precision, 2^6 after
    // it.
    const std::uint64_t segments =
        ((std::uint64_t{std::min(deficit, kCongestionWindowMax)} * 5) << 30) / 2 / mss;
    if (segments >= (std::uint64_t{kReach} * kReach * kReach) >> 6) return kReach;
    return cube_root(segments << 6);
}

std::uint32_t window(std::uint32_t t, std::uint32_t k, std::uint32_t w_max, std::uint32_t mss) {
    constexpr std::int64_t kMost = kReach;
    const std::int64_t offset = std::clamp(std::int64_t{t} - std::int64_t{k}, -kMost, kMost);
    const std::int64_t cube = offset * offset * offset;
    // 60 bits and an MSS's 16 don't fit: 16 bits of the cube go first, a part in 2^20 of the result's unit.
    const std::int64_t bytes = (((cube >> 16) * std::int64_t{mss} * 2) / 5) >> (3 * kTicksPerSecondLog2 - 16);
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(std::int64_t{w_max} + bytes, 0, std::int64_t{kCongestionWindowMax}));
}

}  // namespace terminus::tcp::cubic_curve
