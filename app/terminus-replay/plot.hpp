#pragma once

#include <string>

#include "replay.hpp"

namespace terminus::app {

/// How many conversations of a port are drawn; a flood has more.
inline constexpr std::size_t kDrawnMax = 200;

/// Before the replay, which takes its time: throws std::runtime_error when the folder can't be written to, or
/// a port's sent packets are not kept.
void check_plot(const Replay& replay, const std::string& folder);

/// Draws each conversation of each port into the folder, which is made if need be: DEVICE-N-ladder.svg, and
/// the time-sequence graphs DEVICE-N-client.svg and DEVICE-N-server.svg of what either end sent, N from 1 in
/// the order of their first packets. Returns how many of all ports were left out. Throws std::runtime_error.
std::size_t plot(const Replay& replay, const std::string& folder);

}  // namespace terminus::app
