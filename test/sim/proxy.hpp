#pragma once

#include <cstdint>

#include "outcome.hpp"

namespace terminus::simulation {

class Choices;

/// Clients, the workers of a process that proxies for them, and backends. With `traces` each segment is
/// printed.
[[nodiscard]] Outcome run_proxy(std::uint64_t seed, bool traces);
/// The same by the bytes of a fuzzer.
[[nodiscard]] Outcome run_proxy(Choices& choices, bool traces);

}  // namespace terminus::simulation
