#include "capture/made_up.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace terminus::capture {
namespace {

constexpr std::uint16_t kMssV4 = 1460, kMssV6 = 1440, kSynWindow = 65535;
constexpr std::uint64_t kLostTextMax = 1
                                       << 20;  // of one packet that is made up; it is split when it is played

/// A packet that `like` lends its addresses' facts, stamp and number; without text.
RecordedPacket made_up(const RecordedPacket& like, const wire::TcpHeader& header) {
    RecordedPacket packet = like;
    packet.is_made_up = true;
    packet.is_checksum_wrong = false;
    packet.payload = {};
    packet.filled = 0;
    packet.waits_for = 0;
    packet.waits_for_again = 0;
    packet.reaction = {};
    packet.exceeds_window = false;
    packet.traffic_class = static_cast<std::uint8_t>(packet.traffic_class & ~3u);
    std::uint8_t bytes[wire::kTcpHeaderMax];
    const std::size_t length = wire::write_tcp(header, bytes);
    packet.header.clear();
    for (std::size_t i = 0; i < length; ++i)
        packet.header.push_back(bytes[i]);
    packet.segment = wire::parse_tcp({bytes, length}, length).value();
    return packet;
}

wire::TcpHeader plain_ack(const RecordedConversation& conversation, const wire::TcpSegment& like) {
    wire::TcpHeader header;
    header.source_port = conversation.client.port;
    header.destination_port = conversation.server.port;
    header.flags = {wire::TcpFlags::kAck};
    header.ack = like.ack;
    header.window = like.window;
    header.options.timestamps = like.options.timestamps;
    return header;
}

/// What is known of the client's end by its first packet that isn't a SYN.
const RecordedPacket* first_ack(const std::vector<RecordedPacket>& packets) {
    for (const RecordedPacket& packet : packets) {
        if (packet.segment.flags.ack() && !packet.segment.flags.syn()) return &packet;
    }
    return nullptr;
}

RecordedPacket stand_in(const RecordedConversation& conversation) {
    if (!conversation.client_packets.empty()) return conversation.client_packets.front();
    RecordedPacket packet;
    packet.number = conversation.first_packet;
    packet.dont_fragment = true;
    return packet;
}

void add_text(RecordedPacket& packet, std::uint64_t seq, std::uint32_t length) {
    packet.seq = seq;
    packet.filled = length;
    packet.segment.payload_length = length;
}

/// Goes along the client's packets and puts others between them.
class LostText {
 public:
    explicit LostText(RecordedConversation& conversation)
        : conversation_(conversation), packets_(conversation.client_packets) {}

    /// Before the first packet whose number lies behind it; later calls lie behind earlier ones.
    void fill(const Extent& extent) {
        RecordedPacket* const packet = add({wire::TcpFlags::kAck}, extent.begin + 1, extent.end + 1);
        if (packet == nullptr) return;
        add_text(*packet, extent.begin + 1, static_cast<std::uint32_t>(extent.end - extent.begin));
        conversation_.notes.push_back({packet->number, NoteKind::RequestHole});
    }
    void end(std::uint64_t number) {
        RecordedPacket* const packet = add({wire::TcpFlags::kAck | wire::TcpFlags::kFin}, number, number + 1);
        if (packet != nullptr) packet->seq = number;
    }
    void finish() {
        pass_until(UINT64_MAX);
        packets_ = std::move(done_);
    }

 private:
    RecordedPacket* add(wire::TcpFlags flags, std::uint64_t seq, std::uint64_t end) {
        pass_until(end);
        const bool follows_ack = !done_.empty() && done_.back().segment.flags.ack();
        const RecordedPacket* like = nullptr;
        if (next_ < packets_.size() && packets_[next_].segment.flags.ack()) like = &packets_[next_];
        if (follows_ack) like = &done_.back();
        if (like == nullptr) return nullptr;  // nothing but SYNs: nobody could have acknowledged it
        wire::TcpHeader header = plain_ack(conversation_, like->segment);
        if (!follows_ack) header.ack = conversation_.server_isn + 1;  // it ends the handshake
        header.flags = flags;
        header.seq = conversation_.client_isn + static_cast<std::uint32_t>(seq);
        RecordedPacket packet = made_up(*like, header);
        if (!follows_ack) packet.waits_for = 1;
        if (next_ < packets_.size()) {
            packet.number = packets_[next_].number;
            packet.stamp = packets_[next_].stamp;
        }
        done_.push_back(std::move(packet));
        return &done_.back();
    }
    void pass_until(std::uint64_t number) {
        for (; next_ < packets_.size(); ++next_) {
            if (packets_[next_].seq >= number) return;
            done_.push_back(std::move(packets_[next_]));
        }
    }

