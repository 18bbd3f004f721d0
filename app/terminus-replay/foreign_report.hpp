#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "replay.hpp"

namespace terminus::app {

/// What of the captures of other servers was played, altered, divergent and not mapped, in words. Empty in
/// exact mode, as the others are.
[[nodiscard]] std::string foreign_text(const Replay& replay);
/// The same with every packet's number.
[[nodiscard]] nlohmann::json foreign_json(const Replay& replay);

}  // namespace terminus::app
