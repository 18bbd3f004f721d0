#pragma once

#include <string>
#include <vector>

#include "drill/runner.hpp"

namespace terminusdrill {

struct Finished {
    std::string file;
    double seconds = 0;  ///< of the real clock
    terminus::drill::RunResult result;
};

/// A testsuite in the XML that CI servers read.
[[nodiscard]] std::string junit(const std::vector<Finished>& all);

}  // namespace terminusdrill
