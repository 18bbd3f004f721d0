#pragma once

#include <string_view>

#include "base/result.hpp"
#include "drill/fault.hpp"
#include "drill/run_settings.hpp"

namespace terminus::drill {

/// When a script's commands run.
enum class Moment : std::uint8_t { AtTheStart, OnTheWay, AtTheEnd };

/// What commands do beside setting tunables.
struct CommandsEffect {
    /// The machine is to forget the peers that it knows (Stack::forget_fast_open_peers).
    bool forgets_peers = false;
};

/// Adds to `assignments` what the commands of a script's back-ticks set. `tunables_of` says which tunables
/// there are. Understood: sysctl; echo VALUE > /proc/sys/...; common/set_sysctls.py; common/defaults.sh (the
/// public scripts' baseline); `ip tcp_metrics flush all`; and at the end, when the machine is gone, the
/// restoring of sysctls (sysctl_restore scripts). Any other is refused by name.
[[nodiscard]] base::Result<CommandsEffect, Fault> run_commands(std::string_view text, int line, Moment moment,
                                                               TunablesOf tunables_of,
                                                               Assignments& assignments);

}  // namespace terminus::drill
