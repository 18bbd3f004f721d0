#pragma once

#include <cstdint>
#include <vector>

#include "report.hpp"

namespace terminus::bench {

struct ScalingBench {
    /// Two, each with a worker and its crowd; of those that were allowed before EAL took the main thread.
    std::vector<std::uint16_t> cpus;
    std::uint32_t open = 100'000;  ///< connections beside what is measured, each worker's
    std::uint32_t operations = 200'000;
    std::uint32_t time_waits = 200'000;
    std::uint32_t concurrency = 256;
};

/// What a core loses when another works beside it: two workers that share nothing but the machine, each
/// driven from memory on a core of its own, alone and both at a time in turns.
void bench_scaling(const ScalingBench& settings, Report& report);

}  // namespace terminus::bench
