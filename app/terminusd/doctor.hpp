#pragma once

#include "arguments.hpp"
#include "config/config.hpp"
#include "control/machine_state.hpp"

namespace terminus::app {

/// Prints what this machine has and lacks for the configuration (control::examine); null: for none. The
/// process's exit code: 0 when nothing keeps it from starting.
[[nodiscard]] int run_doctor(const Arguments& arguments, const config::Config* config);

/// After a start that failed: the warnings and errors of the same, in the log. `machine` is as it was before:
/// EAL has taken hugepages since.
void log_doctor(const control::MachineState& machine, const Arguments& arguments,
                const config::Config& config);

}  // namespace terminus::app
