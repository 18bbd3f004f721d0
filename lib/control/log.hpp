#pragma once

#include "config/config.hpp"

/// The log: spdlog on stderr, written by the control thread only. Lines have time, level and text; what
/// carries the daemon (systemd, a container) keeps them.
namespace terminus::control {

/// Makes the process's logger. Called once, before anything else of this library.
void start_log(config::LogLevel level);
/// From the next line on.
void set_log_level(config::LogLevel level);

}  // namespace terminus::control
