#pragma once

#include <string>

#include "capture/conversation.hpp"

namespace terminus::capture {

/// A graph of time and sequence numbers of what one end of a conversation sent, in tcptrace's manner, as SVG:
/// each segment's text as a stroke over its numbers, again in another colour where it had been sent before;
/// the line of what the other end had acknowledged below it, and that of the window that it offered above;
/// what it reported by SACK; letters for SYN, FIN and RST. At most kPlottedMax sightings are drawn, and what
/// is left out is said.
[[nodiscard]] std::string time_sequence_svg(const Conversation& conversation, bool of_client);

/// Sightings in one drawing: more make a file that no browser likes.
inline constexpr std::size_t kPlottedMax = 50'000;

}  // namespace terminus::capture
