#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <queue>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "tcp/congestion_control.hpp"

namespace terminus::tcp {

/// One bottleneck for congestion controls to meet at, and the least of a sender around each: a queue that
/// drops its tail, a constant round trip, a receiver that acknowledges each packet. Nothing is reordered, so
/// a packet is lost when a later one is acknowledged, or, with nothing left under way, after a second. What
/// is lost counts as sent again by whatever is sent next: only volumes matter here. The sender stands in for
/// the machine: window and rate are obeyed, recoveries begin and end, delivery rates are sampled as
/// draft-ietf-ccwg-bbr 4.1 has it.
template <typename Control>
class LinkModel {
 public:
    struct Link {
        std::uint64_t rate = 12'500'000;  ///< bytes a second
        base::Duration rtt = std::chrono::milliseconds(40);
        std::uint32_t buffer = 500'000;  ///< bytes that may wait
        std::uint32_t loss_per_million = 0;
        std::uint32_t mark_above = UINT32_MAX;  ///< bytes waiting from which on packets are marked (RFC 3168)
    };
    struct Packet {
        std::uint64_t number = 0;
        base::Instant sent_at{};
        base::Instant first_sent_at{};
        base::Instant delivered_at{};
        std::uint64_t delivered = 0;
        std::uint64_t lost = 0;
        std::uint32_t in_flight = 0;
        bool app_limited = false;
        bool marked = false;
    };
    struct Flow {
        Control control;
        base::Instant start{};
        std::uint64_t app_rate = 0;  ///< bytes a second the application has to send; 0: any
        // ---- counted
        std::uint64_t delivered = 0;
        std::uint64_t lost = 0;
        std::uint32_t recoveries = 0;
        std::uint32_t timeouts = 0;
        std::uint32_t window_max = 0;
        // ---- the sender's own
        std::uint64_t sent = 0;
        std::uint32_t in_flight = 0;
        std::uint64_t recover = 0;  ///< packet number at which the recovery ends
        bool recovering = false;
        base::Instant next_send{};
        base::Instant delivered_at{};
        base::Instant first_sent_at{};
        base::Duration smoothed_rtt{0};
        base::Duration min_rtt{-1};
        base::Instant marked_until{};
        std::uint64_t app_limited_until = 0;
        std::uint64_t next_number = 0;
        base::Instant timeout_at{};
        bool window_limited = false;
        bool started = false;
        bool wake_pending = false;
        bool timeout_pending = false;
        std::deque<Packet> outstanding;
    };
    static constexpr std::uint32_t kMss = 1000;

    LinkModel(const Link& link, std::uint64_t seed) : link_(link), rng_(seed) {}

    /// The link changes under way.
    Link& link() { return link_; }
    Flow& add(Control control, base::Instant start = {}, std::uint64_t app_rate = 0) {
        flows_.push_back(Flow{.control = std::move(control)});
        Flow& flow = flows_.back();
        flow.start = start;
        flow.app_rate = app_rate;
        schedule(start, {Kind::Wake, flows_.size() - 1, {}});
        return flow;
    }

    /// Lets everything up to `until` happen; the order is that of time, then of scheduling.
    void run(base::Instant until) {
        while (!events_.empty() && events_.top().at <= until) {
            const Event event = events_.top();
            events_.pop();
            now_ = event.at;
            happens(event);
        }
        now_ = until;
    }

    [[nodiscard]] base::Instant now() const { return now_; }
    [[nodiscard]] std::uint64_t drops() const { return drops_; }
    /// The most that waited since this was last asked, bytes.
    std::uint32_t take_queue_max() { return std::exchange(queue_max_, 0); }
    [[nodiscard]] std::uint64_t bdp() const {
        return link_.rate * static_cast<std::uint64_t>(link_.rtt.count()) / 1'000'000'000;
    }

 private:
    enum class Kind : std::uint8_t { Wake, Ack, Timeout };
    struct Event {
        Kind kind;
        std::size_t flow;
        Packet packet;
        base::Instant at{};
        std::uint64_t number = 0;
        bool operator<(const Event& other) const {  // the queue's top is the greatest
            return std::pair(other.at, other.number) < std::pair(at, number);
        }
    };

    static bool owns_recovery(const Control& control) {
        if constexpr (requires { control.owns_recovery(); }) {
            return control.owns_recovery();
        } else {
            return Control::kOwnsRecovery;
        }
    }

    void schedule(base::Instant at, Event event) {
        event.at = at;
        event.number = event_number_++;
        events_.push(event);
    }
    void schedule_wake(base::Instant at, Flow& flow, std::size_t index) {
        if (!flow.wake_pending) schedule(at, {Kind::Wake, index, {}});
        flow.wake_pending = true;
    }

