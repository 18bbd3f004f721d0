#pragma once

#include <cstdint>

namespace terminus::tcp {

/// What became of a segment.
enum class Disposition : std::uint8_t {
    Accepted,
    Dropped,    ///< counted; an acknowledgement may be pending
    ResetPeer,  ///< SYN_SENT with an unacceptable ACK: the caller answers with reset_for(segment)
};

/// What happened since the last take_events(); a bit set.
struct Events {
    static constexpr std::uint8_t kEstablished = 1, kReadable = 2, kSendRoom = 4, kPeerFinished = 8,
                                  kClosed = 16;
    std::uint8_t bits = 0;
    [[nodiscard]] bool established() const { return (bits & kEstablished) != 0; }
    [[nodiscard]] bool readable() const { return (bits & kReadable) != 0; }
    [[nodiscard]] bool send_room() const { return (bits & kSendRoom) != 0; }
    [[nodiscard]] bool peer_finished() const { return (bits & kPeerFinished) != 0; }
    [[nodiscard]] bool closed() const { return (bits & kClosed) != 0; }
    [[nodiscard]] bool any() const { return bits != 0; }
};

/// What an ICMP error that quotes one of our segments says (RFC 5461, 5927).
enum class IcmpError : std::uint8_t { Soft, Hard, Refused, TooBig };

}  // namespace terminus::tcp
