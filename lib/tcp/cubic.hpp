#pragma once

#include <cstdint>
#include <variant>

#include "tcp/congestion_control.hpp"
#include "tcp/hystart.hpp"

namespace terminus::tcp {

/// CUBIC (RFC 9438) with HyStart++ (RFC 9406) in the first slow start, in integers. Windows are bytes, where
/// the RFC has segments; the curve's time is counted in ticks of 2^-12 s.
///
/// The Reno-friendly region keeps it at least as fast as Reno where windows are small; beyond, the window
/// follows C·(t - K)^3 + W_max: fast up to the window that was too much, slowly past it, then faster.
class Cubic {
 public:
    static constexpr bool kOwnsRecovery = false;

    void begin(const CongestionStart& start) { window_ = start.initial_window; }
    void acknowledged(const AckSample& sample);
    void loss_detected(const LossEvent& loss) { reduce(loss); }
    // RFC 9438 4.6: an echoed mark reduces by the same factor.
    void congestion_marked(const LossEvent& loss) { reduce(loss); }
    void timed_out(const LossEvent& loss);
    void recovery_left(base::Instant now);
    void undone(base::Instant now);
    void restart_after_idle(std::uint32_t restart_window, base::Duration idle);
    void set_window(std::uint32_t bytes) { window_ = std::min(bytes, kCongestionWindowMax); }

    [[nodiscard]] std::uint32_t window() const { return window_; }
    [[nodiscard]] std::uint32_t slow_start_threshold() const { return threshold_; }
    [[nodiscard]] std::uint64_t pacing_rate() const { return 0; }
    [[nodiscard]] std::uint32_t send_quantum() const { return 0; }

 private:
    /// The variables that outlive a reduction, by the RFC's names; windows in bytes.
    struct Curve {
        std::uint32_t w_max = 0;  // 0: undefined
        std::uint32_t k = 0;      // ticks
        std::uint32_t w_est = 0;
        std::uint32_t cwnd_prior = 0;
    };
    /// One congestion avoidance stage, or the slow start that leads to it.
    struct Stage {
        base::Instant epoch = base::kNever;  // the RFC's t_epoch, moved past idle times; kNever: not begun
        base::Instant updated{};             // when the window last had its chance to grow
        std::uint32_t reno_credit = 0;       // bytes towards w_est's next segment
        std::uint32_t cubic_remainder = 0;   // of the division that gave the last growth
    };
    /// What a spurious reduction is undone to (RFC 9438 4.9.2).
    struct Prior {
        Curve curve;
        std::uint32_t window = 0;
        std::uint32_t threshold = 0;
        std::uint32_t elapsed_us = 0;  // of the stage
    };

    void reduce(const LossEvent& loss);
    void slow_start(const AckSample& sample);
    void avoid_congestion(const AckSample& sample);
    void begin_epoch(base::Instant now, std::uint32_t mss);
    void grow_reno_estimate(Stage& stage, const AckSample& sample);

    std::uint32_t window_ = 0;
    std::uint32_t threshold_ = kCongestionWindowMax;
    Curve curve_;
    bool repairing_ = false;      // between a reduction and recovery_left()
    bool after_timeout_ = false;  // and a time-out was among them
    bool may_undo_ = false;
    std::variant<HyStart, Stage> stage_;  // HyStart: the first slow start
    Prior prior_;
};
static_assert(CongestionControl<Cubic>);

}  // namespace terminus::tcp
