#pragma once

#include <vector>

#include "numbers.hpp"

namespace terminus::app {

/// What became of the captures of other servers, for conditions; nothing in exact mode.
void add_foreign(std::vector<Number>& out, const Replay& replay);

}  // namespace terminus::app
