#pragma once

#include <string>
#include <vector>

#include "capture/recorded_conversations.hpp"

namespace terminus::differential {

/// Recordings by their files' names, in the names' order; throws std::runtime_error.
[[nodiscard]] std::vector<capture::RecordedConversations> load(const std::vector<std::string>& paths);

/// For a server's application, a line each, on the standard output:
///
///     conversation CLIENT PORT SERVER PORT established|refused|unanswered
///     bytes|fin|reset AFTER_RECEIVED AFTER_FIN AFTER_NANOSECONDS HEX
///
/// The steps of a conversation stand below it.
void print_steps(const capture::RecordedConversations& recorded);

}  // namespace terminus::differential
