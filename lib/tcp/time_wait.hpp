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
///
/// Its gauge (LegStats::connections, TimeWait on its leg) goes up at construction and down in released(),
/// which the owner calls once, right before the object is destroyed. CoreStats::time_wait is the owner's.
class TimeWait {
 public:
    /// From a Connection in TIME_WAIT.
    TimeWait(const Connection& connection, const wire::IpAddress& remote, std::uint16_t remote_port,
             std::uint16_t local_port, std::uint16_t local_id, const Environment& env);

    /// Counts this TIME_WAIT out of the gauges.
    void released(const Environment& env);
    /// Counts one that was read from an archive into them; false when its bytes are those of none.
    [[nodiscard]] bool restored(const Environment& env);
    /// The 2 MSL are over: counts the timer's expiry. released() comes on top.
    void timer_expired(const Environment& env);

    [[nodiscard]] TimeWaitVerdict segment_arrives(const wire::TcpSegment& segment, const Environment& env);
    [[nodiscard]] OutSegment poll_reply(std::uint32_t timestamp_offset, const Environment& env);
    [[nodiscard]] Instant deadline(const Environment& env) const;

    /// Whether `other` began, or began anew, before this one.
    [[nodiscard]] bool began_after(const TimeWait& other) const {
        return static_cast<std::int32_t>(restarted_tick_ - other.restarted_tick_) > 0;
    }

    /// Whether an active open with this ISS may take the 4-tuple now (DESIGN 4, tw_reuse).
    [[nodiscard]] bool may_be_reused(wire::SeqNum iss, const Environment& env) const;
    /// The first sequence number that an ISS taking the 4-tuple's place must be beyond.
    [[nodiscard]] wire::SeqNum snd_nxt() const;
    /// The ISS of a passive open that takes the 4-tuple's place: `iss`, or beyond the old incarnation's last
    /// number when that is not.
    [[nodiscard]] wire::SeqNum iss_of_successor(wire::SeqNum iss) const;

    [[nodiscard]] const wire::IpAddress& remote_address() const;
    [[nodiscard]] std::uint16_t remote_port() const;
    [[nodiscard]] std::uint16_t local_port() const;
    [[nodiscard]] std::uint16_t local_id() const;
    [[nodiscard]] stats::Leg leg() const;

 private:
    // Segments without text that get an ACK in one TIME_WAIT: enough for a peer that is merely late, and the
    // end of any loop with another stack that also answers everything (HARDENING 13).
    static constexpr std::uint8_t kEmptyAnswersMax = 8;

    /// Instants are kept in ticks of 2^16 ns, rounded up, in 32 bits: 78 hours, of which a TIME_WAIT lasts
    /// minutes.
    static constexpr unsigned kTickBits = 16;
    [[nodiscard]] static std::uint32_t tick_of(Instant instant);
    [[nodiscard]] Instant restarted_at(Instant now) const;
    [[nodiscard]] bool is_newer_incarnation(const wire::TcpSegment& syn) const;
    TimeWaitVerdict ignore(stats::DropReason reason, const Environment& env) const;

    wire::IpAddress remote_;
    std::uint16_t remote_port_;
    std::uint16_t local_port_;
    std::uint16_t local_id_;
    stats::Leg leg_;
    std::uint8_t empty_answers_ : 7 = 0;
    std::uint8_t timestamps_ : 1 = 0;
    wire::SeqNum snd_nxt_;
    wire::SeqNum rcv_nxt_;
    std::uint32_t recent_timestamp_ = 0;  // RFC 7323's TS.Recent
    std::uint32_t restarted_tick_;
};
static_assert(sizeof(TimeWait) <= 40);

}  // namespace terminus::tcp
