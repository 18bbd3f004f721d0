#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "control/machine_memory.hpp"
#include "dpdk/sizing.hpp"

namespace terminus::app {

/// All memory that the configuration asks for, held against what there is (worker::plan_memory); `eal` are
/// the arguments that EAL will be started with, which say what lies in hugepages.
[[nodiscard]] base::Result<std::vector<std::string>, std::string> memory_plan(
    const config::Config& config, const dpdk::Sizing& sizing, const std::vector<std::string>& eal,
    const control::MachineMemory& machine);

}  // namespace terminus::app
