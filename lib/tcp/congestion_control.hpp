#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>

#include "base/time.hpp"
#include "tcp/ack_sample.hpp"

namespace terminus::tcp {

/// What a new connection's congestion control begins with.
struct CongestionStart {
    base::Instant now;
    std::uint32_t mss = 0;
    std::uint32_t initial_window = 0;  ///< bytes
    base::Duration rtt{0};             ///< of the handshake; zero: not known
    std::uint64_t random = 0;          ///< the connection's own, from (seed, 4-tuple, incarnation)
};

/// A congestion control, without clock, floats or I/O. It decides how much may be outstanding and how fast it
/// may go out, never what: loss detection, PRR and undo's decision are the machine's.
///
///  - begin(): once, when the handshake is complete.
///  - acknowledged(): every ACK that delivered something. A control whose kOwnsRecovery is false isn't called
///    between loss_detected() or congestion_marked() and recovery_left(): PRR (RFC 9937) steers its window
///    then, by set_window().
///  - loss_detected(): a recovery begins (RFC 5681 3.2): the threshold falls; the first of an episode keeps
///    what undone() needs. The window isn't touched (kOwnsRecovery false).
///  - congestion_marked(): the same for an ECN echo, once a round trip (RFC 3168 6.1.2).
///  - timed_out(): RTO (RFC 5681 3.1): the threshold falls, the window is one MSS. May come after
///    loss_detected().
///  - recovery_left(): everything outstanding at the loss is acknowledged.
///  - undone(): the last reduction was spurious: window and threshold as before it, or more (RFC 9438 4.9).
///  - restart_after_idle(): nothing was outstanding for longer than the RTO (RFC 5681 4.1, RFC 7661).
template <typename C>
concept CongestionControl = requires(C control, const C& constant, const CongestionStart& start,
                                     const AckSample& sample, const LossEvent& loss, std::uint32_t bytes,
                                     base::Duration duration, base::Instant now) {
    control.begin(start);
    control.acknowledged(sample);
    control.loss_detected(loss);
    control.congestion_marked(loss);
    control.timed_out(loss);
    control.recovery_left(now);
    control.undone(now);
    control.restart_after_idle(bytes, duration);
    control.set_window(bytes);
    { constant.window() } -> std::same_as<std::uint32_t>;                ///< bytes
    { constant.slow_start_threshold() } -> std::same_as<std::uint32_t>;  ///< bytes
    { constant.pacing_rate() } -> std::same_as<std::uint64_t>;           ///< bytes a second; 0: not paced
    { constant.send_quantum() } -> std::same_as<std::uint32_t>;  ///< bytes that may go out at once when paced
    { C::kOwnsRecovery } -> std::convertible_to<bool>;
};

/// Arithmetic on windows stays far from 2^32, and no peer can offer more (RFC 7323 2.3).
inline constexpr std::uint32_t kCongestionWindowMax = 1u << 30;

/// `bytes` as the nearest number of whole segments, half a one counting as nothing. What leaves are whole
/// segments and what is added to a window is one, too: a threshold with a fraction of one would keep the
/// window by that much too small until the next loss.
[[nodiscard]] constexpr std::uint32_t whole_segments(std::uint32_t bytes, std::uint32_t mss) {
    return (bytes + (mss - 1) / 2) / mss * mss;
}

/// RFC 6928: min(10 MSS, max(2 MSS, 14600)).
[[nodiscard]] constexpr std::uint32_t initial_window(std::uint32_t mss) {
    return std::min(10 * mss, std::max(2 * mss, 14600u));
}

}  // namespace terminus::tcp
