#include "tcp/bbr.hpp"
#include "tcp/bbr_gain.hpp"

namespace terminus::tcp {

constexpr std::uint8_t kStartupLossEvents = 6;  // BBRStartupFullLossCnt
constexpr std::uint8_t kDrainRounds = 3;
constexpr std::uint32_t kRenoRoundsMax = 63;  // IsRenoCoexistenceProbeTime()
constexpr base::Duration kProbeRttDuration = std::chrono::milliseconds(200);

// Exiting Startup Based on Packet Loss: a round of a recovery with six ACKs that revealed losses, and more
// than 2 % lost. A mark needs no such proof.
void Bbr::check_startup(const Ack& ack) {
    if (state_ != State::Startup) return;
    if (ack.sample.newly_lost > 0 && loss_events_in_round_ < UINT8_MAX) ++loss_events_in_round_;
    const bool is_lossy = ack.loss_round_start && in_recovery_ &&
                          loss_events_in_round_ >= kStartupLossEvents && is_inflight_too_high(ack.sample);
    if (ack.loss_round_start) loss_events_in_round_ = 0;
    if (!full_bw_reached_ && (is_lossy || is_marked_)) {
        undo_state_ = State::Startup;
        full_bw_reached_ = true;
        inflight_longterm_ = std::max(bdp(bandwidth(), 100), inflight_latest_);
    }
    if (!full_bw_reached_) return;
    state_ = State::Drain;
    drain_rounds_ = 0;
}

// Drain: CheckDrainDone().
void Bbr::check_drain(const Ack& ack) {
    if (state_ != State::Drain) return;
    if (ack.round_start) ++drain_rounds_;
    if (ack.sample.in_flight <= inflight(bandwidth(), 100) || drain_rounds_ > kDrainRounds) {
        enter_down(ack.sample.now);
    }
}

// ProbeBW Algorithm Details: UpdateProbeBWCyclePhase().
void Bbr::probe_bandwidth(const Ack& ack) {
    if (!full_bw_reached_ || ack.sample.newly_delivered == 0 || adapt_long_term_model(ack)) return;
    switch (state_) {
        case State::Startup:
        case State::Drain:
        case State::ProbeRtt:
            return;
        case State::Down:
            if (is_time_to_probe(ack.sample.now)) return enter_refill();
            if (is_time_to_cruise(ack)) state_ = State::Cruise;
            return;
        case State::Cruise:
            if (is_time_to_probe(ack.sample.now)) enter_refill();
            return;
        case State::Refill:
            if (!ack.round_start) return;
            is_probe_sample_ = true;
            return enter_up(ack);
        case State::Up:
            if (!is_time_to_go_down(ack)) return;
            prev_probe_too_high_ = false;
            return enter_down(ack.sample.now);
    }
}

/// ProbeBW Algorithm Details: AdaptLongTermModel(). True: it has changed the state.
bool Bbr::adapt_long_term_model(const Ack& ack) {
    if (ack_phase_ == AckPhase::ProbeStarting && ack.round_start) ack_phase_ = AckPhase::ProbeFeedback;
    if (ack_phase_ == AckPhase::ProbeStopping && ack.round_start) {
        is_probe_sample_ = false;
        ack_phase_ = AckPhase::Init;
        if (is_probing_bandwidth_state()) {
            // A cycle without a sample says nothing; the one before is kept then.
            if (!ack.app_limited && max_bw_[1] > 0) {
                max_bw_[0] = max_bw_[1];
                max_bw_[1] = 0;
            }
            if (prev_probe_precautionary_ && !prev_probe_too_high_) {
                enter_refill();
                return true;
            }
        }
    }
    if (is_inflight_too_high(ack.sample) || inflight_longterm_ == kNoLimit) return false;
    inflight_longterm_ =
        std::max(inflight_longterm_, std::min(ack.sample.tx_in_flight, kCongestionWindowMax));
    if (state_ == State::Up) probe_inflight_longterm_upward(ack);
    return false;
}

// Probing for Bandwidth In ProbeBW: HandleInflightTooHigh(), once a probe.
void Bbr::handle_inflight_too_high(const Ack& ack) {
    prev_probe_too_high_ = true;
    is_probe_sample_ = false;
    if (!ack.app_limited) {
        const std::uint32_t sent_into = std::min(ack.sample.tx_in_flight, kCongestionWindowMax);
        inflight_longterm_ = std::max(sent_into, bbr::percent(target_inflight(), bbr::kBeta));
    }
    if (state_ != State::Up) return;
    undo_state_ = State::Up;
    enter_down(ack.sample.now);
}

void Bbr::enter_down(base::Instant now) {
    reset_congestion_signals();
    probe_up_acked_per_increase_ = kNoLimit;
    // Time Scale for Bandwidth Probing: PickProbeWait(): two to three seconds, and a round more or less.
    rounds_since_probe_up_ = static_cast<std::uint8_t>(random_below(2));
    probe_at_ = now + std::chrono::microseconds(2'000'000 + random_below(1'000'000));
    ack_phase_ = AckPhase::ProbeStopping;
    start_round();
    state_ = State::Down;
}

void Bbr::enter_refill() {
    reset_short_term_model();
    probe_up_rounds_ = 0;
    probe_up_acked_ = 0;
    prev_probe_precautionary_ = false;
    ack_phase_ = AckPhase::Refilling;
    start_round();
    state_ = State::Refill;
}

void Bbr::enter_up(const Ack& ack) {
    ack_phase_ = AckPhase::ProbeStarting;
    start_round();
    reset_full_bandwidth(ack.sample.delivery_rate);
    state_ = State::Up;
    raise_inflight_longterm_slope();
}

// Time Scale for Bandwidth Probing: IsTimeToProbeBW(): by the clock, or after as many rounds as Reno would
// need.
bool Bbr::is_time_to_probe(base::Instant now) const {
    if (now > probe_at_) return true;
    return rounds_since_probe_up_ >= std::min(target_inflight() / mss_, kRenoRoundsMax);
}

bool Bbr::is_time_to_cruise(const Ack& ack) const {
    return ack.sample.in_flight <= inflight_with_headroom() &&
           ack.sample.in_flight <= inflight(max_bandwidth(), 100);
}

// ProbeBW Algorithm Details: IsTimeToGoDown().
bool Bbr::is_time_to_go_down(const Ack& ack) {
    if (prev_probe_too_high_ && ack.sample.in_flight >= inflight_longterm_) {
        prev_probe_precautionary_ = true;
        return true;
    }
    if (ack.sample.window_limited && window_ >= inflight_longterm_) {
        reset_full_bandwidth(ack.sample.delivery_rate);  // the limit, not the path, is what holds the rate
        return false;
    }
    return full_bw_now_;
}

// ProbeRTT Logic: CheckProbeRTT().
void Bbr::check_probe_rtt(const Ack& ack) {
    if (state_ != State::ProbeRtt && probe_rtt_expired_ && !idle_restart_) {
        prior_window_ = in_recovery_ ? std::max(prior_window_, window_) : window_;
        state_ = State::ProbeRtt;
        probe_rtt_done_at_ = base::kNever;
        ack_phase_ = AckPhase::ProbeStopping;
        start_round();
    }
    if (state_ == State::ProbeRtt) handle_probe_rtt(ack);
    if (ack.sample.newly_delivered > 0) idle_restart_ = false;
}

// ProbeRTT Logic: HandleProbeRTT(), CheckProbeRTTDone(); Exiting ProbeRTT.
void Bbr::handle_probe_rtt(const Ack& ack) {
    const AckSample& sample = ack.sample;
    // What is sent now is slow on purpose: its rate says nothing about the path.
    is_slow_ = true;
    slow_until_ = delivered_ + sample.in_flight;
    if (probe_rtt_done_at_ == base::kNever) {
        if (sample.in_flight > probe_rtt_window()) return;
        probe_rtt_done_at_ = sample.now + kProbeRttDuration;
        probe_rtt_round_done_ = false;
        start_round();
        return;
    }
    if (ack.round_start) probe_rtt_round_done_ = true;
    if (!probe_rtt_round_done_ || sample.now <= probe_rtt_done_at_) return;
    probe_rtt_min_at_ = sample.now;  // the next is due an interval from here
    restore_window();
    reset_short_term_model();
    if (full_bw_reached_) {
        enter_down(sample.now);
        state_ = State::Cruise;
    } else {
        state_ = State::Startup;
    }
}

// xorshift32 (Marsaglia 2003): for spreading probes, no secret.
std::uint32_t Bbr::random_below(std::uint32_t bound) {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    return static_cast<std::uint32_t>(std::uint64_t{random_} * bound >> 32);
}

}  // namespace terminus::tcp