    RecordedConversation& conversation_;
    std::vector<RecordedPacket>& packets_;
    std::vector<RecordedPacket> done_;
    std::size_t next_ = 0;
};

}  // namespace

void make_up_handshake(RecordedConversation& conversation) {
    const RecordedPacket* const first = first_ack(conversation.client_packets);
    RecordedPacket like = stand_in(conversation);
    like.stamp = conversation.first_stamp;
    const RecordedConversation::Negotiated& negotiated = conversation.negotiated;
    wire::TcpHeader syn;
    syn.source_port = conversation.client.port;
    syn.destination_port = conversation.server.port;
    syn.seq = conversation.client_isn;
    syn.flags = {wire::TcpFlags::kSyn};
    syn.window = kSynWindow;
    syn.options.mss = conversation.client.address.is_v4() ? kMssV4 : kMssV6;
    syn.options.sack_permitted = negotiated.sack;
    syn.options.window_scale = negotiated.client_scale;
    if (negotiated.timestamps) {
        const bool is_known = first != nullptr && first->segment.options.timestamps;
        syn.options.timestamps = {is_known ? first->segment.options.timestamps->value : 1, 0};
    }
    wire::TcpHeader ack = plain_ack(conversation, first == nullptr ? wire::TcpSegment{} : first->segment);
    ack.seq = conversation.client_isn + 1;
    ack.ack = conversation.server_isn + 1;
    if (first == nullptr) ack.window = kSynWindow;
    ack.options.timestamps = syn.options.timestamps;
    std::vector<RecordedPacket> handshake{made_up(like, syn)};
    handshake.back().seq = 0;
    const bool is_there = first != nullptr && first->segment.seg_len() == 0 &&
                          first->segment.seq == ack.seq && first->segment.ack == ack.ack;
    if (!is_there) {
        handshake.push_back(made_up(like, ack));
        handshake.back().seq = 1;
        handshake.back().waits_for = 1;
    }
    auto& packets = conversation.client_packets;
    packets.insert(packets.begin(), handshake.begin(), handshake.end());
}

void move_syn_text(RecordedConversation& conversation) {
    auto& packets = conversation.client_packets;
    const auto syn = std::find_if(packets.begin(), packets.end(), [](const RecordedPacket& packet) {
        return packet.segment.flags.syn() && packet.segment.payload_length > 0;
    });
    const RecordedPacket* const first = first_ack(packets);
    if (syn == packets.end() || first == nullptr) return;
    conversation.notes.push_back({syn->number, NoteKind::SynText});
    wire::TcpHeader header = plain_ack(conversation, first->segment);
    header.seq = conversation.client_isn + 1;
    header.ack = conversation.server_isn + 1;
    RecordedPacket text = made_up(*first, header);
    text.waits_for = 1;
    add_text(text, 1, syn->filled);
    text.payload = syn->payload;
    text.segment.payload_length = syn->segment.payload_length;
    for (RecordedPacket& packet : packets) {
        if (!packet.segment.flags.syn()) continue;
        packet.payload = {};
        packet.filled = 0;
        packet.segment.payload_length = 0;
    }
    packets.insert(packets.begin() + (first - packets.data()), std::move(text));
}

void make_up_lost_text(RecordedConversation& conversation, std::vector<Extent> brought,
                       std::optional<std::uint64_t> lost_fin) {
    brought.push_back({conversation.request.length(), conversation.request.length()});
    LostText lost(conversation);
    std::uint64_t known = 0;
    for (const Extent& extent : brought) {
        const std::uint64_t begin = std::min(extent.begin, conversation.request.length());
        while (known < begin) {
            const std::uint64_t end = std::min(begin, known + kLostTextMax);
            lost.fill({known, end});
            known = end;
        }
        known = std::max(known, extent.end);
    }
    if (lost_fin) lost.end(*lost_fin);
    lost.finish();
}

}  // namespace terminus::capture
