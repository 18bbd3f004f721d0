#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>

#include "dpdk/eal.hpp"
#include "table_bench.hpp"
#include "wheel_bench.hpp"

namespace terminus::bench {
namespace {

struct Arguments {
    std::vector<std::string> benches{"table", "wheel"};
    std::vector<std::uint32_t> entries{1'000, 1'000'000, 10'000'000};
    std::uint32_t operations = 1'000'000;
    int rounds = 5;
    std::string json;
};

[[nodiscard]] bool wants(const Arguments& arguments, const std::string& bench) {
    return std::find(arguments.benches.begin(), arguments.benches.end(), bench) != arguments.benches.end();
}

void run(const Arguments& arguments) {
    const std::uint32_t most = *std::max_element(arguments.entries.begin(), arguments.entries.end());
    const auto eal = dpdk::Eal::start({"--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m",
                                       std::to_string(table_megabytes(most)), dpdk::one_lcore(),
                                       "--log-level=lib.eal:error"});
    if (!eal) throw std::runtime_error(eal.error());
    Report report(arguments.rounds);
    std::printf("cycles of the time stamp counter for one operation: median of %d rounds (least to most)\n",
                arguments.rounds);
    for (const std::uint32_t entries : arguments.entries) {
        if (wants(arguments, "table")) bench_table(entries, arguments.operations, report);
        if (wants(arguments, "wheel")) bench_wheel(entries, arguments.operations, report);
    }
    if (arguments.json.empty()) return;
    std::ofstream file(arguments.json);
    file << report.to_json() << '\n';
    if (!file.flush()) throw std::runtime_error(arguments.json + ": can't be written");
}

}  // namespace
}  // namespace terminus::bench

int main(int argc, char** argv) {
    terminus::bench::Arguments arguments;
    CLI::App app("Measures the parts of a worker that everything else stands on, beside DPDK's own.");
    app.add_option("bench", arguments.benches, "table, wheel; both when none is named")
        ->check(CLI::IsMember({"table", "wheel"}));
    app.add_option("--entries", arguments.entries, "connections or timers, one row each")
        ->delimiter(',')
        ->check(CLI::Range(64u, 100'000'000u))
        ->capture_default_str();
    app.add_option("--operations", arguments.operations, "of each candidate in a round, at most")
        ->check(CLI::Range(1u, 100'000'000u))
        ->capture_default_str();
    app.add_option("--rounds", arguments.rounds, "of each candidate, in turns")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--json", arguments.json, "the figures, into this file, too");
    CLI11_PARSE(app, argc, argv);
    try {
        terminus::bench::run(arguments);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "terminus-bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
