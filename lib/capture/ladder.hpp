#pragma once

#include <string>

#include "capture/conversation.hpp"

namespace terminus::capture {

/// A ladder diagram of a conversation as SVG: a rung for each segment, in the order of the capture, with its
/// time, flags, numbers, window and options. Rungs are as far apart as they must be to be read, not by their
/// time; at most kRungsMax are drawn, and how many more there were is said.
[[nodiscard]] std::string ladder_svg(const Conversation& conversation);

inline constexpr std::size_t kRungsMax = 400;

}  // namespace terminus::capture
