#pragma once

#include <string>
#include <utility>
#include <vector>

#include "numbers.hpp"

namespace terminus::app {

/// "closes{reason="rst_received"} == 3": the sum over all numbers of that name that have these labels.
struct Condition {
    std::string text;
    std::string name;
    std::vector<std::pair<std::string, std::string>> labels;
    std::string comparison;
    double bound = 0;
};

/// Throws std::runtime_error for what is no condition.
[[nodiscard]] Condition parse_condition(const std::string& text);

struct Judgement {
    bool holds = false;
    double value = 0;
};

/// Throws std::runtime_error, with names that are near, when no number has the name or the labels: a
/// condition on what isn't counted must not hold by chance.
[[nodiscard]] Judgement judge(const Condition& condition, const std::vector<Number>& numbers);

}  // namespace terminus::app
