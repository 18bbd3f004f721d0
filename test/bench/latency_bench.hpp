#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "report.hpp"
#include "world.hpp"

namespace terminus::bench {

/// How long a frame is in the worker, when requests come as they like at half the rate at which they could be
/// served: on `world`'s `open` connections that stay, `operations` a round.
void bench_latency(World& world, std::uint32_t open, std::uint32_t operations, Report& report);

}  // namespace terminus::bench
