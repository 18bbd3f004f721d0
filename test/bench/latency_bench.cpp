#include "latency_bench.hpp"

#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "base/rng.hpp"
#include "delays.hpp"
#include "disturbance.hpp"
#include "stand_in.hpp"

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
                due += exponential_gap(rng_, interval);
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
    World& world_;
    Delays delays_;
    base::Rng rng_{1};
    Interruption interruption_;
    std::uint64_t interruptions_ = 0;
    std::int64_t last_turn_ns_ = 0;
};

/// A distribution's quantiles, round by round.
class Quantiles {
 public:
    /// Of one more round.
    void add(std::vector<std::uint64_t> delays) {
        if (delays.empty()) return;
        std::sort(delays.begin(), delays.end());
        for (std::size_t i = 0; i < cycles_.size(); ++i) {
            const double place = kParts[i] * static_cast<double>(delays.size() - 1);
            cycles_[i].cycles.push_back(static_cast<double>(delays[static_cast<std::size_t>(place)]));
        }
    }
    /// A row of all, and one of p99 in nanoseconds, the median of the rounds; none where every run was
    /// disturbed.
    void report_to(Report& report, const std::string& what, std::uint32_t open, Budget budget = {}) const {
        std::vector<double> p99 = cycles_[1].cycles;
        if (p99.empty()) return;
        report.record(what, open, cycles_);
        std::sort(p99.begin(), p99.end());
        report.count(what + ", p99", open, "ns",
                     p99[p99.size() / 2] * 1e9 / static_cast<double>(rte_get_tsc_hz()), budget);
    }

 private:
    static constexpr double kParts[] = {0.5, 0.99, 0.999, 1};
    std::vector<Measured> cycles_{{"p50", {}}, {"p99", {}}, {"p99.9", {}}, {"max", {}}};
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
    StandIn stand_in(static_cast<double>(spent) / operations);
    Quantiles worker, loop_as_long;
    std::uint32_t discarded = 0, tried = 0;
    // Those of undisturbed slices, as many as are wanted.
    const auto delays_of = [&](auto& server) {
        std::vector<std::uint64_t> delays;
        std::uint32_t kept = 0;
        for (std::uint32_t i = 0; i < slices * kAttempts && kept < slices; ++i, ++tried) {
            const Disturbance disturbance;
            const std::vector<std::uint64_t> some = server.run(slice, interval);
            if (disturbance.was_there()) {
                ++discarded;
                continue;
            }
            ++kept;
            delays.insert(delays.end(), some.begin(), some.end());
        }
        return delays;
    };
    for (int round = 0; round < report.rounds(); ++round) {
        loop.run(slice, interval);  // its memory is in the caches again
        worker.add(delays_of(loop));
        loop_as_long.add(delays_of(stand_in));
    }
    std::printf(
        "%33s  a request each %.0f cycles, at random, half of what is served; %u of %u runs were disturbed "
        "and "
        "discarded, and what %llu interruptions delayed\n",
        "", interval, discarded, tried, static_cast<unsigned long long>(loop.interruptions()));
    worker.report_to(report, "latency", open, kBudget);
    loop_as_long.report_to(report, "latency, a loop as long", open);
}

}  // namespace terminus::bench
