#include "tcp/reno.hpp"

namespace terminus::tcp {

// Only `acked` counts, what the cumulative point passed: SACK may be taken back (RFC 2018 8), so a receiver
// could claim by it what it never got, and still be sent it again (HARDENING 24).
// RFC 9293 3.8.2, MUST-19: slow start and congestion avoidance.
void Reno::acknowledged(const AckSample& sample) {
    if (!sample.window_limited) return;  // RFC 7661 4.4: a window that isn't used proves nothing
    std::uint32_t bytes = sample.acked;
    if (window_ < threshold_) {
        // RFC 3465 2.2 and 2.3: slow start counts bytes, two segments an ACK at most, so that neither an ACK
        // cut into many nor one for much makes a burst; one segment while a time-out is repaired, whose ACKs
        // cover what had arrived long before.
        const std::uint32_t growth = std::min(bytes, after_timeout_ ? sample.mss : 2 * sample.mss);
        const std::uint32_t room = threshold_ - window_;
        window_ = std::min(window_ + growth, kCongestionWindowMax);
        if (growth < room) return;
        window_ = threshold_;
        bytes = growth - room;
    }
    // RFC 3465 2.1: a segment for each window acknowledged.
    credit_ += std::min(bytes, window_);
    if (credit_ < window_) return;
    credit_ -= window_;
    window_ = std::min(window_ + sample.mss, kCongestionWindowMax);
}

void Reno::reduce(const LossEvent& loss) {
    if (!repairing_) {
        prior_window_ = window_;
        prior_threshold_ = threshold_;
        repairing_ = may_undo_ = true;
    }
    // RFC 5681 3.1 (4).
    threshold_ = std::max(whole_segments(loss.in_flight / 2, loss.mss), 2 * loss.mss);
    credit_ = 0;
}

void Reno::timed_out(const LossEvent& loss) {
    reduce(loss);
    window_ = loss.mss;
    after_timeout_ = true;
}

// RFC 4015 3.4, RFC 9438 4.9: as if nothing had happened.
void Reno::undone(base::Instant) {
    if (!may_undo_) return;
    window_ = std::max(window_, prior_window_);
    threshold_ = std::max(threshold_, prior_threshold_);
    repairing_ = after_timeout_ = may_undo_ = false;
}

// RFC 5681 4.1.
void Reno::restart_after_idle(std::uint32_t restart_window, base::Duration) {
    if (window_ <= restart_window) return;
    threshold_ = threshold_after_idle(threshold_, window_);
    window_ = restart_window;
    credit_ = 0;
}

}  // namespace terminus::tcp
