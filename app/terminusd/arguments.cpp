#include "arguments.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <utility>

#include "build_info.hpp"
#include "common/command_line.hpp"

namespace terminus::app {

Arguments parse_arguments(int argc, char** argv) {
    CommandLine line(argc, argv);
    Arguments arguments;
    arguments.eal = std::move(line.eal);
    CLI::App cli(
        "Terminus: ends clients' TCP connections and proxies them to backends, on DPDK.\n"
        "EAL options, if any, come first and end with --: terminusd -l 0-2 --vdev=net_tap0 -- -c FILE",
        "terminusd");
    auto* config =
        cli.add_option("-c,--config", arguments.config, "the configuration file")->capture_default_str();
    cli.add_flag("--check", arguments.check, "read the configuration, say OK or what is wrong, and exit");
    cli.add_flag("--doctor", arguments.doctor,
                 "say what this machine has and lacks for the configuration, and what mends it, and exit: "
                 "0 when it can start");
    auto* record = cli.add_option("--record", arguments.record,
                                  "a new file for all that an exact replay needs, from the first packet on; "
                                  "it holds keys and payload");
    cli.add_option("--record-limit", arguments.record_limit,
                   "bytes (or 10GB and the like) after which the recording ends; none by itself")
        ->transform(CLI::AsSizeValue(false))
        ->needs(record);
    cli.set_version_flag("--version", std::string("terminusd ") + kVersion);
    try {
        cli.parse(line.own_reversed);
    } catch (const CLI::ParseError& error) {
        std::exit(cli.exit(error) == 0 ? 0 : 2);  // help and version are no errors
    }
    arguments.has_config = config->count() != 0;
    return arguments;
}

}  // namespace terminus::app
