#include "wheel_bench.hpp"

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_timer.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "base/memory.hpp"
#include "base/rng.hpp"
#include "timer/wheel.hpp"

namespace terminus::bench {
namespace {

using base::Instant;

constexpr std::uint32_t kBudget = 64;       // expirations that a turn of the worker has time for
constexpr std::int64_t kTurn = 20'000;      // nanoseconds from one turn to the next
constexpr std::int64_t kLeast = 1'000'000;  // deadlines, nanoseconds from now
constexpr std::int64_t kMost = 120'000'000'000;

// rte_timer's lists, of which none outlives the timers in it.
class RteTimers {
 public:
    RteTimers() {
        if (rte_timer_subsystem_init() != 0) throw std::runtime_error("rte_timer has no memory");
    }
    ~RteTimers() { rte_timer_subsystem_finalize(); }
    RteTimers(const RteTimers&) = delete;
    RteTimers& operator=(const RteTimers&) = delete;
};

class Bench {
 public:
    Bench(std::uint32_t timers, std::uint32_t operations)
        : rng_(timers),
          count_(timers),
          operations_(std::min(timers, operations)),
          wheel_(timers, Instant()),
          ids_(timers),
          memory_(std::size_t{timers} * sizeof(rte_timer)),
          rte_(static_cast<rte_timer*>(memory_.data())),
          order_(shuffled(timers, operations_, rng_)) {
        for (std::uint32_t i = 0; i < timers; ++i) {
            const std::int64_t after = random_after();
            ids_[i] = wheel_.arm(Instant(base::Duration(after)), {i, 0});
            if (ids_[i] == timer::kNoTimer) throw std::runtime_error("timer::Wheel refused a timer");
        }
        afters_.reserve(operations_);
        for (std::uint32_t i = 0; i < operations_; ++i)
            afters_.push_back(random_after());
    }

    void rearm(Report& report);
    void cancel_and_arm(Report& report);
    void fire(Report& report);
    void arm_rte_timers();

 private:
    [[nodiscard]] std::int64_t random_after() {
        return kLeast + static_cast<std::int64_t>(rng_.next() % static_cast<std::uint64_t>(kMost - kLeast));
    }
    [[nodiscard]] static std::uint64_t ticks(std::int64_t nanoseconds) {
        return static_cast<std::uint64_t>(nanoseconds) * (rte_get_tsc_hz() / 1'000'000) / 1000;
    }
    void rte_reset(std::uint32_t index, std::int64_t after);
    void rte_reset_all();

    base::Rng rng_;
    std::uint32_t count_;
    std::uint32_t operations_;
    timer::Wheel wheel_;
    std::vector<timer::TimerId> ids_;
    base::Memory memory_;
    rte_timer* rte_;
    std::vector<std::uint32_t> order_;
    std::vector<std::int64_t> afters_;
    std::int64_t now_ = 0;
    std::uint64_t fired_ = 0;
};

void Bench::rte_reset(std::uint32_t index, std::int64_t after) {
    const auto count_fired = [](rte_timer*, void* fired) { ++*static_cast<std::uint64_t*>(fired); };
    // None of them is due while this runs.
    if (rte_timer_reset(&rte_[index], ticks(after * 1000), SINGLE, rte_lcore_id(), count_fired, &fired_) != 0)
        throw std::runtime_error("rte_timer refused a timer");
}

void Bench::rte_reset_all() {
    for (std::uint32_t i = 0; i < operations_; ++i)
        rte_reset(order_[i], afters_[i]);
}

void Bench::arm_rte_timers() {
    for (std::uint32_t i = 0; i < count_; ++i) {
        rte_timer_init(&rte_[i]);
        rte_reset(i, random_after());
    }
}

void Bench::rearm(Report& report) {
    report.measure("rearm", count_, operations_,
                   {{"timer::Wheel",
                     [this] {
                         for (std::uint32_t i = 0; i < operations_; ++i)
                             wheel_.rearm(ids_[order_[i]], Instant(base::Duration(now_ + afters_[i])));
                     }},
                    {"rte_timer", [this] { rte_reset_all(); }}});
}

void Bench::cancel_and_arm(Report& report) {
    const auto cancel = [this] {
        for (const std::uint32_t index : order_)
            wheel_.cancel(ids_[index]);
    };
    const auto arm = [this] {
        for (std::uint32_t i = 0; i < operations_; ++i)
            ids_[order_[i]] = wheel_.arm(Instant(base::Duration(now_ + afters_[i])), {order_[i], 0});
    };
    const auto rte_cancel = [this] {
        for (const std::uint32_t index : order_)
            rte_timer_stop(&rte_[index]);
    };
    report.measure_both_ways("cancel", "arm", count_, operations_,
                             {{"timer::Wheel", cancel, arm, [this] { return wheel_.size() == count_; }},
                              {"rte_timer", rte_cancel, [this] { rte_reset_all(); },
                               [this] { return rte_timer_pending(&rte_[order_[0]]) != 0; }}});
}

// Turns of the worker, but for those that would find nothing, until so many timers have fired; each is armed
// again, so that as many stay armed. rte_timer reads the clock itself, so its time can't be made to pass: it
// has no such figure.
void Bench::fire(Report& report) {
    const auto turns = [this] {
        std::uint32_t fired = 0;
        while (fired < operations_) {
            now_ = std::max(now_ + kTurn, wheel_.next_wakeup().time_since_epoch().count());
            fired += wheel_.advance(Instant(base::Duration(now_)), kBudget, [this](timer::Target target) {
                const std::int64_t after = afters_[target.handle % operations_];
                ids_[target.handle] = wheel_.arm(Instant(base::Duration(now_ + after)), target);
            });
        }
    };
    report.measure("fire and arm again", count_, operations_, {{"timer::Wheel", turns}});
}

}  // namespace

void bench_wheel(std::uint32_t timers, std::uint32_t operations, Report& report) {
    const RteTimers lists;
    Bench bench(timers, operations);
    bench.arm_rte_timers();
    bench.rearm(report);
    bench.cancel_and_arm(report);
    bench.fire(report);
}

}  // namespace terminus::bench
