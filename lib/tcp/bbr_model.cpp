#include "tcp/bbr.hpp"
#include "tcp/bbr_gain.hpp"

namespace terminus::tcp {

constexpr std::uint32_t kLossThreshold = 2;       // LossThresh, percent of what was in flight
constexpr std::uint8_t kFullBandwidthRounds = 3;  // rounds without growth by a quarter: the pipe is full
constexpr std::uint8_t kExtraAckedRounds = 5;     // half of ExtraAckedFilterLen: two slots
constexpr base::Duration kMinRttFilter = std::chrono::seconds(10);     // MinRTTFilterLen
constexpr base::Duration kProbeRttInterval = std::chrono::seconds(5);  // ProbeRTTInterval

// BBR.round_count: UpdateRound(); When not Probing for Bandwidth: UpdateLatestDeliverySignals().
void Bbr::begin_ack(Ack& ack) {
    const AckSample& sample = ack.sample;
    mss_ = sample.mss;
    delivered_ = static_cast<std::uint32_t>(sample.delivered);
    if (sample.newly_delivered == 0) return;
    const auto prior = static_cast<std::uint32_t>(sample.prior_delivered);
    if (is_slow_ && bbr::reached(prior, slow_until_)) is_slow_ = false;
    ack.app_limited = sample.app_limited || is_slow_;
    if (bbr::reached(prior, next_round_delivered_)) {
        start_round();
        ack.round_start = true;
        if (rounds_since_probe_up_ < UINT8_MAX) ++rounds_since_probe_up_;
    }
    bw_latest_ = std::max(bw_latest_, std::min(sample.delivery_rate, bbr::kRateMax));
    inflight_latest_ = std::max(inflight_latest_, sample.sample_delivered);
    if (bbr::reached(prior, loss_round_delivered_)) {
        loss_round_delivered_ = delivered_;
        ack.loss_round_start = true;
    }
    if (!has_rtt_ && sample.rtt > base::Duration::zero()) {
        has_rtt_ = true;
        set_initial_pacing_rate(sample.rtt);
    }
}

// Updating the BBR.max_bw Max Filter: a sample in which the application was the limit counts only upwards.
void Bbr::update_max_bandwidth(const Ack& ack) {
    const std::uint64_t rate = std::min(ack.sample.delivery_rate, bbr::kRateMax);
    if (rate > 0 && (rate >= max_bandwidth() || !ack.app_limited)) max_bw_[1] = std::max(max_bw_[1], rate);
}

// BBR.extra_acked: UpdateACKAggregation(). The windowed maximum is kept in two slots: of five rounds each, of
// one in Startup.
void Bbr::update_ack_aggregation(const Ack& ack) {
    const AckSample& sample = ack.sample;
    if (sample.newly_delivered == 0) return;
    if (ack.round_start && ++extra_acked_rounds_ >= (full_bw_reached_ ? kExtraAckedRounds : 1)) {
        extra_acked_rounds_ = 0;
        extra_acked_[1] = extra_acked_[0];
        extra_acked_[0] = 0;
    }
    std::uint64_t expected = bbr::volume(bandwidth(), sample.now - extra_acked_from_);
    if (extra_acked_delivered_ <= expected) {
        extra_acked_delivered_ = 0;
        extra_acked_from_ = sample.now;
        expected = 0;
    }
    extra_acked_delivered_ += std::min(sample.newly_delivered, kCongestionWindowMax);
    extra_acked_delivered_ = std::min(extra_acked_delivered_, kCongestionWindowMax);
    const std::uint64_t extra =
        extra_acked_delivered_ - std::min<std::uint64_t>(expected, extra_acked_delivered_);
    extra_acked_[0] = std::max(extra_acked_[0], std::min(static_cast<std::uint32_t>(extra), window_));
}

// Exiting Acceleration Based on Bandwidth Plateau: CheckFullBWReached().
void Bbr::check_full_bandwidth(const Ack& ack) {
    if (full_bw_now_ || !ack.round_start || ack.app_limited) return;
    const std::uint64_t rate = std::min(ack.sample.delivery_rate, bbr::kRateMax);
    if (rate >= full_bw_ + full_bw_ / 4) return reset_full_bandwidth(rate);
    full_bw_now_ = ++full_bw_count_ >= kFullBandwidthRounds;
    if (full_bw_now_) full_bw_reached_ = true;
}

void Bbr::reset_full_bandwidth(std::uint64_t baseline) {
    full_bw_ = std::min(baseline, bbr::kRateMax);
    full_bw_count_ = 0;
    full_bw_now_ = false;
}

// ProbeRTT Logic: UpdateMinRTT().
void Bbr::update_min_rtt(const Ack& ack) {
    const base::Instant now = ack.sample.now;
    const base::Duration rtt = ack.sample.rtt;
    probe_rtt_expired_ = now > probe_rtt_min_at_ + kProbeRttInterval;
    if (rtt >= base::Duration::zero() && (rtt < probe_rtt_min_ || probe_rtt_expired_)) {
        probe_rtt_min_ = rtt;
        probe_rtt_min_at_ = now;
    }
    if (probe_rtt_min_ < min_rtt_ || now > min_rtt_at_ + kMinRttFilter) {
        min_rtt_ = probe_rtt_min_;
        min_rtt_at_ = probe_rtt_min_at_;
    }
}

// Probing for Bandwidth In ProbeBW: NoteLoss(). The round in which losses are summed up begins with the
// first.
void Bbr::note_loss() {
    if (!is_loss_in_round_) loss_round_delivered_ = delivered_;
    is_loss_in_round_ = true;
}

// Saving State Upon Loss Recovery: once an episode, which may have several rounds of loss and a time-out.
void Bbr::save_state() {
    if (in_recovery_) {
        prior_window_ = std::max(prior_window_, window_);
        return;
    }
    prior_window_ = state_ == State::ProbeRtt ? std::max(prior_window_, window_) : window_;
    undo_state_ = State::Drain;
    undo_bw_shortterm_ = bw_shortterm_;
    undo_inflight_shortterm_ = inflight_shortterm_;
    undo_inflight_longterm_ = inflight_longterm_;
    may_undo_ = true;
}

// When not Probing for Bandwidth: AdaptLowerBoundsFromCongestion(), once a round trip.
void Bbr::adapt_lower_bounds() {
    if (state_ == State::Startup || state_ == State::Refill || state_ == State::Up || !is_loss_in_round_)
        return;
    if (bw_shortterm_ == kNoRateLimit) bw_shortterm_ = max_bandwidth();
    if (inflight_shortterm_ == kNoLimit) inflight_shortterm_ = window_;
    bw_shortterm_ = std::max(bw_latest_, bw_shortterm_ * bbr::kBeta / 100);
    inflight_shortterm_ = std::max(inflight_latest_, bbr::percent(inflight_shortterm_, bbr::kBeta));
}

void Bbr::reset_congestion_signals() {
    is_loss_in_round_ = false;
    bw_latest_ = 0;
    inflight_latest_ = 0;
}

void Bbr::reset_short_term_model() {
    bw_shortterm_ = kNoRateLimit;
    inflight_shortterm_ = kNoLimit;
}

// Probing for Bandwidth In ProbeBW: IsInflightTooHigh().
bool Bbr::is_inflight_too_high(const AckSample& sample) const {
    return std::uint64_t{sample.sample_lost} * 100 > std::uint64_t{sample.tx_in_flight} * kLossThreshold;
}

// ProbeBW Algorithm Details: RaiseInflightLongtermSlope(): one segment a round, then 2, 4, 8 ...
void Bbr::raise_inflight_longterm_slope() {
    const std::uint32_t growth = 1u << probe_up_rounds_;
    if (probe_up_rounds_ < 30) ++probe_up_rounds_;
    probe_up_acked_per_increase_ = std::max(window_ / growth, mss_);
}

// ProbeBW Algorithm Details: ProbeInflightLongtermUpward().
void Bbr::probe_inflight_longterm_upward(const Ack& ack) {
    if (!ack.sample.window_limited || window_ < inflight_longterm_) return;
    probe_up_acked_ += std::min(ack.sample.newly_delivered, kCongestionWindowMax);
    if (probe_up_acked_ >= probe_up_acked_per_increase_) {
        const std::uint32_t increases = probe_up_acked_ / probe_up_acked_per_increase_;
        probe_up_acked_ %= probe_up_acked_per_increase_;
        inflight_longterm_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(
            inflight_longterm_ + std::uint64_t{increases} * mss_, kCongestionWindowMax));
    }
    if (ack.round_start) raise_inflight_longterm_slope();
}

}  // namespace terminus::tcp
