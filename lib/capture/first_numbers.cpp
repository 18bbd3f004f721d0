#include "capture/first_numbers.hpp"

#include <optional>

namespace terminus::capture {
namespace {

using Number = std::optional<wire::SeqNum>;

Number isn_by_syn(const RawConversation& raw, bool of_client) {
    Number acknowledged;
    for (const RawPacket& packet : raw.packets) {
        const wire::TcpSegment& segment = packet.packet.segment;
        if (packet.is_doubtful || !segment.flags.syn()) continue;
        if (packet.is_from_client == of_client) return segment.seq;
        if (segment.flags.ack() && !acknowledged) acknowledged = segment.ack - 1;
    }
    return acknowledged;
}

/// Text that was under way when the capture began is not in it, and need not be played.
wire::SeqNum first_byte(const RawConversation& raw, bool of_client) {
    Number lowest_text, first_seq, acknowledged;
    for (const RawPacket& packet : raw.packets) {
        const wire::TcpSegment& segment = packet.packet.segment;
        if (packet.is_doubtful) continue;
        if (packet.is_from_client == of_client) {
            if (!first_seq) first_seq = segment.seq;
            const bool is_old = acknowledged && (segment.seq + segment.seg_len()).at_or_before(*acknowledged);
            if (segment.seg_len() == 0 || is_old) continue;
            if (!lowest_text || segment.seq.before(*lowest_text)) lowest_text = segment.seq;
        } else if (segment.flags.ack()) {
            acknowledged = acknowledged ? wire::latest(*acknowledged, segment.ack) : segment.ack;
            if (lowest_text && acknowledged->after(*lowest_text)) break;  // nothing below comes any more
        }
    }
    if (lowest_text) return *lowest_text;
    if (!acknowledged) return first_seq.value_or(wire::SeqNum(1));
    return first_seq ? wire::latest(*first_seq, *acknowledged) : *acknowledged;
}

}  // namespace

wire::SeqNum first_number(const RawConversation& raw, bool of_client) {
    if (const Number isn = isn_by_syn(raw, of_client)) return *isn;
    return first_byte(raw, of_client) - 1;
}

}  // namespace terminus::capture
