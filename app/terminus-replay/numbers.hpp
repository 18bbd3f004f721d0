#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "replay.hpp"

namespace terminus::app {

/// A number of a run: closes{leg="client",reason="normal"} 3.
struct Number {
    std::string name;
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;

    /// The label's value; empty for one that it has not.
    [[nodiscard]] std::string_view label(std::string_view key) const;
};

/// Everything that is counted: the metrics of docs/metrics.md, less those of the process itself, without
/// `terminus_` and `_total`, and what the files counted.
[[nodiscard]] std::vector<Number> numbers_of(const Replay& replay, const config::Config& config);

/// A metric's name as numbers_of() has it.
[[nodiscard]] std::string short_name(std::string_view metric);

}  // namespace terminus::app
