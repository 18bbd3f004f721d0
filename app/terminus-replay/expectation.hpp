#pragma once

#include <string>
#include <vector>

#include "arguments.hpp"
#include "replay.hpp"

namespace terminus::app {

/// A file that a port's output is held against.
struct Expectation {
    const Replay::Port* port = nullptr;
    std::string golden;
};

/// Throws std::runtime_error for a device that isn't there, or whose output is written nowhere.
[[nodiscard]] std::vector<Expectation> expectations_of(const Arguments& arguments, const Replay& replay);

/// How the output differs, in lines; empty when it doesn't. Throws std::runtime_error for a file that can't
/// be read. After Replay::close().
[[nodiscard]] std::string difference(const Expectation& expectation, const Replay& replay);

/// Makes the output the expectation. Throws std::runtime_error.
void update(const Expectation& expectation);

}  // namespace terminus::app
