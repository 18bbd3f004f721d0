#include "scaling_bench.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdio>
#include <exception>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

#include "disturbance.hpp"
#include "dpdk/thread.hpp"
#include "world.hpp"

namespace terminus::bench {
namespace {

constexpr Budget kBudget{10, 3};  // DESIGN 6, in per cent
constexpr std::size_t kCores = 2;
constexpr base::Duration kTurn = std::chrono::microseconds(10);
/// Operations in a row that are measured or discarded together: some ten milliseconds.
constexpr std::uint32_t kSlice = 1000;
constexpr std::uint32_t kAttempts = 4;
constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

struct Kind {
    const char* name;
    Work work;
};
constexpr Kind kKinds[] = {{"connection", Work::Whole}, {"request", Work::Request}};
constexpr std::size_t kKindCount = std::size(kKinds);

/// Cycles for one operation in a round, NaN where each run was disturbed.
struct Round {
    std::array<double, kCores> alone{}, together{};
};

/// Both threads, step by step.
class Cores {
 public:
    Cores(const ScalingBench& settings, int rounds) : settings_(settings) {
        for (auto& kind : results_)
            kind.resize(static_cast<std::size_t>(rounds));
    }

    void run();
    [[nodiscard]] const std::vector<Round>& results(std::size_t kind) const { return results_[kind]; }
    [[nodiscard]] std::uint32_t discarded() const { return discarded_; }
    [[nodiscard]] std::uint32_t tried() const { return tried_; }

 private:
    void core(std::size_t number);
    void rounds_of(std::size_t number, World& world, std::size_t kind);
    double measure(World& world, Work work);
    double slice(World& world, Work work, std::uint32_t count);

    const ScalingBench& settings_;
    std::barrier<> all_{kCores};
    std::atomic<std::uint32_t> measuring_{0};
    std::atomic<bool> has_failed_{false};
    std::atomic<std::uint32_t> discarded_{0}, tried_{0};
    std::array<std::vector<Round>, kKindCount> results_;
    std::array<std::exception_ptr, kCores> errors_;
};

void Cores::run() {
    std::vector<std::thread> threads;
    for (std::size_t number = 0; number < kCores; ++number) {
        threads.emplace_back([this, number] {
            try {
                core(number);
            } catch (...) {
                errors_[number] = std::current_exception();
                has_failed_ = true;
                all_.arrive_and_drop();
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    for (const std::exception_ptr& error : errors_) {
        if (error) std::rethrow_exception(error);
    }
}

void Cores::core(std::size_t number) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(settings_.cpus[number], &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    const dpdk::RegisteredThread registered;
    World world({.staying = settings_.open,
                 .time_waits = settings_.time_waits,
                 .number = static_cast<std::uint32_t>(number)});
    world.run(Work::Open, settings_.open, std::min(settings_.concurrency, settings_.open), kTurn);
    if (settings_.time_waits > 0)
        world.run(Work::Whole, settings_.time_waits, settings_.concurrency, turn_for(settings_.time_waits));
    for (std::size_t kind = 0; kind < kKindCount; ++kind)
        rounds_of(number, world, kind);
}

// One, the other, both; and again.
void Cores::rounds_of(std::size_t number, World& world, std::size_t kind) {
    const Work work = kKinds[kind].work;
    for (Round& round : results_[kind]) {
        for (std::size_t turn = 0; turn < kCores; ++turn) {
            all_.arrive_and_wait();
            if (turn == number) round.alone[number] = measure(world, work);
        }
        if (number == 0) measuring_ = kCores;
        all_.arrive_and_wait();
        round.together[number] = measure(world, work);
        --measuring_;
        // Who is through first works on, so that the other is not alone.
        while (measuring_ > 0 && !has_failed_)
            slice(world, work, kSlice);
    }
}

double Cores::measure(World& world, Work work) {
    const std::uint32_t count = std::min(kSlice, settings_.operations);
    const std::uint32_t wanted = settings_.operations / count;
    double cycles = 0;
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < wanted * kAttempts && kept < wanted; ++i) {
        const Disturbance disturbance;
        const double spent = slice(world, work, count);
        ++tried_;
        if (disturbance.was_there()) {
            ++discarded_;
            continue;
        }
        cycles += spent;
        ++kept;
    }
    return kept == 0 ? kNothing : cycles / kept;
}

double Cores::slice(World& world, Work work, std::uint32_t count) {
    const std::uint32_t concurrency =
        work == Work::Whole ? settings_.concurrency : std::min(settings_.concurrency, settings_.open);
    const base::Duration turn = work == Work::Whole ? turn_for(settings_.time_waits) : kTurn;
    return static_cast<double>(world.run(work, count, concurrency, turn)) / count;
}

double mean(const std::array<double, kCores>& cycles) {
    return (cycles[0] + cycles[1]) / 2;
}

std::string siblings(std::uint16_t cpu) {
    std::string list;
    std::ifstream("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list") >>
        list;
    return list;
}

void report_kind(const Kind& kind, const ScalingBench& settings, const std::vector<Round>& rounds,
                 Report& report) {
    const std::string name = kind.name;
    std::vector<double> alone, together, losses;
    for (const Round& round : rounds) {
        const double one = mean(round.alone);
        const double both = mean(round.together);
        if (one != one || both != both) continue;  // a core of them was never left alone
        alone.push_back(one);
        together.push_back(both);
        losses.push_back(100 * (1 - one / both));
    }
    if (losses.empty()) {
        std::printf("%-22s %10u  every run was disturbed: nothing is measured\n",
                    (name + ", scaling").c_str(), settings.open);
        return;
    }
    report.record(name + ", a core", settings.open, {{"1 worker", alone}, {"2 workers", together}});
    std::sort(losses.begin(), losses.end());
    report.count("loss, 1 to 2 workers: " + name, settings.open, "%", losses[losses.size() / 2], kBudget);
    std::printf("%33s  %.1f %% to %.1f %%\n", "", losses.front(), losses.back());
}

}  // namespace

void bench_scaling(const ScalingBench& settings, Report& report) {
    if (settings.cpus.size() < kCores) {
        std::printf("scaling is not measured: this process may use one CPU\n");
        return;
    }
    Cores cores(settings, report.rounds());
    cores.run();
    std::printf(
        "two workers on CPUs %u and %u (a core's threads: %s, %s); %u of %u runs were disturbed and "
        "discarded\n",
        settings.cpus[0], settings.cpus[1], siblings(settings.cpus[0]).c_str(),
        siblings(settings.cpus[1]).c_str(), cores.discarded(), cores.tried());
    for (std::size_t kind = 0; kind < kKindCount; ++kind)
        report_kind(kKinds[kind], settings, cores.results(kind), report);
}

}  // namespace terminus::bench
