#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "capture/recorded_conversations.hpp"
#include "capture/recorded_stream.hpp"

namespace terminus::capture {

/// Puts the client's SYN, which the capture hasn't, before its packets, and the ACK of the handshake, unless
/// that is there.
void make_up_handshake(RecordedConversation& conversation);

/// Text of a SYN that the server took at once (Fast Open) goes behind the handshake: Terminus takes none with
/// a cookie of another server's.
void move_syn_text(RecordedConversation& conversation);

/// A part of the request, [begin, end).
struct Extent {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

/// Puts text where the server acknowledged what no packet brought, and the FIN, if it was lost; `brought` is
/// what packets did, in order.
void make_up_lost_text(RecordedConversation& conversation, std::vector<Extent> brought,
                       std::optional<std::uint64_t> lost_fin);

}  // namespace terminus::capture
