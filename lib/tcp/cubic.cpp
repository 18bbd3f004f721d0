#include "tcp/cubic.hpp"

#include "tcp/cubic_curve.hpp"
#include "tcp/reno.hpp"

namespace terminus::tcp {

namespace {

// RFC 9438 4.6: beta_cubic, 0.7.
constexpr std::uint32_t kept_by_beta(std::uint32_t bytes) {
    return static_cast<std::uint32_t>(std::uint64_t{bytes} * 7 / 10);
}

// RFC 9438 4.7: (1 + beta_cubic) / 2.
constexpr std::uint32_t kept_by_fast_convergence(std::uint32_t bytes) {
    return static_cast<std::uint32_t>(std::uint64_t{bytes} * 17 / 20);
}

constexpr std::uint32_t kNotBegun = UINT32_MAX;  // as Prior::elapsed_us

}  // namespace

// Only `acked` counts, as for Reno: SACK may be taken back (HARDENING 24).
void Cubic::acknowledged(const AckSample& sample) {
    if (window_ < threshold_) return slow_start(sample);
    if (std::holds_alternative<HyStart>(stage_)) stage_ = Stage{};  // the window was set beyond any threshold
    if (sample.acked > 0) avoid_congestion(sample);
}

// RFC 9438 4.10.
void Cubic::slow_start(const AckSample& sample) {
    std::uint32_t limit = HyStart::kSegmentsPerAckMax * sample.mss;
    if (after_timeout_) limit = sample.mss;  // RFC 3465 2.3: what had arrived before the time-out is no proof
    std::uint32_t growth = std::min(sample.acked, limit);
    if (auto* hystart = std::get_if<HyStart>(&stage_)) {
        switch (hystart->acknowledged(sample)) {
            case HyStart::Pace::Full:
                break;
            case HyStart::Pace::Conservative:
                growth /= HyStart::kGrowthDivisor;
                break;
            case HyStart::Pace::Ended:
                // No loss, so no W_max: the curve begins at its flat part, here.
                threshold_ = curve_.cwnd_prior = window_;
                stage_ = Stage{};
                return;
        }
    }
    if (!sample.window_limited) return;  // RFC 7661 4.4
    window_ = std::min(window_ + growth, threshold_);
}

void Cubic::avoid_congestion(const AckSample& sample) {
    auto& stage = std::get<Stage>(stage_);
    if (stage.epoch == base::kNever) begin_epoch(sample.now, sample.mss);
    // RFC 9438 4.2: time in which the application left the window unused does not count.
    if (!sample.window_limited) stage.epoch += sample.now - stage.updated;
    stage.updated = sample.now;
    if (!sample.window_limited) return;

    grow_reno_estimate(stage, sample);
    const base::Duration elapsed = sample.now - stage.epoch;
    const auto curve_after = [&](base::Duration t) {
        return cubic_curve::window(cubic_curve::ticks(t), curve_.k, curve_.w_max, sample.mss);
    };
    if (curve_after(elapsed) < curve_.w_est) {  // RFC 9438 4.3
        window_ = std::max(window_, curve_.w_est);
        stage.cubic_remainder = 0;
        return;
    }
    // RFC 9438 4.4 and 4.5: (target - cwnd) / cwnd a segment, so that the target is reached in a round trip.
    const std::uint32_t target =
        std::clamp(curve_after(elapsed + sample.smoothed_rtt), window_, window_ + window_ / 2);
    const std::uint64_t product =
        std::uint64_t{target - window_} * std::min(sample.acked, window_) + stage.cubic_remainder;
    stage.cubic_remainder = static_cast<std::uint32_t>(product % window_);
    window_ = std::min(window_ + static_cast<std::uint32_t>(product / window_), kCongestionWindowMax);
}

void Cubic::begin_epoch(base::Instant now, std::uint32_t mss) {
    Stage fresh;
    fresh.epoch = fresh.updated = now;
    stage_ = fresh;
    // RFC 9438 4.8 and 4.10: after a time-out or HyStart++ there is no W_max; where the window has passed it
    // since, it says nothing any more.
    curve_.w_max = std::max(curve_.w_max, window_);
    curve_.k = cubic_curve::time_to_climb(curve_.w_max - window_, mss);
    curve_.w_est = window_;
}

// RFC 9438 4.3: W_est grows by alpha_cubic = 3 (1 - beta) / (1 + beta) = 9/17 segments a window acknowledged,
// by one once it is back where the last reduction was. Whole segments, as in RFC 3465 2.1.
void Cubic::grow_reno_estimate(Stage& stage, const AckSample& sample) {
    const bool is_back = curve_.w_est >= curve_.cwnd_prior;
    const std::uint64_t needed = is_back ? window_ : std::uint64_t{window_} * 17 / 9;
    const std::uint64_t credit = std::uint64_t{stage.reno_credit} + std::min(sample.acked, window_);
    if (credit < needed) {
        stage.reno_credit = static_cast<std::uint32_t>(credit);
        return;
    }
    stage.reno_credit = static_cast<std::uint32_t>(std::min<std::uint64_t>(credit - needed, window_));
    curve_.w_est = std::min(curve_.w_est + sample.mss, kCongestionWindowMax);
}

void Cubic::reduce(const LossEvent& loss) {
    if (!repairing_) {
        const auto* stage = std::get_if<Stage>(&stage_);
        prior_ = {curve_, window_, threshold_, kNotBegun};
        if (stage != nullptr && stage->epoch != base::kNever) {
            const std::int64_t us = std::max<std::int64_t>((loss.now - stage->epoch).count() / 1000, 0);
            prior_.elapsed_us = static_cast<std::uint32_t>(std::min<std::int64_t>(us, kNotBegun - 1));
        }
        repairing_ = may_undo_ = true;
        // RFC 9438 4.7: a window that no longer gets where it was makes room for others.
        curve_.w_max = window_ < curve_.w_max ? kept_by_fast_convergence(window_) : window_;
        curve_.cwnd_prior = window_;
    }
    threshold_ = std::max(whole_segments(kept_by_beta(loss.in_flight), loss.mss), 2 * loss.mss);
    stage_ = Stage{};
}

// RFC 9438 4.8.
void Cubic::timed_out(const LossEvent& loss) {
    reduce(loss);
    curve_.w_max = 0;
    window_ = loss.mss;
    after_timeout_ = true;
}

void Cubic::recovery_left(base::Instant) {
    repairing_ = after_timeout_ = false;
}

// RFC 9438 4.9.2: everything as it was, unless the window has meanwhile outgrown that.
void Cubic::undone(base::Instant now) {
    if (!may_undo_) return;
    repairing_ = after_timeout_ = may_undo_ = false;
    if (window_ >= prior_.window) return;
    window_ = prior_.window;
    threshold_ = std::max(threshold_, prior_.threshold);
    curve_ = prior_.curve;
    Stage stage;
    if (prior_.elapsed_us != kNotBegun) {
        stage.epoch = now - std::chrono::microseconds(prior_.elapsed_us);
        stage.updated = now;
    }
    stage_ = stage;
    // What the first slow start knew of its rounds is gone; the next two tell it again.
    if (threshold_ == kCongestionWindowMax) stage_ = HyStart{};
}

// RFC 5681 4.1, RFC 9438 5.8.
void Cubic::restart_after_idle(std::uint32_t restart_window, base::Duration idle) {
    if (window_ > restart_window) {
        threshold_ = threshold_after_idle(threshold_, window_);
        window_ = restart_window;
    }
    if (std::holds_alternative<HyStart>(stage_)) {
        stage_ = HyStart{};  // the rounds before are no yardstick
        return;
    }
    auto& stage = std::get<Stage>(stage_);
    if (window_ < threshold_) {
        stage = Stage{};  // the next stage begins where slow start ends
    } else if (stage.epoch != base::kNever) {
        stage.epoch += idle;
        stage.updated += idle;
    }
}

}  // namespace terminus::tcp
