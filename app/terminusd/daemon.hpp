#pragma once

#include <string>

#include "arguments.hpp"
#include "config/config.hpp"

namespace terminus::app {

/// Starts everything, serves until the control thread has drained, stops everything: the process's exit code.
/// `text` is what the configuration file said.
[[nodiscard]] int run_daemon(const Arguments& arguments, config::Config config, const std::string& text);

}  // namespace terminus::app
