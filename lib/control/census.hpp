#pragma once

#include <cstdint>

#include "worker/group.hpp"

namespace terminus::control {

/// How many there are on all workers, both legs, as their gauges say.
struct Census {
    std::uint64_t connections = 0;  ///< in every state but TIME_WAIT, half-open ones included
    std::uint64_t time_waits = 0;
};

[[nodiscard]] Census census(const worker::Group& group);

}  // namespace terminus::control
