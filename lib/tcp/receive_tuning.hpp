#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "tcp/buffer_range.hpp"
#include "tcp/sequence_space.hpp"

namespace terminus::tcp {

/// How large the receive buffer of a connection has to be: dynamic right-sizing (Fisk and Feng 2001), as
/// Linux does it for tcp_moderate_rcvbuf. A reader who takes as much in a round trip as the window let come
/// is held up by the window, and the buffer becomes one that carries twice as much. A reader who is slower
/// than the peer makes nothing grow: holding that peer up is what the window is for.
class ReceiveTuning {
 public:
    /// `mss`: the largest segment that we receive, bytes.
    ReceiveTuning(std::uint16_t mss, base::Instant now)
        : carried_(std::uint32_t{kInitialSegments} * mss), round_began_(now) {}

    /// Whether a full segment with this echo tells something: each of our timestamps is measured once.
    [[nodiscard]] bool is_news(std::uint32_t echo) const { return echo != echo_; }
    /// A full segment came, and is the first to echo this timestamp of ours, `age` after it was made.
    void arrived(std::uint32_t echo, base::Duration age);
    /// Text has come in order, up to rcv.nxt, without a timestamp: the time that a whole window takes stands
    /// for the round trip.
    void arrived(const ReceiveSpace& rcv, base::Instant now);
    /// The reader has taken `bytes`.
    void taken(std::uint32_t bytes, std::uint16_t mss, const BufferRange& range, base::Instant now);

    /// Bytes that the buffer has grown to; 0 while nothing has asked for more than it began with.
    [[nodiscard]] std::uint32_t bytes() const { return bytes_; }
    /// What a reader has taken in a round trip at most (Linux's tcpi_rcv_space), bytes.
    [[nodiscard]] std::uint32_t carried() const { return carried_; }
    /// Of the peer's text, as far as a receiver can tell (Linux's tcpi_rcv_rtt); zero when it can't yet.
    [[nodiscard]] base::Duration round_trip() const { return round_trip_; }

 private:
    /// What RFC 6928 lets a peer begin with needs no larger a window.
    static constexpr std::uint16_t kInitialSegments = 10;

    std::uint32_t bytes_ = 0;
    std::uint32_t carried_;
    std::uint32_t taken_ = 0;  // in this round trip
    std::uint32_t echo_ = 0;
    wire::SeqNum window_end_;  // the edge that the measurement without timestamps waits for
    base::Instant round_began_;
    base::Instant window_began_ = base::kNever;
    base::Duration round_trip_{};
};

}  // namespace terminus::tcp
