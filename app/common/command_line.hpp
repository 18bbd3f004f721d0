#pragma once

#include <string>
#include <vector>

namespace terminus::app {

/// A command line as DPDK's programs have it: EAL's options first, then -- and the program's own. Without a
/// -- all words are the program's.
struct CommandLine {
    std::vector<std::string> eal;
    std::vector<std::string> own_reversed;  ///< the last word first, as CLI11 takes a vector

    CommandLine(int argc, char** argv);
};

}  // namespace terminus::app
