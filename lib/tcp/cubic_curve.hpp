#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace terminus::tcp {

/// RFC 9438's cubic function in integers: C = 0.4 segments/s^3, time in ticks of 2^-12 s (a quarter of a
/// millisecond), windows in bytes. Exact to less than a segment wherever the curve is within 256 s of its
/// inflection; beyond, both ways, it stays as high or low as it is there.
namespace cubic_curve {

/// Ticks of a duration, at least 0 and at most twice the curve's reach.
[[nodiscard]] std::uint32_t ticks(base::Duration duration);

/// The whole part of the cube root.
[[nodiscard]] std::uint32_t cube_root(std::uint64_t value);

/// RFC 9438 4.2: K, how long the curve climbs the `deficit` bytes from cwnd_epoch to W_max; ticks.
[[nodiscard]] std::uint32_t time_to_climb(std::uint32_t deficit, std::uint32_t mss);

/// RFC 9438 4.2: W_cubic at `t` ticks of the stage, bytes, in 0 .. kCongestionWindowMax.
[[nodiscard]] std::uint32_t window(std::uint32_t t, std::uint32_t k, std::uint32_t w_max, std::uint32_t mss);

}  // namespace cubic_curve

}  // namespace terminus::tcp
