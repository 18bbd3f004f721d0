#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "drill/fault.hpp"
#include "drill/run_settings.hpp"

namespace terminus::drill {

/// Linux's NAME=VALUE ("net.ipv4.tcp_rmem" or with slashes, perhaps under /proc/sys) as tunables of ours, in
/// the configuration's words. The value is Linux's: seconds, bytes, three numbers. Whether a tunable of that
/// name exists is for the caller to find out. Nothing comes of those that only concern what this stack
/// doesn't do (segmentation offload). The failure is a sentence.
[[nodiscard]] base::Result<Assignments, std::string> tunables_of_sysctl(std::string_view name,
                                                                        std::string_view value);

/// What a script's machine starts from: where this product's defaults, which are a proxy's, differ from a
/// Linux host's.
[[nodiscard]] const Assignments& host_defaults();

/// Adds to `assignments` what the commands of a script's back-ticks set. `tunables_of` says which tunables
/// there are. Understood: sysctl; echo VALUE > /proc/sys/...; common/set_sysctls.py; common/defaults.sh (the
/// public scripts' baseline); removing what others left behind (sysctl_restore scripts, `ip tcp_metrics
/// flush`), of which a new machine has nothing. Any other is refused by name.
[[nodiscard]] base::Result<void, Fault> run_commands(std::string_view text, int line, TunablesOf tunables_of,
                                                     Assignments& assignments);

}  // namespace terminus::drill
