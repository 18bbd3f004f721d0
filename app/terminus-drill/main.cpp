// terminus-drill: runs packet scripts against the stack in virtual time.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "common/junit.hpp"
#include "drill/runner.hpp"
#include "machine_room.hpp"
#include "script_files.hpp"

namespace {

using terminus::drill::RunSettings;
using terminus::drill::Verdict;

struct Finished {
    std::string file;
    double seconds = 0;  // of the real clock
    terminus::drill::RunResult result;
};

constexpr int kSomeFailed = 1;
constexpr int kCannotRun = 2;

/// What may be said on the command line for all scripts, in the scripts' own words.
struct Options {
    std::vector<std::string> paths;
    std::vector<std::string> definitions;
    std::vector<std::string> tunables;
    std::string ip_version;
    std::string mtu;
    std::string tolerance_usecs;
    std::string tolerance_percent;
    std::string junit;
    std::uint64_t seed = 1;
    bool verbose = false;
    bool quiet = false;
    bool like_packetdrill = false;
};

void declare(CLI::App& app, Options& options) {
    app.set_version_flag("--version", TERMINUS_VERSION);
    app.add_option("PATH", options.paths, "a script, or a directory: all *.pkt below it")->required();
    app.add_option("-D,--define", options.definitions, "NAME=VALUE: what a word in the scripts stands for")
        ->allow_extra_args(false);
    app.add_option("--set", options.tunables, "tcp.KEY=VALUE: a tunable, as in the configuration file")
        ->allow_extra_args(false);
    app.add_option("--ip_version", options.ip_version,
                   "ipv4, ipv6 or ipv4-mapped-ipv6: scripts that say another are skipped");
    app.add_option("--mtu", options.mtu, "of the machine's interface (1500)");
    app.add_option("--tolerance_usecs", options.tolerance_usecs, "by how much a time may be off (4000)");
    app.add_option("--tolerance_percent", options.tolerance_percent,
                   "the same, in percent of the time since the event before (0)");
    app.add_flag("--like_packetdrill", options.like_packetdrill,
                 "take no notice of other connections than the one under test, nor of packets after the end");
    app.add_option("--seed", options.seed, "of initial sequence numbers, ports and the like (1)");
    app.add_option("--junit", options.junit, "a file for the results as JUnit XML");
    app.add_flag("-v,--verbose", options.verbose, "show the exchange of scripts that pass, too");
    app.add_flag("-q,--quiet", options.quiet, "nothing about scripts that pass or are skipped");
}

void apply(const std::string& name, const std::string& value, RunSettings& settings) {
    const auto done = terminus::drill::apply_option(name, value, settings);
    if (!done) throw std::runtime_error(done.error());
}

RunSettings settings_of(const Options& options) {
    RunSettings settings;
    settings.tunables_of = terminusdrill::tunables_of;
    settings.seed = options.seed;
    for (const std::string& definition : options.definitions)
        apply("define", definition, settings);
    for (const std::string& tunable : options.tunables)
        apply("set", tunable, settings);
    if (!options.ip_version.empty()) {
        apply("ip_version", options.ip_version, settings);
        settings.asked_version = settings.ip_version;
    }
    if (!options.mtu.empty()) apply("mtu", options.mtu, settings);
    if (options.like_packetdrill) apply("like_packetdrill", "", settings);
    if (!options.tolerance_usecs.empty()) apply("tolerance_usecs", options.tolerance_usecs, settings);
    if (!options.tolerance_percent.empty()) apply("tolerance_percent", options.tolerance_percent, settings);
    const auto tunables = settings.tunables_of(settings.assignments);
    if (!tunables) throw std::runtime_error(tunables.error());
    return settings;
}

Finished run_one(const std::string& file, const RunSettings& settings) {
    const std::string text = terminusdrill::read_file(file);
    const auto begin = std::chrono::steady_clock::now();
    Finished finished{file, 0, terminus::drill::run_script(text, settings)};
    finished.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return finished;
}

void show(const Finished& finished, const Options& options) {
    const terminus::drill::RunResult& result = finished.result;
    switch (result.verdict) {
        case Verdict::Passed:
            if (options.verbose)
                std::printf("%s: passed\n%s", finished.file.c_str(), result.exchange.c_str());
            break;
        case Verdict::Skipped:
            if (!options.quiet)
                std::printf("%s:%d: skipped: %s\n", finished.file.c_str(), result.fault.line,
                            result.fault.message.c_str());
            break;
        case Verdict::Failed:
            std::fputs(terminus::drill::report(finished.file, result).c_str(), stdout);
            break;
    }
    if (!result.printed.empty()) std::fputs(result.printed.c_str(), stdout);
    std::fflush(stdout);
}

terminus::app::JunitCase junit_case(const Finished& finished) {
    using Outcome = terminus::app::JunitCase::Outcome;
    terminus::app::JunitCase one{finished.file, finished.seconds};
    switch (finished.result.verdict) {
        case Verdict::Passed:
            return one;
        case Verdict::Skipped:
            one.outcome = Outcome::Skipped;
            break;
        case Verdict::Failed:
            one.outcome = Outcome::Failed;
            one.details = terminus::drill::report(finished.file, finished.result);
            break;
    }
    one.message = finished.result.fault.message;
    return one;
}

void write_junit(const std::string& path, const std::vector<Finished>& all) {
    std::vector<terminus::app::JunitCase> cases;
    for (const Finished& finished : all)
        cases.push_back(junit_case(finished));
    std::ofstream out(path, std::ios::binary);
    out << terminus::app::junit("terminus-drill", cases);
    if (!out.flush()) throw std::runtime_error(path + " can't be written");
}

int run(const Options& options) {
    const std::vector<std::string> files = terminusdrill::find_scripts(options.paths);
    const terminusdrill::MachineRoom room;
    RunSettings settings = settings_of(options);
    settings.buffers = room.buffers();
    std::vector<Finished> all;
    std::size_t counts[3] = {};
    for (const std::string& file : files) {
        all.push_back(run_one(file, settings));
        show(all.back(), options);
        ++counts[static_cast<std::size_t>(all.back().result.verdict)];
    }
    if (!options.junit.empty()) write_junit(options.junit, all);
    std::printf("%zu passed, %zu failed, %zu skipped\n", counts[0], counts[1], counts[2]);
    return counts[1] == 0 ? 0 : kSomeFailed;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Runs packet scripts (packetdrill's language) against Terminus's stack in virtual time.");
    declare(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // CLI11's own codes are neither ours nor stable.
        return app.exit(error) == 0 ? 0 : kCannotRun;
    }
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "terminus-drill: %s\n", error.what());
        return kCannotRun;
    }
}
