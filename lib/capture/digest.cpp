#include <algorithm>
#include <utility>

#include "capture/first_numbers.hpp"
#include "capture/made_up.hpp"
#include "capture/negotiation.hpp"
#include "capture/raw_conversation.hpp"
#include "capture/trace.hpp"

namespace terminus::capture {
namespace {

using wire::TcpFlags;

constexpr std::size_t kSeqAt = 4, kFlagsAt = 13;

// Where most checksums of an end are wrong, it is the capture's host that writes them so, and the bytes are
// right.
void trust_who_is_always_wrong(RawConversation& raw) {
    for (const bool of_client : {true, false}) {
        std::size_t all = 0, wrong = 0;
        for (const RawPacket& packet : raw.packets) {
            if (packet.is_from_client != of_client) continue;
            ++all;
            if (packet.is_doubtful) ++wrong;
        }
        if (wrong * 2 <= all) continue;
        for (RawPacket& packet : raw.packets) {
            if (packet.is_from_client == of_client) packet.is_doubtful = false;
        }
    }
}

bool server_took_syn_text(const RawConversation& raw, const RecordedConversation& conversation) {
    for (const RawPacket& packet : raw.packets) {
        const wire::TcpSegment& segment = packet.packet.segment;
        if (!packet.is_from_client && segment.flags.syn() && segment.flags.ack())
            return segment.ack.after(conversation.client_isn + 1);
    }
    return false;
}

// RFC 9293 3.5, figure 8: SYNs that cross. Terminus answers the client's, and has no use for another one.
void play_crossing_syns_as_acks(RecordedConversation& conversation) {
    for (RecordedPacket& packet : conversation.client_packets) {
        if (!packet.segment.flags.syn() || !packet.segment.flags.ack()) continue;
        packet.segment.flags.bits = static_cast<std::uint8_t>(packet.segment.flags.bits & ~TcpFlags::kSyn);
        packet.segment.seq += 1;
        packet.seq += 1;
        packet.header[kFlagsAt] = packet.segment.flags.bits;
        base::store_be32(packet.header.data() + kSeqAt, packet.segment.seq.value());
        conversation.notes.push_back({packet.number, NoteKind::SynAckOfClient});
    }
}

}  // namespace

RecordedConversation digest(RawConversation raw) {
    RecordedConversation conversation;
    conversation.client = raw.client;
    conversation.server = raw.server;
    conversation.first_packet = raw.packets.front().packet.number;
    conversation.first_stamp = raw.packets.front().packet.stamp;
    conversation.notes = std::move(raw.notes);
    const std::uint64_t last_packet = raw.packets.back().packet.number;
    trust_who_is_always_wrong(raw);
    conversation.client_isn = first_number(raw, true);
    conversation.server_isn = first_number(raw, false);
    read_negotiation(raw, conversation);
    leave_out_declined(raw, conversation);
    const bool took_syn_text = server_took_syn_text(raw, conversation);
    Trace trace(raw, conversation);
    trace.run();
    if (took_syn_text) move_syn_text(conversation);
    const auto lost_fin = trace.lost_fin();
    make_up_lost_text(conversation, std::move(trace).brought(), lost_fin);
    play_crossing_syns_as_acks(conversation);
    if (!conversation.has_syn) make_up_handshake(conversation);
    if (conversation.outcome == RecordedConversation::Outcome::Established && !conversation.has_ended())
        conversation.notes.push_back({last_packet, NoteKind::EndMissing});
    std::stable_sort(conversation.notes.begin(), conversation.notes.end(),
                     [](const Note& a, const Note& b) { return a.packet < b.packet; });
    return conversation;
}

}  // namespace terminus::capture
