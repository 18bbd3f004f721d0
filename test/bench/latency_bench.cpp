#include "latency_bench.hpp"

#include <rte_cycles.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/rng.hpp"
#include "delays.hpp"
#include "disturbance.hpp"

namespace terminus::bench {
namespace {

constexpr Budget kBudget{10'000, 5'000};  // DESIGN 6, in nanoseconds
constexpr base::Duration kTurn = std::chrono::microseconds(100);
/// Requests in a row that are measured or discarded together: some ten milliseconds.
constexpr std::uint32_t kSlice = 1000;
/// The worker's timers see no more of a turn in which another had the CPU: they would find everything lost.
constexpr std::int64_t kTurnMaxNs = 100'000;
/// So many times as many slices as are wanted are tried.
constexpr std::uint32_t kAttempts = 4;
constexpr std::uint32_t kConcurrency = 256;

/// Requests that come by their own clock, whatever became of those before them. It stands while the crowd
/// works, so that what is measured is the worker's time alone: turns without work and all.
class OpenLoop {
 public:
    OpenLoop(World& world, std::uint32_t open) : world_(world), delays_(open) {
        world_.crowd().set_delays(&delays_);
    }
    ~OpenLoop() { world_.crowd().set_delays(nullptr); }
    OpenLoop(const OpenLoop&) = delete;
    OpenLoop& operator=(const OpenLoop&) = delete;

    /// `interval` cycles apart on average, and at random (exponentially distributed). The delays of the
    /// requests and of their responses, in cycles. An interruption costs whoever waits meanwhile, too: all
    /// from the last moment at which nothing was under way to the next are left out.
    std::vector<std::uint64_t> run(std::uint32_t count, double interval) {
        world_.crowd().begin(Work::Offered, count, 1);
        auto due = static_cast<double>(delays_.now());
        std::uint32_t offered = 0;
        bool was_interrupted = false;
        while (world_.crowd().done() < count || !world_.is_quiet()) {
            while (offered < count && due <= static_cast<double>(delays_.now()) &&
                   world_.crowd().offer_request(static_cast<std::uint64_t>(due))) {
                due += interval * gap();
                ++offered;
            }
            interruption_.begin();
            const std::uint64_t spent = world_.turn_worker(base::Duration(last_turn_ns_));
            was_interrupted |= interruption_.was_there();
            delays_.set_now(delays_.now() + spent);
            last_turn_ns_ =
                std::min(static_cast<std::int64_t>(spent * 1'000'000'000 / rte_get_tsc_hz()), kTurnMaxNs);
            world_.turn_crowd();
            if (world_.crowd().done() < offered) continue;
            was_interrupted ? delays_.drop() : delays_.keep();
            interruptions_ += was_interrupted ? 1 : 0;
            was_interrupted = false;
        }
        return delays_.take();
    }
    /// How many there were so far.
    [[nodiscard]] std::uint64_t interruptions() const { return interruptions_; }

 private:
    double gap() { return -std::log((static_cast<double>(rng_.below(1 << 20)) + 0.5) / (1 << 20)); }

    World& world_;
    Delays delays_;
    base::Rng rng_{1};
    Interruption interruption_;
    std::uint64_t interruptions_ = 0;
    std::int64_t last_turn_ns_ = 0;
};

struct Quantile {
    const char* name;
    double part;
    std::vector<double> cycles{};  // by round
};

}  // namespace

void bench_latency(World& world, std::uint32_t open, std::uint32_t operations, Report& report) {
    world.crowd().set_manners({.has_own_text = true});
    const std::uint32_t concurrency = std::min(kConcurrency, open);
    const std::uint64_t spent = world.run(Work::Request, operations, concurrency, kTurn);
    const double interval = 2.0 * static_cast<double>(spent) / operations;

    OpenLoop loop(world, open);
    const std::uint32_t slice = std::min(kSlice, operations);
    const std::uint32_t slices = operations / slice;
    std::vector<Quantile> quantiles{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};
    std::uint32_t discarded = 0, tried = 0;
    loop.run(slice, interval);
    for (int round = 0; round < report.rounds(); ++round) {
        std::vector<std::uint64_t> delays;
        std::uint32_t kept = 0;
        for (std::uint32_t i = 0; i < slices * kAttempts && kept < slices; ++i, ++tried) {
            const Disturbance disturbance;
            const std::vector<std::uint64_t> some = loop.run(slice, interval);
            if (disturbance.was_there()) {
                ++discarded;
                continue;
            }
            ++kept;
            delays.insert(delays.end(), some.begin(), some.end());
        }
        if (delays.empty()) continue;
        std::sort(delays.begin(), delays.end());
        for (Quantile& quantile : quantiles) {
            const double place = quantile.part * static_cast<double>(delays.size() - 1);
            quantile.cycles.push_back(static_cast<double>(delays[static_cast<std::size_t>(place)]));
        }
    }
    std::printf(
        "%33s  a request each %.0f cycles, at random, half of what is served; %u of %u runs were disturbed "
        "and "
        "discarded, and what %llu interruptions delayed\n",
        "", interval, discarded, tried, static_cast<unsigned long long>(loop.interruptions()));
    if (quantiles.front().cycles.empty()) return;
    std::vector<Measured> measured;
    for (const Quantile& quantile : quantiles)
        measured.push_back({quantile.name, quantile.cycles});
    report.record("latency", open, std::move(measured));
    auto& p99 = quantiles[1].cycles;
    std::sort(p99.begin(), p99.end());
    report.count("latency, p99", open, "ns",
                 p99[p99.size() / 2] * 1e9 / static_cast<double>(rte_get_tsc_hz()), kBudget);
}

}  // namespace terminus::bench
