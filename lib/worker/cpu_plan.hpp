#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace terminus::worker {

/// Which CPUs the process may use and what the configuration wants.
struct CpuRequest {
    std::vector<std::uint16_t> allowed;  ///< the process's affinity, ascending
    std::vector<std::uint16_t> lcores;   ///< as configured; empty: choose `count`
    std::uint32_t count = 1;
    bool allow_shared_cpus = false;
};

/// Where threads run.
struct CpuPlan {
    std::vector<std::uint16_t> workers;  ///< a CPU for each worker
    std::vector<std::uint16_t> control;  ///< the control thread's: none of the workers' when that is possible
    bool workers_share = false;          ///< some CPU has two workers: they must nap when idle
    bool control_shares = false;         ///< the control thread has no CPU of its own
};

/// Chooses from the highest CPU down, so that CPU 0, where the kernel does its own work, is a worker's last.
/// Fails when there are too few CPUs and sharing is not allowed, or when a configured one is not ours to use.
[[nodiscard]] base::Result<CpuPlan, std::string> plan_cpus(const CpuRequest& request);

}  // namespace terminus::worker
