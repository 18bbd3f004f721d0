#pragma once

#include "arguments.hpp"

namespace terminus::app {

/// terminus-replay --recording: the exit code. Throws std::runtime_error when nothing could be replayed.
[[nodiscard]] int repeat(const Arguments& arguments);

}  // namespace terminus::app
