#pragma once

#include <cstdint>

#include "outcome.hpp"

namespace terminus::simulation {

class Choices;

/// Two stacks over a bad wire; everything follows from the seed. With `traces` each segment is printed.
[[nodiscard]] Outcome run_pair(std::uint64_t seed, bool traces);
/// The same by the bytes of a fuzzer.
[[nodiscard]] Outcome run_pair(Choices& choices, bool traces);

}  // namespace terminus::simulation
