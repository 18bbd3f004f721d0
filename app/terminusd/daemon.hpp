#pragma once

#include "arguments.hpp"
#include "config/config.hpp"

namespace terminus::app {

/// Starts everything, serves until the control thread has drained, stops everything: the process's exit code.
[[nodiscard]] int run_daemon(const Arguments& arguments, config::Config config);

}  // namespace terminus::app
