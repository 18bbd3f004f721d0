#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "control/mailroom.hpp"
#include "control/runtime.hpp"

namespace terminus::control {

/// How the source ports of a worker towards one backend stand, and where that leads.
struct SourcePortState {
    std::uint32_t used = 0;       ///< by connections
    std::uint32_t time_wait = 0;  ///< given back, but a TIME_WAIT may hold them
    std::uint32_t free = 0;
    /// Until none is free, at the present rate; infinite while they don't get fewer.
    double seconds_left = std::numeric_limits<double>::infinity();
};

/// A SourcePortState out of samples. What is in TIME_WAIT is what went there within the length of one: the
/// most that it can be, for some are taken again before (`tw_reuse`). The rate is an exponentially weighted
/// mean.
class SourcePortTrend {
 public:
    /// Of the mean: a burst of a second counts for little, a change of load is seen within half a minute.
    static constexpr base::Duration kMemory = std::chrono::seconds(10);
    /// Ports a second below which nothing is consumed: a mean only nears zero.
    static constexpr double kRateMin = 0.01;

    /// At `now`, later than the sample before.
    void sample(base::Instant now, const proxy::SourcePortUse& use, base::Duration time_wait);
    [[nodiscard]] const SourcePortState& state() const { return state_; }

 private:
    struct Waited {
        base::Instant at;
        std::uint64_t count;
    };
    std::deque<Waited> waited_;  // changes, oldest first; the first is what held a TIME_WAIT's length ago
    base::Instant sampled_at_{};
    double rate_ = 0;  // ports a second
    SourcePortState state_;
};

/// All workers' source ports by backend: asked for once a second, in pieces.
class SourcePortWatch {
 public:
    struct Reading {
        std::string pool;
        std::string backend;
        std::uint32_t worker = 0;
        SourcePortState ports;
    };

    /// Both outlive this, and this the answers.
    SourcePortWatch(Mailroom& mailroom, const Runtime& runtime) : mailroom_(mailroom), runtime_(runtime) {}

    /// Asks all workers; not again before all have answered.
    void sample();
    /// A worker's answer.
    void arrived(std::uint32_t worker, const worker::SourcePortPage& page, base::Instant now);
    /// Of the backends that are configured now and have been heard of, by worker within pool and backend.
    [[nodiscard]] std::vector<Reading> readings() const;

 private:
    void ask(std::uint32_t worker, std::uint64_t cursor);

    Mailroom& mailroom_;
    const Runtime& runtime_;
    std::uint32_t unanswered_ = 0;  // workers whose listing is not over
    std::map<std::pair<proxy::BackendId, std::uint32_t>, SourcePortTrend> trends_;  // by backend and worker
};

}  // namespace terminus::control
