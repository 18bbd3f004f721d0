#pragma once

#include <cstdint>

#include "wire/tcp.hpp"

namespace terminus::tcp {

/// A segment the machine wants sent: header numbers, and which bytes of the send queue go with it. Ports and
/// addresses are the caller's.
struct OutSegment {
    wire::SeqNum seq;
    wire::SeqNum ack;
    wire::TcpFlags flags;
    std::uint16_t window = 0;  ///< as on the wire
    wire::TcpOptions options;
    bool ecn_capable = false;          ///< ECT(0) goes into the IP header (RFC 3168 6.1.2)
    std::uint32_t payload_offset = 0;  ///< from the front of send_queue()
    std::uint32_t payload_length = 0;
    /// Of each segment where it stands for a run of them: full ones, one behind the other, that differ in
    /// nothing else but PSH, which the last has. 0: it is one.
    std::uint16_t segment_length = 0;

    [[nodiscard]] std::uint32_t segments() const {
        return segment_length == 0 ? 1 : payload_length / segment_length;
    }
};

/// RFC 9293 3.10.7.1: the RST that answers a segment for which there is no connection; nothing for a RST.
[[nodiscard]] std::optional<OutSegment> reset_for(const wire::TcpSegment& segment);

}  // namespace terminus::tcp
