#pragma once

#include <cstdint>
#include <vector>

#include "report.hpp"

namespace terminus::bench {

struct ScalingBench {
    std::vector<std::uint32_t> cpus;  ///< two, each with a worker and its crowd
    std::uint32_t open = 100'000;     ///< connections beside what is measured, each worker's
    std::uint32_t operations = 200'000;
    std::uint32_t time_waits = 200'000;
    std::uint32_t concurrency = 256;
};

/// CPUs that this process may use: to be asked before EAL binds the main thread to one of them.
[[nodiscard]] std::vector<std::uint32_t> allowed_cpus();

/// What a core loses when another works beside it: two workers that share nothing but the machine, each
/// driven from memory on a core of its own, alone and both at a time in turns.
void bench_scaling(const ScalingBench& settings, Report& report);

}  // namespace terminus::bench
