#pragma once

#include <cstdint>

#include "outcome.hpp"

namespace terminus::simulation {

class Choices;

/// Hostile peers of a stack that also serves an honest one. With `traces` each segment is printed.
[[nodiscard]] Outcome run_hostile(std::uint64_t seed, bool traces);
/// The same by the bytes of a fuzzer.
[[nodiscard]] Outcome run_hostile(Choices& choices, bool traces);

}  // namespace terminus::simulation
