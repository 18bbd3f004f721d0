#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>

#include "dpdk/eal.hpp"
#include "dpdk/sizing.hpp"
#include "table_bench.hpp"
#include "wheel_bench.hpp"
#include "worker_bench.hpp"

namespace terminus::bench {
namespace {

struct Arguments {
    std::vector<std::string> benches{"worker", "table", "wheel"};
    std::vector<std::uint32_t> open{1'000, 100'000, 1'000'000};
    WorkerBench worker;
    std::vector<std::uint32_t> entries{1'000, 1'000'000, 10'000'000};
    std::uint32_t operations = 1'000'000;
    int rounds = 5;
    bool ordinary_pages = false;
    std::string json;
};

[[nodiscard]] bool wants(const Arguments& arguments, const std::string& bench) {
    return std::find(arguments.benches.begin(), arguments.benches.end(), bench) != arguments.benches.end();
}

std::uint64_t free_hugepage_bytes() {
    std::uint64_t pages = 0;
    std::ifstream("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") >> pages;
    return pages << 21;
}

std::vector<std::string> eal_options(const Arguments& arguments) {
    const std::uint32_t most = *std::max_element(arguments.entries.begin(), arguments.entries.end());
    std::uint32_t megabytes = 64;
    if (wants(arguments, "table")) megabytes += table_megabytes(most);
    if (wants(arguments, "worker")) megabytes += worker_megabytes();
    dpdk::EalRequest request;
    request.options = {dpdk::one_lcore(), "--log-level=lib.eal:error"};
    if (arguments.ordinary_pages) request.options.emplace_back("--no-huge");
    request.memory_megabytes = megabytes;
    request.free_hugepage_bytes = free_hugepage_bytes();
    return dpdk::eal_arguments(request);
}

void run(const Arguments& arguments) {
    const auto eal = dpdk::Eal::start(eal_options(arguments));
    if (!eal) throw std::runtime_error(eal.error());
    std::printf("DPDK's buffers lie in %s pages\n", eal.value().has_hugepages() ? "huge" : "ordinary");
    Report report(arguments.rounds);
    std::printf("cycles of the time stamp counter for one operation: median of %d rounds (least to most)\n",
                arguments.rounds);
    if (wants(arguments, "worker")) {
        for (const std::uint32_t open : arguments.open)
            bench_worker(open, arguments.worker, report);
    }
    for (const std::uint32_t entries : arguments.entries) {
        if (wants(arguments, "table")) bench_table(entries, arguments.operations, report);
        if (wants(arguments, "wheel")) bench_wheel(entries, arguments.operations, report);
    }
    if (arguments.json.empty()) return;
    std::ofstream file(arguments.json);
    file << report.to_json() << '\n';
    if (!file.flush()) throw std::runtime_error(arguments.json + ": can't be written");
}

void add_worker_options(CLI::App& app, Arguments& arguments) {
    WorkerBench& worker = arguments.worker;
    app.add_option("--open", arguments.open,
                   "worker: proxied connections that are open meanwhile, one table each")
        ->delimiter(',')
        ->check(CLI::Range(16u, 10'000'000u))
        ->capture_default_str();
    app.add_option("--work", worker.works, "worker: what is measured; all when none is named")
        ->delimiter(',')
        ->check(CLI::IsMember(worker_works()));
    app.add_option("--proxied", worker.operations, "worker: connections, requests or segments in a round")
        ->check(CLI::Range(1u, 100'000'000u))
        ->capture_default_str();
    app.add_option("--concurrency", worker.concurrency, "worker: connections or requests under way at a time")
        ->check(CLI::Range(1u, 400u))
        ->capture_default_str();
    app.add_option("--time-waits", worker.time_waits,
                   "worker: in TIME_WAIT while connections come and go; they last 60 s")
        ->check(CLI::Range(0u, 30'000'000u))
        ->capture_default_str();
    app.add_flag("--ipv6", worker.is_v6, "worker: over IPv6");
    app.add_flag("!--no-offloads", worker.has_offloads, "worker: a device that knows nothing of checksums");
    app.add_flag("--ordinary-pages", arguments.ordinary_pages,
                 "no huge pages for DPDK, though there are some");
}

}  // namespace
}  // namespace terminus::bench

int main(int argc, char** argv) {
    terminus::bench::Arguments arguments;
    CLI::App app("Measures a worker, and beside DPDK's own the parts that everything in it stands on.");
    app.add_option("bench", arguments.benches, "worker, table, wheel; all when none is named")
        ->check(CLI::IsMember({"worker", "table", "wheel"}));
    terminus::bench::add_worker_options(app, arguments);
    app.add_option("--entries", arguments.entries, "table, wheel: connections or timers, one row each")
        ->delimiter(',')
        ->check(CLI::Range(64u, 100'000'000u))
        ->capture_default_str();
    app.add_option("--operations", arguments.operations,
                   "table, wheel: of each candidate in a round, at most")
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
