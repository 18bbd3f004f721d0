#pragma once

#include <string>
#include <vector>

#include "capture/recording.hpp"

namespace terminus::differential {

/// Recordings by their files' names, in the names' order; throws std::runtime_error.
[[nodiscard]] std::vector<capture::Recording> load(const std::vector<std::string>& paths);

/// For a server's application, a line each, on the standard output:
///
///     conversation CLIENT PORT SERVER PORT established|refused|unanswered
///     bytes|fin|reset AFTER_RECEIVED AFTER_FIN AFTER_NANOSECONDS HEX
///
/// The steps of a conversation stand below it.
void print_steps(const capture::Recording& recording);

}  // namespace terminus::differential
