#include "arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "build_info.hpp"

namespace terminus::app {

Arguments parse_arguments(int argc, char** argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    Arguments arguments;
    const auto separator = std::find(words.begin(), words.end(), "--");
    if (separator != words.end()) {
        arguments.eal.assign(words.begin(), separator);
        words.erase(words.begin(), separator + 1);
    }

    CLI::App cli(
        "Terminus: ends clients' TCP connections and proxies them to backends, on DPDK.\n"
        "EAL options, if any, come first and end with --: terminusd -l 0-2 --vdev=net_tap0 -- -c FILE",
        "terminusd");
    cli.add_option("-c,--config", arguments.config, "the configuration file")->capture_default_str();
    cli.add_flag("--check", arguments.check, "read the configuration, say OK or what is wrong, and exit");
    cli.set_version_flag("--version", std::string("terminusd ") + kVersion);
    std::reverse(words.begin(), words.end());  // CLI11 takes a vector from its end
    try {
        cli.parse(words);
    } catch (const CLI::ParseError& error) {
        std::exit(cli.exit(error) == 0 ? 0 : 2);  // help and version are no errors
    }
    return arguments;
}

}  // namespace terminus::app
