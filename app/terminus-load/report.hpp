#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "dpdk/device.hpp"
#include "generator.hpp"
#include "verdict.hpp"

namespace terminus::app {

/// All that a run came to.
struct Report {
    const Arguments& arguments;
    const std::vector<dpdk::Device>& devices;
    const Generator& generator;
    const Measured& measured;
    std::optional<ReflectorRun> reflector;
};

/// Failures of both sides from the start to the end, those that are tolerated left out.
[[nodiscard]] std::uint64_t failures_that_count(const Report& report);

[[nodiscard]] std::string to_text(const Report& report);
[[nodiscard]] std::string to_json(const Report& report);

}  // namespace terminus::app
