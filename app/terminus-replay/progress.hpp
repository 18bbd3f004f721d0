#pragma once

#include <chrono>
#include <cstdint>

#include "base/time.hpp"

namespace terminus::app {

/// How far a replay has come, on the standard error when that is a terminal. The only clock of the program,
/// and only people see it.
class Progress {
 public:
    Progress();
    /// After each step.
    void stepped(std::uint64_t packets, base::Duration elapsed);
    /// Leaves the line as it was before.
    void end() const;

 private:
    static constexpr std::uint32_t kStepsBetween = 4096;

    bool is_shown_;
    std::uint32_t steps_ = 0;
    std::chrono::steady_clock::time_point began_;
    std::chrono::steady_clock::time_point shown_;
};

}  // namespace terminus::app
