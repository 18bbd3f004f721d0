#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>

namespace terminus::tcp {

/// What the machine asks of a congestion control. All in bytes; `mss` is the effective send MSS, `flight`
/// what is outstanding. It decides how much may be outstanding, never what is sent: loss detection is the
/// machine's.
template <typename C>
concept CongestionControl = requires(C control, const C& constant, std::uint32_t bytes) {
    control.begin(bytes);
    control.acknowledged(bytes, bytes);
    control.timed_out(bytes, bytes);
    control.recovery_entered(bytes, bytes);
    control.duplicate_arrived(bytes);
    control.partially_acknowledged(bytes, bytes);
    control.recovery_left(bytes, bytes);
    control.restart_after_idle(bytes);
    { constant.window() } -> std::same_as<std::uint32_t>;
    { constant.slow_start_threshold() } -> std::same_as<std::uint32_t>;
};

/// RFC 6928: min(10 MSS, max(2 MSS, 14600)).
[[nodiscard]] constexpr std::uint32_t initial_window(std::uint32_t mss) {
    return std::min(10 * mss, std::max(2 * mss, 14600u));
}

/// RFC 5681 with the recovery of RFC 6582 and the byte counting of RFC 3465.
class NewReno {
 public:
    void begin(std::uint32_t window) { window_ = window; }
    /// New data acknowledged outside recovery, while the window was what limited sending.
    void acknowledged(std::uint32_t bytes, std::uint32_t mss);
    /// RFC 5681 3.1 (4): half the flight is the new threshold, the window falls to one segment.
    void timed_out(std::uint32_t flight, std::uint32_t mss);
    /// RFC 6582 3.2 step 2.
    void recovery_entered(std::uint32_t flight, std::uint32_t mss);
    /// RFC 6582 3.2 step 3: a segment has left the network.
    void duplicate_arrived(std::uint32_t mss);
    /// RFC 6582 3.2 step 5, partial.
    void partially_acknowledged(std::uint32_t bytes, std::uint32_t mss);
    /// RFC 6582 3.2 step 5, full.
    void recovery_left(std::uint32_t flight, std::uint32_t mss);
    /// RFC 5681 4.1.
    void restart_after_idle(std::uint32_t restart_window) { window_ = std::min(window_, restart_window); }

    [[nodiscard]] std::uint32_t window() const { return window_; }
    [[nodiscard]] std::uint32_t slow_start_threshold() const { return threshold_; }

 private:
    // Arithmetic on windows stays far from 2^32, and no peer can offer more (RFC 7323 2.3).
    static constexpr std::uint32_t kWindowMax = 1u << 30;

    std::uint32_t window_ = 0;
    std::uint32_t threshold_ = kWindowMax;
    std::uint32_t acknowledged_ = 0;  // towards the next segment of congestion avoidance
    bool after_timeout_ = false;      // RFC 3465 2.3: L is 1 then
};
static_assert(CongestionControl<NewReno>);

}  // namespace terminus::tcp
