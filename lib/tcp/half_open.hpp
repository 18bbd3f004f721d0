#pragma once

#include <cstdint>
#include <optional>

#include "tcp/challenge.hpp"
#include "tcp/environment.hpp"
#include "tcp/events.hpp"
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
    ResetPeer,  ///< unacceptable ACK: answer with reset_for(segment); the half-open stays
    Close,      ///< an acceptable RST or ICMP error: release it silently
    Promote,    ///< build a Connection from it and give it this same segment
};

/// A SYN_RECEIVED born of LISTEN (DESIGN 3.2): enough to answer and to become a Connection.
///
/// Its gauge (LegStats::connections, SynReceived on the client leg) goes up at construction and down in
/// released(), which the owner calls once, right before the object is destroyed. CoreStats::half_open is the
/// owner's.
class HalfOpen {
 public:
    struct Parameters {
        wire::FourTuple tuple;
        std::uint16_t local_id = 0;  ///< the caller's id of tuple.local.address
        std::uint16_t service = 0;   ///< the caller's id of the listener
        wire::SeqNum iss;
        std::uint16_t advertised_mss = 536;
    };

    /// What a half-open is born of: a cookie's SYN was counted when the cookie was sent, and nobody knows
    /// any more when that was.
    enum class Origin : std::uint8_t { Syn, Cookie };

    HalfOpen(const Parameters& parameters, const wire::TcpSegment& syn, const Environment& env,
             Origin origin = Origin::Syn);

    /// Counts this half-open out of the gauges. Promotion releases it like any other end does.
    void released(const Environment& env);
    /// Counts one that was read from an archive into them.
    void restored(const Environment& env);

    [[nodiscard]] HalfOpenVerdict segment_arrives(const wire::TcpSegment& segment, const Environment& env);

    /// An ICMP error that quotes sequence number `quoted`: Close or Ignore.
    [[nodiscard]] HalfOpenVerdict icmp_error_arrives(IcmpError error, wire::SeqNum quoted,
                                                     const Environment& env);

    /// The SYN-ACK, or after a Reply verdict what is to be replied. `timestamp_offset` is the tuple's.
    [[nodiscard]] OutSegment poll_reply(std::uint32_t timestamp_offset, const Environment& env);

    /// The SYN-ACK timer. True: retransmit by poll_reply() and arm next_deadline(). False: synack_retries are
    /// used up.
    [[nodiscard]] bool timer_expired(const Environment& env);
    [[nodiscard]] Instant next_deadline() const;

    [[nodiscard]] const wire::IpAddress& remote_address() const;
    [[nodiscard]] std::uint16_t remote_port() const;
    [[nodiscard]] std::uint16_t local_port() const;
    [[nodiscard]] std::uint16_t local_id() const;
    [[nodiscard]] std::uint16_t service() const;

    // ---- what promotion needs

    [[nodiscard]] wire::SeqNum iss() const { return iss_; }
    [[nodiscard]] wire::SeqNum irs() const { return irs_; }
    [[nodiscard]] std::uint16_t advertised_mss() const { return advertised_mss_; }
    /// The peer's MSS option, or the default of RFC 9293 MUST-15; no floor applied.
    [[nodiscard]] std::uint16_t peer_mss() const { return peer_mss_; }
    /// The peer's window from its SYN: never scaled (RFC 7323 2.2).
    [[nodiscard]] std::uint16_t peer_window() const { return peer_window_; }
    /// The window that our SYN-ACK offers.
    [[nodiscard]] std::uint16_t advertised_window() const { return advertised_window_; }
    [[nodiscard]] std::uint8_t peer_scale() const { return static_cast<std::uint8_t>(scales_ & 0x0f); }
    [[nodiscard]] bool window_scaling() const { return has(kWindowScale); }
    /// SACK was offered and is accepted.
    [[nodiscard]] bool sack() const { return has(kSack); }
    /// ECN was asked for and is agreed to.
    [[nodiscard]] bool ecn() const { return has(kEcn); }
    [[nodiscard]] std::uint8_t own_scale() const { return static_cast<std::uint8_t>(scales_ >> 4); }
    /// TS.Recent, when timestamps were agreed on.
    [[nodiscard]] std::optional<std::uint32_t> recent_timestamp() const;
    [[nodiscard]] std::uint8_t retransmits() const { return retransmits_; }
    /// When the SYN-ACK was sent; nothing when it was sent more than once (Karn).
    [[nodiscard]] std::optional<Instant> timed_since(const Environment& env) const;

 private:
    static constexpr std::uint8_t kTimestamps = 1, kWindowScale = 2, kSack = 4, kSent = 8, kResent = 16,
                                  kReplyAck = 32, kEcn = 64;

    [[nodiscard]] bool has(std::uint8_t flag) const { return (flags_ & flag) != 0; }
    [[nodiscard]] Duration timeout(const Environment& env) const;
    HalfOpenVerdict reply_with_ack(const Environment& env);
    HalfOpenVerdict ignore(stats::DropReason reason, const Environment& env);
    static stats::LegStats& leg(const Environment& env) { return env.stats.leg(stats::Leg::Client); }

    wire::IpAddress remote_;
    std::uint16_t remote_port_;
    std::uint16_t local_port_;
    std::uint16_t local_id_;
    std::uint16_t service_;
    wire::SeqNum iss_;
    wire::SeqNum irs_;
    std::uint32_t recent_timestamp_ = 0;
    std::uint16_t peer_mss_;
    std::uint16_t advertised_mss_;
    std::uint16_t peer_window_;
    std::uint16_t advertised_window_;
    std::uint8_t scales_ = 0;  // peer's in the low half, ours in the high one
    std::uint8_t flags_ = 0;
    std::uint8_t retransmits_ = 0;
    Instant deadline_;
    ChallengeLimiter challenges_;
};
static_assert(sizeof(HalfOpen) <= 64);

}  // namespace terminus::tcp
