#include "tcp/bbr.hpp"

#include "tcp/bbr_gain.hpp"

namespace terminus::tcp {

namespace {

// draft-ietf-ccwg-bbr, Summary of Control Behavior in the State Machine; percent.
constexpr std::uint32_t pacing_gain(Bbr::State state) {
    switch (state) {
        case Bbr::State::Startup:
            return 277;
        case Bbr::State::Drain:
            return 50;
        case Bbr::State::Down:
            return 90;
        case Bbr::State::Up:
            return 125;
        case Bbr::State::Cruise:
        case Bbr::State::Refill:
        case Bbr::State::ProbeRtt:
            return 100;
    }
    return 100;
}

constexpr std::uint32_t window_gain(Bbr::State state) {
    switch (state) {
        case Bbr::State::Up:
            return 225;
        case Bbr::State::ProbeRtt:
            return bbr::kProbeRttGain;
        case Bbr::State::Startup:
        case Bbr::State::Drain:
        case Bbr::State::Down:
        case Bbr::State::Cruise:
        case Bbr::State::Refill:
            return 200;
    }
    return 200;
}

constexpr std::uint32_t kHeadroom = 15;     // percent of inflight_longterm
constexpr std::uint32_t kPacingMargin = 1;  // percent
constexpr std::uint32_t kQuantumMax = 64 * 1024;

}  // namespace

// Initialization, Pacing Rate: InitPacingRate().
void Bbr::begin(const CongestionStart& start) {
    mss_ = start.mss;
    window_ = initial_window_ = start.initial_window;
    random_ = static_cast<std::uint32_t>(start.random ^ (start.random >> 32)) | 1;
    has_rtt_ = start.rtt > base::Duration::zero();
    if (has_rtt_) min_rtt_ = probe_rtt_min_ = start.rtt;
    min_rtt_at_ = probe_rtt_min_at_ = extra_acked_from_ = probe_at_ = start.now;
    set_initial_pacing_rate(has_rtt_ ? start.rtt : std::chrono::milliseconds(1));
}

void Bbr::set_initial_pacing_rate(base::Duration rtt) {
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(rtt.count() / 1000, 1));
    pacing_rate_ = std::min(bbr::kRateMax, std::uint64_t{initial_window_} * 1'000'000 / us * 277 / 100);
}

// Per-ACK Steps: UpdateOnACK(). The order is the draft's.
void Bbr::acknowledged(const AckSample& sample) {
    Ack ack{sample};
    begin_ack(ack);
    if (sample.newly_lost > 0) note_loss();
    if (is_probe_sample_ && (is_marked_ || (sample.newly_lost > 0 && is_inflight_too_high(sample)))) {
        handle_inflight_too_high(ack);
    }
    update_max_bandwidth(ack);
    if (ack.loss_round_start) {
        adapt_lower_bounds();
        is_loss_in_round_ = false;
    }
    update_ack_aggregation(ack);
    check_full_bandwidth(ack);
    check_startup(ack);
    check_drain(ack);
    probe_bandwidth(ack);
    update_min_rtt(ack);
    check_probe_rtt(ack);
    if (ack.loss_round_start) {
        bw_latest_ = std::min(sample.delivery_rate, bbr::kRateMax);
        inflight_latest_ = sample.sample_delivered;
    }
    is_marked_ = false;
    set_pacing_rate(pacing_gain(state_));
    set_window(ack);
}

// Modulating cwnd in Loss Recovery: OnEnterFastRecovery().
void Bbr::loss_detected(const LossEvent& loss) {
    delivered_ = static_cast<std::uint32_t>(loss.delivered);
    save_state();
    in_recovery_ = true;
    note_loss();
}

// The draft leaves ECN open; RFC 3168 6.1.2 wants for a mark what a loss gets.
void Bbr::congestion_marked(const LossEvent& loss) {
    loss_detected(loss);
    is_marked_ = true;
}

// Modulating cwnd in Loss Recovery: OnEnterRTO(). Nothing is in flight any more by then.
void Bbr::timed_out(const LossEvent& loss) {
    loss_detected(loss);
    window_ = loss.mss;
}

void Bbr::recovery_left(base::Instant) {
    if (!in_recovery_) return;
    in_recovery_ = false;
    restore_window();
}

