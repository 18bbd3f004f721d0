#pragma once

#include <cstdint>

#include "report.hpp"

namespace terminus::bench {

/// timer::Wheel beside rte_timer with `timers` armed: armed, moved to a later deadline as each ACK moves one,
/// cancelled, and fired; deadlines between 1 ms and 120 s. EAL runs.
void bench_wheel(std::uint32_t timers, std::uint32_t operations, Report& report);

}  // namespace terminus::bench
