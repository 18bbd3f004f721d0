#pragma once

#include <stdexcept>

#include "world.hpp"

namespace terminus::bench {

/// What this process has resident now.
[[nodiscard]] double resident_bytes();

/// With the arithmetic.
struct NotEnoughMemory : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws NotEnoughMemory when the kernel could not give what a world of these settings may touch
/// (/proc/meminfo, MemAvailable). What a connection takes is measured on smaller worlds; none may be alive.
void require_memory(const World::Settings& settings);

}  // namespace terminus::bench
