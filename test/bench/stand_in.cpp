#include "stand_in.hpp"

#include <rte_cycles.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "delays.hpp"

namespace terminus::bench {
namespace {

/// Each iteration waits for the one before it.
void loop(std::uint64_t iterations) {
    for (std::uint64_t x = iterations; iterations > 0; --iterations)
        asm volatile("imul %0, %0" : "+r"(x));
}

std::uint64_t cycles_of(std::uint64_t iterations) {
    const std::uint64_t before = rte_rdtsc();
    loop(iterations);
    return rte_rdtsc() - before;
}

/// Undisturbed: the shortest of several times.
double cycles_of_one() {
    constexpr std::uint64_t kIterations = 10'000;
    std::uint64_t least = UINT64_MAX;
    for (int i = 0; i < 20; ++i)
        least = std::min(least, cycles_of(kIterations));
    return static_cast<double>(least) / kIterations;
}

}  // namespace

double exponential_gap(base::Rng& rng, double interval) {
    return interval * -std::log((static_cast<double>(rng.below(1 << 20)) + 0.5) / (1 << 20));
}

StandIn::StandIn(double cycles_each)
    : iterations_(static_cast<std::uint64_t>(cycles_each / 2 / cycles_of_one())) {}

std::vector<std::uint64_t> StandIn::run(std::uint32_t count, double interval) {
    struct Waiting {
        std::uint64_t due;
        bool is_on_its_way_back;
    };
    std::vector<Waiting> waiting, next;
    Delays delays(0);
    Interruption interruption;
    bool was_interrupted = false;
    double due = 0;
    for (std::uint32_t offered = 0; offered < count || !waiting.empty();) {
        for (; offered < count && due <= static_cast<double>(delays.now()); ++offered) {
            waiting.push_back({static_cast<std::uint64_t>(due), false});
            due += exponential_gap(rng_, interval);
        }
        interruption.begin();
        const std::uint64_t spent = cycles_of(waiting.size() * iterations_);
        was_interrupted |= interruption.was_there();
        delays.set_now(delays.now() + spent);
        next.clear();
        for (const Waiting& one : waiting) {
            delays.took(delays.now() - one.due);
            if (!one.is_on_its_way_back) next.push_back({delays.now(), true});
        }
        std::swap(waiting, next);
        if (!waiting.empty()) continue;
        was_interrupted ? delays.drop() : delays.keep();
        was_interrupted = false;
    }
    return delays.take();
}

}  // namespace terminus::bench
