#pragma once

#include <cstdint>
#include <optional>

#include "packet/byte_queue.hpp"
#include "tcp/environment.hpp"
#include "tcp/half_open.hpp"
#include "tcp/out_segment.hpp"
#include "tcp/state.hpp"
#include "wire/tcp.hpp"

namespace terminus::tcp {

/// What became of a segment.
enum class Disposition : std::uint8_t {
    Accepted,
    Dropped,    ///< counted; an acknowledgement may be pending
    ResetPeer,  ///< SYN_SENT with an unacceptable ACK: the caller answers with reset_for(segment)
};

/// What happened since the last take_events(); a bit set.
struct Events {
    static constexpr std::uint8_t kEstablished = 1, kReadable = 2, kSendRoom = 4, kPeerFinished = 8, kClosed = 16;
    std::uint8_t bits = 0;
    [[nodiscard]] bool established() const { return (bits & kEstablished) != 0; }
    [[nodiscard]] bool readable() const { return (bits & kReadable) != 0; }
    [[nodiscard]] bool send_room() const { return (bits & kSendRoom) != 0; }
    [[nodiscard]] bool peer_finished() const { return (bits & kPeerFinished) != 0; }
    [[nodiscard]] bool closed() const { return (bits & kClosed) != 0; }
    [[nodiscard]] bool any() const { return bits != 0; }
};

/// What an ICMP error that quotes one of our segments says (RFC 5461, 5927).
enum class IcmpError : std::uint8_t { Soft, Hard, TooBig };

/// A TCP connection from SYN_SENT or SYN_RECEIVED to CLOSED or TIME_WAIT (RFC 9293), sans-IO: segments, time and
/// the application's wishes come in by call, what it wants sent is polled. It knows no addresses.
class Connection {
 public:
    struct OpenParameters {
        stats::Leg leg = stats::Leg::Client;
        wire::SeqNum iss;
        std::uint32_t timestamp_offset = 0;
        std::uint16_t advertised_mss = 536;  ///< what we can receive: MTU less headers (RFC 9293 MUST-67)
        std::uint16_t path_mss = 536;        ///< what the path carries, options not subtracted
    };

    /// Active open: SYN_SENT, the SYN is polled.
    Connection(const OpenParameters& parameters, const Environment& env);
    /// Promotion of a half-open: SYN_RECEIVED; the segment that completes it comes by segment_arrives().
    Connection(const OpenParameters& parameters, const HalfOpen& half_open, const Environment& env);

    // ---- the network's side

    /// RFC 9293 3.10.7.3 and .4. `payload` is the segment's text (empty when there is none).
    Disposition segment_arrives(const wire::TcpSegment& segment, packet::Slice payload, const Environment& env);
    /// An ICMP error that quotes sequence number `quoted`; `next_hop_mtu` for TooBig. False: not in flight, ignored.
    bool icmp_error_arrives(IcmpError error, wire::SeqNum quoted, std::uint16_t next_hop_mtu, const Environment& env);
    /// Runs every deadline that is due.
    void timers_expired(const Environment& env);
    /// The earliest of the seven deadlines; base::kNever when none is armed.
    [[nodiscard]] Instant next_deadline() const;
    /// The next segment to be sent, or nothing. Each call is a segment that goes out: it moves snd.nxt and arms
    /// timers. Called until empty, or until the caller's quota is used.
    [[nodiscard]] std::optional<OutSegment> poll_transmit(const Environment& env);
    [[nodiscard]] const packet::ByteQueue& send_queue() const;

    // ---- the application's side

    [[nodiscard]] Events take_events();
    /// In-order bytes not yet taken.
    [[nodiscard]] std::uint32_t readable_bytes() const;
    /// Takes up to `max_bytes` of them (whole slices unless max_bytes cuts one; `pool` for that cut); the receive
    /// window opens, and a window update is sent when silly-window avoidance lets it (RFC 9293 3.8.6.2.2).
    [[nodiscard]] packet::ByteQueue take_received(std::uint32_t max_bytes, rte_mempool* pool, const Environment& env);
    /// The peer's FIN has arrived and every byte before it has been taken.
    [[nodiscard]] bool peer_finished() const;
    /// Bytes that send() will take now: wmem less what is queued; 0 after finish().
    [[nodiscard]] std::uint32_t send_room(const Environment& env) const;
    void send(packet::ByteQueue&& bytes, const Environment& env);
    /// FIN after everything queued: shutdown(SHUT_WR). Idempotent.
    void finish(const Environment& env);
    /// Nobody is left to take data: finish(), and an orphan from now on (fin_timeout, data is answered by RST).
    /// Unread data makes it a RST at once (RFC 9293 SHLD-3).
    void abandon(const Environment& env);
    /// RST to the peer where the state calls for one, then CLOSED for `reason`.
    void abort(stats::CloseReason reason, const Environment& env);

    // ---- what the stack, `ss` and tests look at

    [[nodiscard]] State state() const;
    [[nodiscard]] stats::Leg leg() const;
    /// Set once the state is CLOSED or TIME_WAIT.
    [[nodiscard]] std::optional<stats::CloseReason> close_reason() const;
    /// CLOSED, and nothing left to be sent (a RST may be).
    [[nodiscard]] bool is_finished() const;
    [[nodiscard]] bool is_orphan() const;
    /// Buffers held: receive, out-of-order and send queues.
    [[nodiscard]] std::uint32_t buffer_count() const;
    /// ss's Send-Q and Recv-Q, and the running timer with its deadline for `-o`.
    struct Snapshot {
        State state;
        std::uint32_t receive_queue_bytes;
        std::uint32_t send_queue_bytes;   ///< unacknowledged and unsent
        std::optional<stats::Timer> timer;
        Instant deadline;
        std::uint8_t retransmits;
        Duration smoothed_rtt;
        Duration rto;
        std::uint32_t congestion_window_bytes;
        std::uint16_t send_mss;
    };
    [[nodiscard]] Snapshot snapshot() const;
};

}  // namespace terminus::tcp
