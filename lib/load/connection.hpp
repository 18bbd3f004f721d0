#pragma once

#include <cstdint>

#include "load/address_map.hpp"
#include "wire/seq.hpp"

namespace terminus::load {

/// A length of text that has no end.
inline constexpr std::uint32_t kEndless = UINT32_MAX;

/// CLOSED, SYN_SENT, SYN_RECEIVED, and all that comes after, which flags tell apart. Zero is a fresh slot.
enum class Phase : std::uint8_t { Closed, SynSent, SynReceived, Open };

/// What is known or to be done of a connection.
enum Flag : std::uint16_t {
    kAckDue = 1 << 0,
    kResendDue = 1 << 1,  ///< what follows snd_una, once
    kResetDue = 1 << 2,   ///< then it is over
    kProbeDue = 1 << 3,   ///< of a window that is too small (RFC 9293 3.8.6.1)
    kFinWanted = 1 << 4,  ///< behind the last byte
    kFinSent = 1 << 5,
    kFinAcked = 1 << 6,
    kFinReceived = 1 << 7,
    kAwaiting = 1 << 8,     ///< something must come from the peer, or the connection has failed
    kTimestamps = 1 << 9,   ///< both sides sent the option
    kRecovering = 1 << 10,  ///< what was outstanding at a time-out is sent again, piece by piece
    kIsReady = 1 << 11,     ///< in the ring of those that have something to send
    kIsWatched = 1 << 12,   ///< in the ring of those that a time-out may meet
    kIsRested = 1 << 13,    ///< in the client's ring of those that may be asked
};

/// The flags that say where a slot's index is, whatever becomes of its connection.
inline constexpr std::uint16_t kRingFlags = kIsReady | kIsWatched | kIsRested;

/// One connection, one cache line: all that the light client or backend keeps of it. Everything that is sent
/// can be made again from sequence numbers, for the text is load/pattern.hpp's, and an initial sequence
/// number always ends in 0xff, so that a byte's sequence number modulo 256 is its place in the text.
struct alignas(64) Connection {
    wire::SeqNum snd_una;
    wire::SeqNum snd_nxt;  ///< kept when closed: the next incarnation begins beyond (RFC 9293 3.4.1)
    wire::SeqNum rcv_nxt;
    std::uint32_t ts_recent = 0;
    std::int64_t intended_ns = 0;  ///< when what is under way was to begin
    std::uint32_t to_send = 0;     ///< bytes of text behind snd_nxt
    std::uint32_t to_receive = 0;  ///< bytes of text behind rcv_nxt that are awaited
    std::uint32_t snd_wnd = 0;     ///< bytes
    std::uint32_t touched = 0;     ///< tick at which something last went on
    std::uint32_t exchanges = 0;   ///< requests and responses of this connection that are still to come
    Tuple tuple;
    std::uint16_t flags = 0;
    std::uint16_t mss = 0;  ///< bytes of text in a segment, at most
    Phase phase = Phase::Closed;
    std::uint8_t retries = 0;
    std::uint8_t snd_scale = 0;
    std::uint8_t text_from = 0;  ///< the peer's first byte of text, by its sequence number modulo 256

    [[nodiscard]] bool has(std::uint16_t any_of) const { return (flags & any_of) != 0; }
    void set(std::uint16_t these) { flags = static_cast<std::uint16_t>(flags | these); }
    void clear(std::uint16_t these) { flags = static_cast<std::uint16_t>(flags & ~these); }
    /// Sequence numbers in flight, SYN and FIN included.
    [[nodiscard]] std::uint32_t outstanding() const { return snd_nxt - snd_una; }
    /// Bytes of text among them.
    [[nodiscard]] std::uint32_t outstanding_text() const {
        return outstanding() - (has(kFinSent) && !has(kFinAcked) ? 1 : 0);
    }
    [[nodiscard]] bool is_finished() const {
        return (flags & (kFinAcked | kFinReceived)) == (kFinAcked | kFinReceived);
    }
};
static_assert(sizeof(Connection) == 64, "a segment costs one cache line of state");

}  // namespace terminus::load
