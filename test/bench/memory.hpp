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
/// `mostly_at_rest`: never more than Settings::resting lets be awake at a time are, so that the others'
/// places for that are never touched.
void require_memory(const World::Settings& settings, bool mostly_at_rest = false);

}  // namespace terminus::bench
