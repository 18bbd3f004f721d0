#pragma once

#include <cstdint>

#include "tcp/environment.hpp"
#include "tcp/out_segment.hpp"
#include "wire/address.hpp"
#include "wire/tcp.hpp"

namespace terminus::tcp {

class Connection;

/// What TIME_WAIT makes of a segment (RFC 9293 3.10.7.4, 6191, 1337).
enum class TimeWaitVerdict : std::uint8_t {
    Ignore,
    Acknowledge,  ///< send poll_reply(); for a retransmitted FIN the 2 MSL have been restarted
    Close,        ///< an acceptable RST with rfc1337 off
    Reopen,       ///< a SYN newer in timestamp or sequence: release this, let LISTEN have the SYN
};

/// A connection that is over but for old segments (DESIGN 3.2).
class TimeWait {
 public:
    /// From a Connection in TIME_WAIT.
    TimeWait(const Connection& connection, const wire::IpAddress& remote, std::uint16_t remote_port,
             std::uint16_t local_port, std::uint16_t local_id, const Environment& env);

    [[nodiscard]] TimeWaitVerdict segment_arrives(const wire::TcpSegment& segment, const Environment& env);
    [[nodiscard]] OutSegment poll_reply(std::uint32_t timestamp_offset, const Environment& env);
    [[nodiscard]] Instant deadline(const Environment& env) const;

    /// Whether an active open with this ISS and TSval may take the 4-tuple now (DESIGN 4, tw_reuse).
    [[nodiscard]] bool may_be_reused(wire::SeqNum iss, std::uint32_t timestamp_value, const Environment& env) const;
    /// The first sequence number that an ISS taking the 4-tuple's place must be beyond.
    [[nodiscard]] wire::SeqNum snd_nxt() const;

    [[nodiscard]] const wire::IpAddress& remote_address() const;
    [[nodiscard]] std::uint16_t remote_port() const;
    [[nodiscard]] std::uint16_t local_port() const;
    [[nodiscard]] std::uint16_t local_id() const;
    [[nodiscard]] stats::Leg leg() const;
};
static_assert(sizeof(TimeWait) <= 64);

}  // namespace terminus::tcp
