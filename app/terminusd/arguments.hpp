#pragma once

#include <string>
#include <vector>

namespace terminus::app {

/// terminusd's command line, testpmd's order: terminusd <EAL options> -- <application options>. Without "--"
/// all options are the application's.
struct Arguments {
    std::vector<std::string> eal;
    std::string config = "/etc/terminus/terminus.yaml";
    bool check = false;
};

/// Parses, or prints help, the version or an error and ends the process as CLI programs do.
[[nodiscard]] Arguments parse_arguments(int argc, char** argv);

}  // namespace terminus::app
