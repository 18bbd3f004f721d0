#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace terminus::app {

/// One test of a run.
struct JunitCase {
    enum class Outcome : std::uint8_t { Passed, Failed, Skipped };
    std::string name;
    double seconds = 0;  ///< of the real clock
    Outcome outcome = Outcome::Passed;
    std::string message;  ///< why it failed or was skipped, in a line
    std::string details;  ///< of a failure
};

/// A testsuite in the XML that CI servers read; `suite` is the program's name.
[[nodiscard]] std::string junit(const std::string& suite, const std::vector<JunitCase>& all);

}  // namespace terminus::app
