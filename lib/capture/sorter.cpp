#include "capture/sorter.hpp"

#include <algorithm>

namespace terminus::capture {

void Sorter::add(const CapturedPacket& captured) {
    Live& live = live_for(captured);
    RawConversation& raw = conversations_[*live.index];
    const wire::TcpSegment& segment = captured.packet.segment;
    RawPacket packet;
    packet.packet = captured.packet;
    packet.is_from_client = captured.source == raw.client;
    if (segment.flags.syn()) {
        std::optional<wire::SeqNum>& own = packet.is_from_client ? live.client_syn : live.server_syn;
        own = own.value_or(segment.seq);
    }
    live.server_has_sent |= !packet.is_from_client;
    for (const NoteKind what : captured.alterations) {
        packet.is_doubtful |= what == NoteKind::ChecksumWrong;
        raw.notes.push_back({packet.packet.number, what});
    }
    raw.packets.push_back(packet);
}

Sorter::Live& Sorter::live_for(const CapturedPacket& captured) {
    const wire::Endpoint &from = captured.source, &to = captured.destination;
    Live& live = live_[from < to ? Ends{from, to} : Ends{to, from}];
    if (live.index && goes_on(live, captured)) return live;
    const wire::TcpFlags flags = captured.packet.segment.flags;
    const bool is_answer = flags.syn() && flags.ack();
    live = {};
    live.index = conversations_.size();
    RawConversation raw;
    raw.client = is_answer ? to : from;
    raw.server = is_answer ? from : to;
    if (flags.syn()) {
        servers_.insert(raw.server);
    } else {
        guessed_.push_back(conversations_.size());
    }
    conversations_.push_back(std::move(raw));
    return live;
}

bool Sorter::goes_on(const Live& live, const CapturedPacket& captured) const {
    const wire::TcpSegment& segment = captured.packet.segment;
    if (!segment.flags.syn()) return true;
    const bool is_from_client = captured.source == conversations_[*live.index].client;
    if (is_from_client) {
        // A client answers a SYN only where SYNs cross.
        return segment.flags.ack() ? live.client_syn.has_value() : live.client_syn == segment.seq;
    }
    if (live.server_syn) return live.server_syn == segment.seq;
    // An answer to a SYN that the capture hasn't is another connection's.
    if (segment.flags.ack()) return live.client_syn && segment.ack.at_or_after(*live.client_syn + 1);
    return live.client_syn && !live.server_has_sent;
}

std::vector<RawConversation> Sorter::finish(const std::vector<wire::Endpoint>& services) && {
    servers_.insert(services.begin(), services.end());
    for (const std::size_t index : guessed_)
        orient(conversations_[index]);
    return std::move(conversations_);
}

void Sorter::orient(RawConversation& raw) const {
    const bool server_is_known = servers_.contains(raw.server),
               client_is_known = servers_.contains(raw.client);
    if (server_is_known != client_is_known) {
        if (server_is_known) return;
    } else {
        raw.notes.push_back({raw.packets.front().packet.number, NoteKind::ClientGuessed});
        if (raw.server.port <= raw.client.port) return;
    }
    std::swap(raw.client, raw.server);
    for (RawPacket& packet : raw.packets)
        packet.is_from_client = !packet.is_from_client;
}

}  // namespace terminus::capture
