#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace terminus::app {

/// terminusd's command line, testpmd's order: terminusd <EAL options> -- <application options>. Without "--"
/// all options are the application's.
struct Arguments {
    std::vector<std::string> eal;
    std::string config = "/etc/terminus/terminus.yaml";
    bool check = false;
    bool doctor = false;
    bool has_config = false;                  ///< the command line names the file
    std::string record;                       ///< a file for a recording of all that happens; empty: none
    std::uint64_t record_limit = UINT64_MAX;  ///< its bytes
};

/// Parses, or prints help, the version or an error and ends the process as CLI programs do.
[[nodiscard]] Arguments parse_arguments(int argc, char** argv);

}  // namespace terminus::app
