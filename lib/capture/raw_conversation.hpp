#pragma once

#include <vector>

#include "capture/recorded_conversations.hpp"
#include "wire/address.hpp"

namespace terminus::capture {

struct RawPacket {
    RecordedPacket packet;
    bool is_from_client = false;
    bool is_doubtful = false;  ///< its checksum is wrong, and the sender's device would not have finished it
};

/// The packets between two endpoints, in the capture's order, from one SYN to the next.
struct RawConversation {
    wire::Endpoint client;
    wire::Endpoint server;
    std::vector<RawPacket> packets;
    std::vector<Note> notes;
};

/// What is to be played of it.
[[nodiscard]] RecordedConversation digest(RawConversation raw);

}  // namespace terminus::capture