    void happens(const Event& event) {
        Flow& flow = flows_[event.flow];
        switch (event.kind) {
            case Kind::Wake:
                wake(flow);
                break;
            case Kind::Ack:
                acknowledged(flow, event.packet);
                break;
            case Kind::Timeout:
                timeout_expired(flow, event.flow);
                break;
        }
        send(flow, event.flow);
    }

    void wake(Flow& flow) {
        flow.wake_pending = false;
        if (flow.started) return;
        flow.started = true;
        flow.control.begin(
            {.now = now_, .mss = kMss, .initial_window = 10 * kMss, .rtt = link_.rtt, .random = rng_.next()});
    }

    /// What the application has had to send by now, bytes.
    [[nodiscard]] std::uint64_t offered(const Flow& flow) const {
        if (flow.app_rate == 0) return UINT64_MAX;
        const auto us = static_cast<std::uint64_t>((now_ - flow.start).count() / 1000);
        return flow.app_rate * us / 1'000'000 + kMss;
    }

    void send(Flow& flow, std::size_t index) {
        for (;;) {
            if (flow.in_flight + kMss > std::max(flow.control.window(), kMss)) {
                flow.window_limited = true;
                return;
            }
            if (flow.sent - flow.lost + kMss > offered(flow)) {
                flow.app_limited_until = std::max<std::uint64_t>(flow.delivered + flow.in_flight, 1);
                schedule_wake(now_ + std::chrono::milliseconds(1), flow, index);
                return;
            }
            const std::uint64_t rate = flow.control.pacing_rate();
            if (rate > 0) {
                if (now_ < flow.next_send) {
                    schedule_wake(flow.next_send, flow, index);
                    return;
                }
                const base::Duration takes(
                    static_cast<std::int64_t>(std::uint64_t{kMss} * 1'000'000'000 / rate));
                const base::Duration quantum =
                    takes * (std::max(flow.control.send_quantum(), kMss) / kMss - 1);
                flow.next_send = std::max(flow.next_send, now_ - quantum) + takes;
            }
            transmit(flow, index);
        }
    }

    void transmit(Flow& flow, std::size_t index) {
        if (flow.in_flight == 0) flow.first_sent_at = flow.delivered_at = now_;
        flow.in_flight += kMss;
        flow.sent += kMss;
        Packet packet{.number = flow.next_number++,
                      .sent_at = now_,
                      .first_sent_at = flow.first_sent_at,
                      .delivered_at = flow.delivered_at,
                      .delivered = flow.delivered,
                      .lost = flow.lost,
                      .in_flight = flow.in_flight,
                      .app_limited = flow.app_limited_until != 0};
        flow.outstanding.push_back(packet);
        restart_timeout(flow);
        if (!flow.timeout_pending) schedule(flow.timeout_at, {Kind::Timeout, index, {}});
        flow.timeout_pending = true;
        // The queue is a clock: when what is in it will have left.
        free_at_ = std::max(free_at_, now_);
        const auto waiting = static_cast<std::uint32_t>(
            static_cast<std::uint64_t>((free_at_ - now_).count()) * link_.rate / 1'000'000'000);
        const bool is_lost = link_.loss_per_million > 0 && rng_.below(1'000'000) < link_.loss_per_million;
        if (is_lost || waiting + kMss > link_.buffer) {
            drops_ += 1;
            return;
        }
        queue_max_ = std::max(queue_max_, waiting);
        packet.marked = waiting > link_.mark_above;
        free_at_ +=
            base::Duration(static_cast<std::int64_t>(std::uint64_t{kMss} * 1'000'000'000 / link_.rate));
        schedule(free_at_ + link_.rtt, {Kind::Ack, index, packet});
    }

    void acknowledged(Flow& flow, const Packet& packet) {
        auto& outstanding = flow.outstanding;
        if (outstanding.empty() || outstanding.back().number < packet.number)
            return;  // given up by a time-out
        AckSample sample;
        sample.now = now_;
        sample.mss = kMss;
        sample.prior_in_flight = flow.in_flight;
        while (!outstanding.empty() && outstanding.front().number < packet.number) {
            sample.newly_lost += kMss;
            outstanding.pop_front();
        }
        if (outstanding.empty() || outstanding.front().number != packet.number) return;
        outstanding.pop_front();
        restart_timeout(flow);
        flow.in_flight -= kMss + sample.newly_lost;
        flow.lost += sample.newly_lost;
        flow.delivered += kMss;
        if (flow.app_limited_until != 0 && flow.delivered > flow.app_limited_until)
            flow.app_limited_until = 0;

        sample.acked = sample.newly_delivered = kMss;
        sample.in_flight = flow.in_flight;
        sample.rtt = now_ - packet.sent_at;
        flow.min_rtt =
            flow.min_rtt < base::Duration::zero() ? sample.rtt : std::min(flow.min_rtt, sample.rtt);
        flow.smoothed_rtt = flow.smoothed_rtt == base::Duration::zero()
                                ? sample.rtt
                                : (flow.smoothed_rtt * 7 + sample.rtt) / 8;
        sample.smoothed_rtt = flow.smoothed_rtt;
        sample.min_rtt = flow.min_rtt;
        sample.ece = packet.marked;
        sample_rate(flow, packet, sample);
        sample.window_limited = flow.window_limited;
        flow.window_limited = false;
        react(flow, packet, sample);
        flow.window_max = std::max(flow.window_max, flow.control.window());
    }

    void sample_rate(Flow& flow, const Packet& packet, AckSample& sample) {
        const base::Duration sending = packet.sent_at - packet.first_sent_at;
        const base::Duration arriving = now_ - packet.delivered_at;
        flow.first_sent_at = packet.sent_at;
        flow.delivered_at = now_;
        sample.delivered = flow.delivered;
        sample.prior_delivered = packet.delivered;
        sample.sample_delivered = static_cast<std::uint32_t>(flow.delivered - packet.delivered);
        sample.sample_lost = static_cast<std::uint32_t>(flow.lost - packet.lost);
        sample.tx_in_flight = packet.in_flight;
        sample.app_limited = packet.app_limited;
        sample.interval = std::max(sending, arriving);
        if (sample.interval >= flow.min_rtt) {
            sample.delivery_rate = std::uint64_t{sample.sample_delivered} * 1'000'000'000 /
                                   static_cast<std::uint64_t>(sample.interval.count());
        } else {
            sample.interval = base::Duration::zero();
        }
    }

    void react(Flow& flow, const Packet& packet, const AckSample& sample) {
        if (flow.recovering && packet.number >= flow.recover) {
            flow.recovering = false;
            if (!owns_recovery(flow.control)) flow.control.set_window(flow.control.slow_start_threshold());
            flow.control.recovery_left(now_);
        }
        if (!flow.recovering && (sample.newly_lost > 0 || sample.ece)) {
            flow.recovering = true;
            flow.recover = flow.next_number;
            ++flow.recoveries;
            const LossEvent event{.now = now_,
                                  .mss = kMss,
                                  .in_flight = std::min(sample.prior_in_flight, flow.control.window()),
                                  .delivered = flow.delivered,
                                  .newly_lost = sample.newly_lost};
            if (sample.newly_lost > 0) {
                flow.control.loss_detected(event);
            } else {
                flow.control.congestion_marked(event);
            }
            // What PRR arrives at, at once.
            if (!owns_recovery(flow.control)) flow.control.set_window(flow.control.slow_start_threshold());
            if (!owns_recovery(flow.control)) return;
        }
        if (!flow.recovering || owns_recovery(flow.control)) flow.control.acknowledged(sample);
    }

    void restart_timeout(Flow& flow) {
        flow.timeout_at = now_ + std::chrono::seconds(1) + 2 * flow.smoothed_rtt;
    }

    void timeout_expired(Flow& flow, std::size_t index) {
        flow.timeout_pending = false;
        if (flow.outstanding.empty()) return;
        if (now_ < flow.timeout_at) {
            schedule(flow.timeout_at, {Kind::Timeout, index, {}});
            flow.timeout_pending = true;
            return;
        }
        const LossEvent event{.now = now_,
                              .mss = kMss,
                              .in_flight = std::min(flow.in_flight, flow.control.window()),
                              .delivered = flow.delivered,
                              .newly_lost = flow.in_flight};
        flow.lost += flow.in_flight;
        flow.in_flight = 0;
        flow.outstanding.clear();
        ++flow.timeouts;
        flow.control.timed_out(event);
        flow.control.recovery_left(now_);
        flow.recovering = false;
    }

    Link link_;
    base::Rng rng_;
    base::Instant now_{};
    base::Instant free_at_{};
    std::uint64_t event_number_ = 0;
    std::uint64_t drops_ = 0;
    std::uint32_t queue_max_ = 0;
    std::deque<Flow> flows_;  // a flow stays where it is
    std::priority_queue<Event> events_;
};

/// Bytes that two flows of a model deliver between two instants.
template <typename Control>
[[nodiscard]] std::pair<std::uint64_t, std::uint64_t> delivered_between(
    LinkModel<Control>& model, const typename LinkModel<Control>::Flow& first,
    const typename LinkModel<Control>::Flow& second, base::Instant from, base::Instant until) {
    model.run(from);
    const std::uint64_t first_before = first.delivered;
    const std::uint64_t second_before = second.delivered;
    model.run(until);
    return {first.delivered - first_before, second.delivered - second_before};
}

}  // namespace terminus::tcp
