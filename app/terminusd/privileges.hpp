#pragma once

#include <string>
#include <vector>

namespace terminus::app {

/// Gives up for good what starting needed and running does not (HARDENING 32): no new privileges by exec, and
/// of the capabilities only CAP_NET_ADMIN, with which ports are taken down at the end. Says in words what was
/// done or why it could not be; a failure does not end the process.
[[nodiscard]] std::vector<std::string> drop_privileges();

}  // namespace terminus::app
