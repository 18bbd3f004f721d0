#pragma once

#include <algorithm>
#include <cstdint>

#include "wire/seq.hpp"

namespace terminus::tcp {

/// RFC 9293 3.3.1:
///
///            una                         nxt             una + wnd
///     --------|---------------------------|-------------------|--------
///      acknow-   sent, not acknowledged:     not sent yet,       beyond
///      ledged    SentRecords has its fate    may be sent         the window
struct SendSpace {
    wire::SeqNum una;
    wire::SeqNum nxt;
    wire::SeqNum wl1;  ///< SEG.SEQ of the last window update
    wire::SeqNum wl2;  ///< SEG.ACK of it
    wire::SeqNum iss;
    // RFC 9293 3.1, REC-1.
    std::uint32_t wnd = 0;      ///< bytes
    std::uint32_t max_wnd = 0;  ///< the largest the peer has offered (RFC 5961 5.2, RFC 9293 3.8.6.2.1)
    std::uint16_t mss = 536;    ///< effective: text per segment, options subtracted (RFC 9293 MUST-16)
    std::uint8_t scale = 0;     ///< the peer's

    [[nodiscard]] std::uint32_t flight() const { return nxt - una; }
};

/// RFC 9293 3.3.1:
///
///            acked           nxt                       adv
///     ---------|--------------|-------------------------|--------
///      received, acknowledged | received, ACK pending   | window that the peer was promised
///                (acked ≤ nxt)
///
/// `adv`, the right edge, never moves left (RFC 7323 2.4: what was offered once is honoured).
struct ReceiveSpace {
    wire::SeqNum nxt;
    wire::SeqNum adv;
    wire::SeqNum acked;  ///< RFC 7323's Last.ACK.sent
    wire::SeqNum irs;
    wire::SeqNum pushed;  ///< end of the last text that came with PSH, or 1 GiB behind nxt at the farthest
    std::uint16_t advertised_mss = 536;
    std::uint16_t largest = 0;  ///< largest text received: what counts as a full segment
    std::uint8_t scale = 0;     ///< ours

    /// RCV.WND in bytes.
    [[nodiscard]] std::uint32_t wnd() const { return adv - nxt; }
    /// Text up to `end` came, with PSH or without. Behind a peer that never pushes the mark follows, or it
    /// would be ahead of nxt after 2 GiB.
    void note_push(wire::SeqNum end, bool psh) {
        pushed = wire::latest(pushed, psh ? end : nxt - (1u << 30));
    }
};

/// RFC 7323 2.3.
inline constexpr std::uint8_t kScaleMax = 14;

/// The smallest scale with which a window of `bytes` can be told.
[[nodiscard]] constexpr std::uint8_t scale_for(std::uint32_t bytes) {
    std::uint8_t scale = 0;
    while (scale < kScaleMax && (std::uint32_t{UINT16_MAX} << scale) < bytes)
        ++scale;
    return scale;
}

/// RFC 7323 2.2: the window of a SYN is never scaled.
[[nodiscard]] constexpr std::uint16_t unscaled_window(std::uint32_t bytes) {
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(bytes, UINT16_MAX));
}

/// RFC 9293 MUST-15: what a peer that sends no MSS option can take.
[[nodiscard]] constexpr std::uint16_t default_mss(bool ipv6) {
    return ipv6 ? 1220 : 536;
}

/// RFC 9293 3.10.7.4, the table of four cases: whether a byte of [seq, seq + length) is expected.
[[nodiscard]] constexpr bool is_acceptable(wire::SeqNum seq, std::uint32_t length, wire::SeqNum nxt,
                                           std::uint32_t window) {
    if (length == 0) return window == 0 ? seq == nxt : seq.in_window(nxt, window);
    if (window == 0) return false;
    return seq.in_window(nxt, window) || (seq + (length - 1)).in_window(nxt, window);
}

/// RFC 7323 5: timestamps are modular like sequence numbers.
[[nodiscard]] constexpr bool is_older(std::uint32_t timestamp, std::uint32_t than) {
    return static_cast<std::int32_t>(timestamp - than) < 0;
}

}  // namespace terminus::tcp
