#include "tcp/congestion.hpp"

namespace terminus::tcp {

void NewReno::acknowledged(std::uint32_t bytes, std::uint32_t mss) {
    if (window_ < threshold_) {
        // RFC 3465 2.2: slow start counts bytes, so an ACK cut into many gains nothing (HARDENING 24).
        window_ += std::min(bytes, after_timeout_ ? mss : 2 * mss);
        if (window_ >= threshold_) after_timeout_ = false;
    } else {
        after_timeout_ = false;
        acknowledged_ += bytes;
        if (acknowledged_ >= window_) {  // RFC 3465 2.1
            acknowledged_ -= window_;
            window_ += mss;
        }
    }
    window_ = std::min(window_, kWindowMax);
}

void NewReno::timed_out(std::uint32_t flight, std::uint32_t mss) {
    threshold_ = std::max(flight / 2, 2 * mss);
    window_ = mss;
    acknowledged_ = 0;
    after_timeout_ = true;
}

void NewReno::recovery_entered(std::uint32_t flight, std::uint32_t mss) {
    threshold_ = std::max(flight / 2, 2 * mss);
    window_ = threshold_ + 3 * mss;
    acknowledged_ = 0;
}

void NewReno::duplicate_arrived(std::uint32_t mss) {
    // The flight at entry was about twice the threshold, and what is sent in recovery at most as much again:
    // more duplicates than that are invented (HARDENING 24).
    const std::uint32_t most = std::min(kWindowMax, 4 * std::min(threshold_, kWindowMax / 4) + 3 * mss);
    window_ = std::max(window_, std::min(window_ + mss, most));
}

void NewReno::partially_acknowledged(std::uint32_t bytes, std::uint32_t mss) {
    window_ = window_ > bytes ? window_ - bytes : 0;
    if (bytes >= mss) window_ += mss;
    window_ = std::max(window_, mss);
}

void NewReno::recovery_left(std::uint32_t flight, std::uint32_t mss) {
    window_ = std::min(threshold_, std::max(flight, mss) + mss);
}

}  // namespace terminus::tcp