// Handling a Spurious Loss Recovery.
void Bbr::undone(base::Instant) {
    if (!may_undo_) return;
    may_undo_ = in_recovery_ = is_loss_in_round_ = false;
    restore_window();
    reset_full_bandwidth(0);
    bw_shortterm_ = std::max(bw_shortterm_, undo_bw_shortterm_);
    inflight_shortterm_ = std::max(inflight_shortterm_, undo_inflight_shortterm_);
    inflight_longterm_ = std::max(inflight_longterm_, undo_inflight_longterm_);
    if (undo_state_ == State::Startup && state_ != State::Startup) {
        full_bw_reached_ = false;
        if (state_ != State::ProbeRtt) state_ = State::Startup;
    } else if (undo_state_ == State::Up && state_ != State::Up && state_ != State::ProbeRtt) {
        enter_refill();
    }
    undo_state_ = State::Drain;
}

// Restarting From Idle: the window stays, pacing keeps the first flight from being a burst (so RFC 5681 4.1's
// reason for a restart window is met). A ProbeRTT that the silence has completed ends with the first ACK.
void Bbr::restart_after_idle(std::uint32_t, base::Duration) {
    idle_restart_ = true;
    if (is_probing_bandwidth_state()) set_pacing_rate(100);
}

// Pacing Rate: SetPacingRateWithGain().
void Bbr::set_pacing_rate(std::uint32_t gain_percent) {
    const std::uint64_t rate = bandwidth() * gain_percent / 100 * (100 - kPacingMargin) / 100;
    if (rate > 0 && (full_bw_reached_ || rate > pacing_rate_)) pacing_rate_ = rate;
}

// Send Quantum.
std::uint32_t Bbr::send_quantum() const {
    const std::uint64_t millisecond = std::min<std::uint64_t>(pacing_rate_ / 1000, kQuantumMax);
    return std::max(static_cast<std::uint32_t>(millisecond), 2 * mss_);
}

// Computing BBR.max_inflight: BDPMultiple().
std::uint32_t Bbr::bdp(std::uint64_t bandwidth, std::uint32_t gain_percent) const {
    if (min_rtt_ == kUnknown) return initial_window_;
    const std::uint64_t bytes =
        std::min<std::uint64_t>(bbr::volume(bandwidth, min_rtt_), kCongestionWindowMax);
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(bytes * gain_percent / 100, kCongestionWindowMax));
}

std::uint32_t Bbr::inflight(std::uint64_t bandwidth, std::uint32_t gain_percent) const {
    return quantized(bdp(bandwidth, gain_percent));
}

// Computing BBR.max_inflight: QuantizationBudget(); the offload budget is three quanta.
std::uint32_t Bbr::quantized(std::uint32_t inflight) const {
    const std::uint32_t least = std::max({inflight, 3 * send_quantum(), min_pipe()});
    return least + (state_ == State::Up ? 2 * mss_ : 0);
}

std::uint32_t Bbr::inflight_with_headroom() const {
    if (inflight_longterm_ == kNoLimit) return kNoLimit;
    const auto share = static_cast<std::uint32_t>(std::uint64_t{inflight_longterm_} * kHeadroom / 100);
    const std::uint32_t headroom = std::min(std::max(mss_, share), inflight_longterm_);
    return std::max(inflight_longterm_ - headroom, min_pipe());
}

std::uint32_t Bbr::probe_rtt_window() const {
    return std::max(bdp(bandwidth(), bbr::kProbeRttGain), min_pipe());
}

// cwnd Adjustment Mechanism, Modulating cwnd in ProbeRTT, Bounding cwnd Based on Recent Congestion.
void Bbr::set_window(const Ack& ack) {
    const std::uint32_t grown = window_ + std::min(ack.sample.newly_delivered, kCongestionWindowMax);
    const std::uint32_t most =
        quantized(std::min(bdp(bandwidth(), window_gain(state_)) + std::max(extra_acked_[0], extra_acked_[1]),
                           kCongestionWindowMax));
    if (full_bw_reached_) {
        window_ = std::min(grown, most);
    } else if (window_ < most || ack.sample.delivered < initial_window_) {
        window_ = grown;
    }
    window_ = std::max(window_, min_pipe());

    std::uint32_t cap = kCongestionWindowMax;
    if (state_ == State::ProbeRtt || state_ == State::Cruise) {
        cap = std::min(cap, inflight_with_headroom());
    } else if (is_probing_bandwidth_state()) {
        cap = std::min(cap, inflight_longterm_);
    }
    cap = std::max(std::min(cap, inflight_shortterm_), min_pipe());
    if (state_ == State::ProbeRtt) cap = std::min(cap, probe_rtt_window());
    window_ = std::min(window_, cap);
}

}  // namespace terminus::tcp
