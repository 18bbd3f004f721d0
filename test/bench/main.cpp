#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "common/machine.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/sizing.hpp"
#include "held_bench.hpp"
#include "memory.hpp"
#include "scaling_bench.hpp"
#include "table_bench.hpp"
#include "wheel_bench.hpp"
#include "worker_bench.hpp"

namespace terminus::bench {
namespace {

const std::vector<std::string> kMeasured{"worker", "scaling", "table", "wheel"};
constexpr Budget kLossBudget{25, 10};  // DESIGN 6, in per cent
/// What Meson takes for a test that could not be run here.
constexpr int kSkipped = 77;

struct Arguments {
    std::vector<std::string> benches = kMeasured;
    std::vector<std::uint32_t> open{1'000, 100'000, 1'000'000};
    WorkerBench worker;
    ScalingBench scaling;
    std::uint32_t seconds = 600;
    std::vector<std::uint32_t> entries{1'000, 1'000'000, 10'000'000};
    std::uint32_t operations = 1'000'000;
    int rounds = 5;
    bool ordinary_pages = false;
    std::string json;
};

[[nodiscard]] bool wants(const Arguments& arguments, const std::string& bench) {
    return std::find(arguments.benches.begin(), arguments.benches.end(), bench) != arguments.benches.end();
}

/// Whether there are figures to be reported.
[[nodiscard]] bool is_measured(const Arguments& arguments) {
    return std::any_of(kMeasured.begin(), kMeasured.end(),
                       [&](const std::string& bench) { return wants(arguments, bench); });
}

std::vector<std::string> eal_options(const Arguments& arguments) {
    const std::uint32_t most = *std::max_element(arguments.entries.begin(), arguments.entries.end());
    std::uint32_t megabytes = 64;
    if (wants(arguments, "table")) megabytes += table_megabytes(most);
    // Of these one at a time is there; two workers that are compared are there at once.
    if (wants(arguments, "scaling")) {
        megabytes += 2 * worker_megabytes();
    } else if (wants(arguments, "worker") || wants(arguments, "held") || wants(arguments, "soak")) {
        megabytes += worker_megabytes();
    }
    dpdk::EalRequest request;
    request.options = {dpdk::one_lcore(), "--log-level=lib.eal:error"};
    if (arguments.ordinary_pages) request.options.emplace_back("--no-huge");
    request.memory_megabytes = megabytes;
    request.free_hugepage_bytes = app::free_hugepage_bytes();
    return dpdk::eal_arguments(request);
}

/// Why some of it could not be measured; empty when all was.
std::string run_workers(const Arguments& arguments, Report& report) {
    std::string refused;
    std::vector<std::uint32_t> measured;
    for (const std::uint32_t open : arguments.open) {
        try {
            bench_worker(open, arguments.worker, report);
            measured.push_back(open);
        } catch (const NotEnoughMemory& error) {
            refused = error.what();
            std::printf("%s\n", error.what());
        }
    }
    if (measured.empty()) return refused;
    const auto [fewest, most] = std::minmax_element(measured.begin(), measured.end());
    if (*fewest != *most) report.compare(*fewest, *most, kLossBudget);
    return refused;
}

void write_json(const Report& report, const std::string& name) {
    std::ofstream file(name);
    file << report.to_json() << '\n';
    if (!file.flush()) throw std::runtime_error(name + ": can't be written");
}

void run(const Arguments& arguments) {
    const auto eal = dpdk::Eal::start(eal_options(arguments));
    if (!eal) throw std::runtime_error(eal.error());
    std::printf("DPDK's buffers lie in %s pages\n", eal.value().has_hugepages() ? "huge" : "ordinary");
    const auto [fewest, most] = std::minmax_element(arguments.open.begin(), arguments.open.end());
    const auto world = [&arguments](std::uint32_t open) {
        return HeldBench{open, arguments.worker.is_v6, arguments.worker.has_offloads};
    };
    if (wants(arguments, "held")) bench_held(world(*most));
    if (wants(arguments, "soak")) bench_soak(arguments.seconds, world(*fewest));
    if (!is_measured(arguments)) return;
    Report report(arguments.rounds);
    std::printf("cycles of the time stamp counter for one operation: median of %d rounds (least to most)\n",
                arguments.rounds);
    std::string refused;
    if (wants(arguments, "worker")) refused = run_workers(arguments, report);
    if (wants(arguments, "scaling")) bench_scaling(arguments.scaling, report);
    for (const std::uint32_t entries : arguments.entries) {
        if (wants(arguments, "table")) bench_table(entries, arguments.operations, report);
        if (wants(arguments, "wheel")) bench_wheel(entries, arguments.operations, report);
    }
    report.print_budgets();
    if (!arguments.json.empty()) write_json(report, arguments.json);
    if (!refused.empty()) throw NotEnoughMemory(refused);
}

void add_worker_options(CLI::App& app, Arguments& arguments) {
    WorkerBench& worker = arguments.worker;
    app.add_option("--open", arguments.open,
                   "worker: proxied connections that are open meanwhile, one table each; held: the most of "
                   "these, soak: the fewest")
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
    app.add_option("--scaling-open", arguments.scaling.open, "scaling: the same, for each of two workers")
        ->check(CLI::Range(16u, 10'000'000u))
        ->capture_default_str();
    app.add_option("--seconds", arguments.seconds, "soak: so long")->capture_default_str();
    app.add_option("--time-waits", worker.time_waits,
                   "worker: in TIME_WAIT while connections come and go; they last 60 s")
        ->check(CLI::Range(0u, 30'000'000u))
        ->capture_default_str();
    app.add_flag("--ipv6", worker.is_v6, "worker: over IPv6");
    app.add_flag("!--no-offloads", worker.has_offloads, "worker: a device that knows nothing of checksums");
    app.add_flag("--tso", worker.has_tso, "worker: a device that cuts runs of segments");
    app.add_flag("--ordinary-pages", arguments.ordinary_pages,
                 "no huge pages for DPDK, though there are some");
}

}  // namespace
}  // namespace terminus::bench

int main(int argc, char** argv) {
    terminus::bench::Arguments arguments;
    CLI::App app("Measures a worker, and beside DPDK's own the parts that everything in it stands on.");
    app.add_option(
           "bench", arguments.benches,
           "worker, scaling, table, wheel; all these when none is named. Or held, soak: no figures, but "
           "an account of all that a worker held")
        ->check(CLI::IsMember({"worker", "scaling", "table", "wheel", "held", "soak"}));
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
    arguments.scaling.cpus = terminus::app::allowed_cpus();
    arguments.scaling.operations = arguments.worker.operations;
    arguments.scaling.concurrency = arguments.worker.concurrency;
    arguments.scaling.time_waits = std::min(arguments.worker.time_waits, arguments.scaling.time_waits);
    try {
        terminus::bench::run(arguments);
    } catch (const terminus::bench::NotEnoughMemory& error) {
        std::fprintf(stderr, "terminus-bench: %s\n", error.what());
        return terminus::bench::kSkipped;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "terminus-bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
