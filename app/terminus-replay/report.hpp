#pragma once

#include <string>
#include <vector>

#include "numbers.hpp"

namespace terminus::app {

/// testpmd's forward statistics, and then what is Terminus's own: only lines that are not 0.
[[nodiscard]] std::string text_report(const Replay& replay, const std::vector<Number>& numbers);

/// The same as JSON: ports, and all numbers that are not 0.
[[nodiscard]] std::string json_report(const Replay& replay, const std::vector<Number>& numbers);

}  // namespace terminus::app
