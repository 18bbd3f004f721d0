#pragma once

#include <cstdint>
#include <optional>

#include "tcp/environment.hpp"
#include "tcp/out_segment.hpp"
#include "wire/address.hpp"
#include "wire/tcp.hpp"

namespace terminus::tcp {

/// What LISTEN makes of a segment (RFC 9293 3.10.7.2). Only a clean SYN opens (HARDENING 5).
enum class ListenVerdict : std::uint8_t { Ignore, Reset, Open };
[[nodiscard]] ListenVerdict listen_segment_arrives(const wire::TcpSegment& segment);

/// What a half-open makes of a segment.
enum class HalfOpenVerdict : std::uint8_t {
    Ignore,     ///< counted and dropped
    Reply,      ///< send poll_reply(): the SYN-ACK again, or a challenge ACK
    ResetPeer,  ///< unacceptable ACK: answer with reset_for(segment), the half-open stays
    Close,      ///< an acceptable RST: release it silently
    Promote,    ///< build a Connection from it and give it this same segment
};

/// A SYN_RECEIVED born of LISTEN (DESIGN 3.2): enough to answer and to become a Connection.
class HalfOpen {
 public:
    struct Parameters {
        wire::FourTuple tuple;
        std::uint16_t local_id = 0;    ///< the caller's id of tuple.local.address
        std::uint16_t service = 0;     ///< the caller's id of the listener
        wire::SeqNum iss;
        std::uint16_t advertised_mss = 536;
    };

    HalfOpen(const Parameters& parameters, const wire::TcpSegment& syn, const Environment& env);

    [[nodiscard]] HalfOpenVerdict segment_arrives(const wire::TcpSegment& segment, const Environment& env);

    /// The SYN-ACK, or after a Reply verdict what is to be replied. `timestamp_offset` is the tuple's.
    [[nodiscard]] OutSegment poll_reply(std::uint32_t timestamp_offset, const Environment& env);

    /// The SYN-ACK timer. True: retransmit by poll_reply() and arm next_deadline(). False: synack_retries are used up.
    [[nodiscard]] bool timer_expired(const Environment& env);
    [[nodiscard]] Instant next_deadline() const;

    [[nodiscard]] const wire::IpAddress& remote_address() const;
    [[nodiscard]] std::uint16_t remote_port() const;
    [[nodiscard]] std::uint16_t local_port() const;
    [[nodiscard]] std::uint16_t local_id() const;
    [[nodiscard]] std::uint16_t service() const;
};
static_assert(sizeof(HalfOpen) <= 64);

}  // namespace terminus::tcp
