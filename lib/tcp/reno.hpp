#pragma once

#include <cstdint>

#include "tcp/congestion_control.hpp"

namespace terminus::tcp {

/// RFC 5681 with the byte counting of RFC 3465. RFC 6582's recovery is the machine's: PRR walks the window
/// down to the threshold while this one is silent.
class Reno {
 public:
    static constexpr bool kOwnsRecovery = false;

    void begin(const CongestionStart& start) { window_ = start.initial_window; }
    void acknowledged(const AckSample& sample);
    void loss_detected(const LossEvent& loss) { reduce(loss); }
    // RFC 3168 6.1.2: an echoed mark counts as a lost segment.
    void congestion_marked(const LossEvent& loss) { reduce(loss); }
    void timed_out(const LossEvent& loss);
    void recovery_left(base::Instant) { repairing_ = after_timeout_ = false; }
    void undone(base::Instant now);
    void restart_after_idle(std::uint32_t restart_window, base::Duration idle);
    void set_window(std::uint32_t bytes) { window_ = std::min(bytes, kCongestionWindowMax); }

    [[nodiscard]] std::uint32_t window() const { return window_; }
    [[nodiscard]] std::uint32_t slow_start_threshold() const { return threshold_; }
    [[nodiscard]] std::uint64_t pacing_rate() const { return 0; }
    [[nodiscard]] std::uint32_t send_quantum() const { return 0; }

 private:
    void reduce(const LossEvent& loss);

    std::uint32_t window_ = 0;
    std::uint32_t threshold_ = kCongestionWindowMax;
    std::uint32_t credit_ = 0;  // bytes towards congestion avoidance's next segment
    std::uint32_t prior_window_ = 0;
    std::uint32_t prior_threshold_ = 0;
    bool repairing_ = false;      // between a reduction and recovery_left()
    bool after_timeout_ = false;  // and a time-out was among them
    bool may_undo_ = false;
};
static_assert(CongestionControl<Reno>);

/// RFC 2861 3.2, which Linux follows: what a threshold becomes when a window of `window` bytes falls after a
/// pause: the path has carried it, and most of it may be found again by slow start (docs/rfc/7661.md).
[[nodiscard]] constexpr std::uint32_t threshold_after_idle(std::uint32_t threshold, std::uint32_t window) {
    return std::max(threshold, window - window / 4);
}

}  // namespace terminus::tcp
