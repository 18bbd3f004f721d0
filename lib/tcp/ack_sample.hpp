#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace terminus::tcp {

/// What one ACK tells a congestion control: bytes throughout, never segments, so that nothing is gained by
/// cutting an ACK into many (RFC 3465, HARDENING 24). The delivery rate is draft-ietf-ccwg-bbr's section 4.1.
struct AckSample {
    base::Instant now;
    std::uint32_t mss = 0;  ///< effective send MSS

    // ---- what this ACK did
    std::uint32_t acked = 0;            ///< snd.una moved by so much, what was reported before not counted
    std::uint32_t newly_delivered = 0;  ///< acknowledged for the first time, cumulatively or by SACK
    std::uint32_t newly_lost = 0;       ///< marked lost while this ACK was processed
    std::uint32_t prior_in_flight = 0;  ///< pipe before the ACK
    std::uint32_t in_flight = 0;        ///< pipe after it
    bool ece = false;                   ///< the peer echoes a congestion mark (RFC 3168)

    // ---- round trips
    base::Duration rtt{-1};  ///< of the newest segment acknowledged that was sent once; negative: none
    base::Duration smoothed_rtt{0};  ///< zero before the first sample
    base::Duration min_rtt{-1};      ///< the machine's windowed minimum; negative: none

    // ---- delivery rate of the most recently sent segment among those newly delivered
    std::uint64_t delivered = 0;         ///< the connection's total so far
    std::uint64_t prior_delivered = 0;   ///< that total when the segment was sent: a round is over when this
                                         ///< reaches what `delivered` was at the round's start
    std::uint64_t delivery_rate = 0;     ///< bytes a second; 0: no valid sample
    base::Duration interval{0};          ///< the sample's length; zero: no valid sample
    std::uint32_t sample_delivered = 0;  ///< bytes delivered over the interval
    std::uint32_t sample_lost = 0;       ///< bytes lost since the segment was sent
    std::uint32_t tx_in_flight = 0;      ///< pipe right after the segment was sent
    bool app_limited = false;            ///< the sample ends in a bubble of the application's making

    /// The congestion window was what held sending back since the last ACK (RFC 7661's concern): a window
    /// that is not used is no proof of capacity.
    bool window_limited = false;
};

/// A reduction's circumstances.
struct LossEvent {
    base::Instant now;
    std::uint32_t mss = 0;
    std::uint32_t in_flight = 0;  ///< pipe when the loss was found, the lost bytes included
    std::uint64_t delivered = 0;  ///< the connection's total so far
    std::uint32_t newly_lost = 0;
};

}  // namespace terminus::tcp
