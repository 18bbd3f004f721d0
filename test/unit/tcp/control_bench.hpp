#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "tcp/congestion_control.hpp"

namespace terminus::tcp {

/// A congestion control fed by hand: one ACK, one loss at a time, at a time of the test's choosing.
template <typename Control>
struct ControlBench {
    static constexpr std::uint32_t kMss = 1000;

    explicit ControlBench(std::uint32_t initial_window = 10 * kMss) {
        control.begin({.now = now, .mss = kMss, .initial_window = initial_window});
    }

    AckSample sample(std::uint32_t bytes) {
        AckSample sample;
        sample.now = now;
        sample.mss = kMss;
        sample.acked = sample.newly_delivered = bytes;
        sample.prior_in_flight = control.window();
        sample.in_flight = control.window() - std::min(bytes, control.window());
        sample.rtt = sample.smoothed_rtt = sample.min_rtt = rtt;
        delivered += bytes;
        sample.delivered = delivered;
        sample.prior_delivered = round_start;
        sample.window_limited = true;
        return sample;
    }
    /// One ACK for so many bytes, of the round that began last.
    void acknowledge(std::uint32_t bytes) { control.acknowledged(sample(bytes)); }
    /// A window of segments, each acknowledged by itself, over one round trip.
    void round() {
        const std::uint32_t segments = std::max(control.window() / kMss, 1u);
        round_start = delivered;
        for (std::uint32_t i = 0; i < segments; ++i) {
            now += rtt / segments;
            acknowledge(kMss);
        }
    }
    LossEvent event() const {
        return {.now = now,
                .mss = kMss,
                .in_flight = control.window(),
                .delivered = delivered,
                .newly_lost = kMss};
    }
    /// A recovery from beginning to end, a round trip long, as PRR leaves it.
    void lose() {
        control.loss_detected(event());
        now += rtt;
        control.set_window(control.slow_start_threshold());
        control.recovery_left(now);
    }

    Control control;
    base::Instant now = base::instant_from_ns(1'000'000'000);
    base::Duration rtt = std::chrono::milliseconds(50);
    std::uint64_t delivered = 0;
    std::uint64_t round_start = 0;  // what was delivered then
};

}  // namespace terminus::tcp
