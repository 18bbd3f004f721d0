#include "arguments.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <utility>

#include "common/command_line.hpp"
#include "exit_codes.hpp"

namespace terminus::app {

Arguments parse_arguments(int argc, char** argv) {
    CommandLine line(argc, argv);
    Arguments arguments;
    arguments.eal = std::move(line.eal);
    CLI::App cli(
        "Replays captures through Terminus in virtual time: the same bytes for the same configuration, "
        "capture\n"
        "and seed. EAL options come first and end with --:\n"
        "  terminus-replay --vdev=net_pcap0,rx_pcap=clients.pcap,tx_pcap=out.pcap -- -c terminus.yaml\n"
        "A port of the configuration whose device is net_pcap0 reads and writes these files. Exit code 0: "
        "all is\n"
        "as expected; 1: something is not; 2: nothing could be replayed.",
        "terminus-replay");
    auto* config = cli.add_option("-c,--config", arguments.config, "the configuration file");
    auto* recording =
        cli.add_option("--recording", arguments.recording,
                       "what `terminusd --record` wrote, instead of captures and a configuration: is what is "
                       "sent the same?");
    cli.add_option("--export", arguments.export_folder,
                   "a folder for the recording's frames: a capture of each port's received and sent ones")
        ->needs(recording);
    cli.add_option("--seed", arguments.seed, "of all that is drawn by chance")->capture_default_str();
    cli.add_option("--checksums", arguments.checksums,
                   "verify or repair (verify): what becomes of received packets whose checksums are wrong")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, Checksums>{{"verify", Checksums::Verify}, {"repair", Checksums::Repair}}))
        ->type_name("WHAT");
    cli.add_option("--expect", arguments.expect,
                   "[DEVICE=]FILE: a capture that what was sent is held against, packet by packet")
        ->allow_extra_args(false);
    cli.add_flag("--update", arguments.update, "what was sent is right: it replaces the files of --expect");
    cli.add_option("--report", arguments.report, "text or json, on the standard output (text)")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, ReportFormat>{{"text", ReportFormat::Text}, {"json", ReportFormat::Json}}))
        ->type_name("FORMAT");
    cli.add_option("--junit", arguments.junit, "a file for the results as JUnit XML");
    cli.add_option("--plot", arguments.plot,
                   "a folder for drawings of each connection: time-sequence graphs and a ladder, as SVG");
    cli.add_option("--assert", arguments.conditions,
                   "a condition on the report's numbers: 'closes{reason=\"rst_received\"} == 3'")
        ->allow_extra_args(false);
    cli.add_option("--limit", arguments.limit_seconds,
                   "virtual seconds after the last packet, while connections are left")
        ->capture_default_str();
    cli.add_option("--mode", arguments.mode,
                   "exact: the captures are of Terminus's links; causal, strict: of clients with another "
                   "server, whose\nanswers are played by the backends (exact)")
        ->transform(CLI::CheckedTransformer(std::map<std::string, Mode>{
            {"exact", Mode::Exact}, {"causal", Mode::Causal}, {"strict", Mode::Strict}}))
        ->type_name("MODE");
    cli.add_option("--played", arguments.played,
                   "[DEVICE=]FILE: what was received, for --mode exact from then on")
        ->allow_extra_args(false);
    cli.set_version_flag("--version", "terminus-replay " TERMINUS_VERSION);
    try {
        cli.parse(line.own_reversed);
        if (config->empty() && recording->empty()) throw CLI::RequiredError("--config or --recording");
        for (const CLI::Option* option : cli.get_options()) {
            const bool is_of_recordings = option == recording || option->get_name() == "--export";
            if (!recording->empty() && !option->empty() && !is_of_recordings)
                throw CLI::ExcludesError("--recording", option->get_name());
        }
        if (arguments.update && arguments.expect.empty()) throw CLI::RequiresError("--update", "--expect");
        if (arguments.mode == Mode::Exact && !arguments.played.empty())
            throw CLI::ValidationError("--played", "in exact mode the captures are what is received");
    } catch (const CLI::ParseError& error) {
        std::exit(cli.exit(error) == 0 ? 0 : kCannotRun);  // help and version are no errors
    }
    return arguments;
}

}  // namespace terminus::app
