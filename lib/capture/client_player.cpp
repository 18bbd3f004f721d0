#include "capture/client_player.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"

namespace terminus::capture {
namespace {

using Outcome = RecordedConversation::Outcome;
using wire::TcpFlags;

constexpr std::uint8_t kScaleMax = 14;  // RFC 7323 2.3
// RFC 9293 3.7.1, MUST-15: of who names none.
constexpr std::uint16_t kMssUnnamedV4 = 536, kMssUnnamedV6 = 1220;

}  // namespace

std::optional<std::string_view> ClientPlayer::obstacle(const RecordedConversation& conversation,
                                                       const wire::Endpoint& service) {
    const wire::IpAddress& client = conversation.client.address;
    if (client.is_v4() != service.address.is_v4()) return "its client is of another family than the service";
    // RFC 9293 3.9.2.3: nobody takes a packet that is from himself (wire::parse_frame).
    if (client == service.address) return "its client has the service's own address";
    return std::nullopt;
}

ClientPlayer::ClientPlayer(const RecordedConversation& conversation, const Settings& settings)
    : conversation_(&conversation),
      settings_(settings),
      frames_({settings.mac, settings.service_mac, conversation.client, settings.service},
              conversation.request) {
    TERMINUS_ASSERT(!obstacle(conversation, settings.service), "the caller has asked for it");
    client_.isn = conversation.client_isn;
    mapping_.recorded_isn = conversation.server_isn;
    mapping_.recorded_shift = std::min(conversation.negotiated.client_scale.value_or(0), kScaleMax);
    mapping_.shift = mapping_.recorded_shift;
    for (const RecordedPacket& packet : conversation.client_packets) {
        if (packet.segment.flags.syn()) {
            syn_ = packet.segment;
            break;
        }
    }
    server_resets_ = conversation.outcome == Outcome::Refused;
    for (const ResponseStep& step : conversation.steps)
        server_resets_ |= step.kind == ResponseStep::Kind::Reset;
}

void ClientPlayer::heard(const wire::TcpSegment& segment, base::Instant now) {
    const bool had_answered = terminus_.has_answered();
    const bool had_room = is_over() || window_has_room();
    terminus_.heard(segment, client_, now);
    if (segment.flags.rst()) return reset_arrived();
    if (!terminus_.has_answered()) return;
    mapping_.isn = terminus_.isn();
    if (!had_answered) answer_arrived(now);
    if (!had_room && window_has_room()) ready_at_ = now;
}

void ClientPlayer::answer_arrived(base::Instant now) {
    const wire::TcpSegment& answer = terminus_.syn_ack();
    const RecordedConversation::Negotiated& recorded = conversation_->negotiated;
    const bool is_scaled = syn_.options.window_scale && answer.options.window_scale;
    if (is_scaled) terminus_.scale_windows_by(std::min(*answer.options.window_scale, kScaleMax));
    mapping_.shift = is_scaled ? std::min(*syn_.options.window_scale, kScaleMax) : std::uint8_t{0};
    mapping_.timestamps = !recorded.timestamps || answer.options.timestamps;
    mapping_.sack = !recorded.sack || answer.options.sack_permitted;
    mapping_.ecn = !recorded.ecn || answer.flags.ece();
    const bool lost_scale = recorded.client_scale && !is_scaled;
    const std::uint64_t packet = is_over() ? last_.number : head().number;
    if (lost_scale || !mapping_.timestamps || !mapping_.sack || !mapping_.ecn)
        diverge(packet, DivergenceKind::OptionDeclined);
    if (settings_.mode == Mode::Causal && conversation_->outcome != Outcome::Established)
        handshake_ack_at_ = now;
}

void ClientPlayer::reset_arrived() {
    is_reset_ = true;
    if (settings_.mode == Mode::Strict || server_resets_ || is_over()) return;
    diverge(head().number, DivergenceKind::ResetByTerminus);
    drop_rest();
}

void ClientPlayer::hold_until(base::Instant instant) {
    hold_until_ = std::max(hold_until_, instant);
}

base::Instant ClientPlayer::next_at() const {
    if (handshake_ack_at_) return *handshake_ack_at_;
    if (is_over()) return base::kNever;
    const Readiness ready = readiness();
    return ready.is_blocked ? inserts_ack_at(ready) : ready.at;
}

std::optional<base::Bytes> ClientPlayer::poll(base::Instant now) {
    if (handshake_ack_at_) {
        handshake_ack_at_.reset();
        const base::Bytes ack = play_plain_ack(DivergenceKind::HandshakeAckMadeUp);
        drop_rest();  // a client that was answered doesn't repeat its SYN
        return ack;
    }
    while (!is_over()) {
        const Readiness ready = readiness();
        if (ready.is_blocked && inserts_ack_at(ready) <= now)
            return play_plain_ack(DivergenceKind::AckInserted);
        if (ready.is_blocked && is_reset_) {
            drop_rest();
            break;
        }
        if (ready.is_blocked || ready.at > now) break;
        if (settings_.mode == Mode::Strict && head().segment.flags.ack() && !terminus_.has_answered()) {
            diverge(head().number, DivergenceKind::NoSynAck);
            next_packet();
            continue;
        }
        if (!part_) begin(ready);
        return play_part();
    }
    return std::nullopt;
}

bool ClientPlayer::is_over() const {
    return next_ == conversation_->client_packets.size() && !handshake_ack_at_;
}

void ClientPlayer::finish() {
    handshake_ack_at_.reset();
    drop_rest();
}

void ClientPlayer::drop_rest() {
    while (next_ < conversation_->client_packets.size()) {
        diverge(head().number, DivergenceKind::NotPlayed);
        next_packet();
    }
}

std::uint32_t ClientPlayer::text_max() const {
    const bool is_v4 = settings_.service.address.is_v4();
    const std::size_t header = map_header(head(), {}, mapping_).size();
    const std::size_t ip = is_v4 ? wire::kIpv4Header : wire::kIpv6Header;
    std::size_t room = settings_.mtu - ip;  // for TCP
    if (terminus_.has_answered()) {
        const std::size_t mss =
            terminus_.syn_ack().options.mss.value_or(is_v4 ? kMssUnnamedV4 : kMssUnnamedV6);
        room = std::min(room, mss + wire::kTcpHeaderMin);  // RFC 6691 2: options are the sender's to subtract
    }
    return static_cast<std::uint32_t>(std::max(room, header + 1) - header);
}

Part ClientPlayer::part_from(std::uint32_t offset, std::uint16_t count) const {
    Part part;
    part.offset = offset;
    part.length = std::min(text_max(), head().segment.payload_length - offset);
    part.is_first = offset == 0;
    part.is_last = offset + part.length == head().segment.payload_length;
    part.count = count;
    return part;
}

std::uint64_t ClientPlayer::acknowledged_by(const RecordedPacket& packet) const {
    if (!packet.segment.flags.ack()) return 0;
    return Numbers{mapping_.recorded_isn, acked_}.at(packet.segment.ack).value_or(0);
}

void ClientPlayer::begin(const Readiness& ready) {
    const RecordedPacket& packet = head();
    if (settings_.mode == Mode::Strict) {
        begin_strict();
    } else if (const base::Duration late = ready.at - planned(packet); late > base::Duration{}) {
        lag_ += late;
        ++counters_.waited;
    }
    if (ready.gives_up_loss) diverge(packet.number, DivergenceKind::RetransmissionUnseen);
    part_ = part_from(0, 0);
    if (!part_->is_last) ++counters_.split;
    if (packet.is_checksum_wrong && settings_.repair_checksums) ++counters_.repaired;
}

void ClientPlayer::begin_strict() {
    const RecordedPacket& packet = head();
    if (std::max(packet.waits_for, acknowledged_by(packet)) > terminus_.highest())
        diverge(packet.number, DivergenceKind::AcknowledgesUnsent);
    const std::uint64_t text_end = packet.end() - (packet.segment.flags.fin() ? 1 : 0);
    const auto edge = terminus_.window_edge();
    if (packet.segment.payload_length > 0 && !packet.exceeds_window && edge && text_end > *edge)
        diverge(packet.number, DivergenceKind::BeyondWindow);
}

base::Bytes ClientPlayer::play_part() {
    const RecordedPacket& packet = head();
    const Part part = *part_;
    const bool is_wrong = packet.is_checksum_wrong && !settings_.repair_checksums;
    if (part.is_first && !is_wrong) note_acknowledged(acknowledged_by(packet), packet.waits_for_again > 0);
    const base::Bytes frame = build(packet, part);
    polled_packet_ = packet.number;
    if (packet.is_made_up) ++counters_.made_up;
    if (!is_wrong && !packet.exceeds_window) {
        const std::uint64_t begin = packet.seq + (packet.segment.flags.syn() ? 1 : 0);
        client_.raise(begin + part.offset + part.length +
                      (packet.segment.flags.fin() && part.is_last ? 1 : 0));
    }
    if (!part.is_last) {
        part_ = part_from(part.offset + part.length, static_cast<std::uint16_t>(part.count + 1));
        return frame;
    }
    if (!packet.is_made_up) ++counters_.recorded;
    last_ = packet;
    next_packet();
    return frame;
}

base::Bytes ClientPlayer::play_plain_ack(DivergenceKind why) {
    const std::uint64_t number = next_ < conversation_->client_packets.size() ? head().number : last_.number;
    diverge(number, why);
    wire::TcpHeader header;
    header.source_port = conversation_->client.port;
    header.destination_port = conversation_->server.port;
    header.seq = client_.isn + static_cast<std::uint32_t>(client_.highest);
    header.ack = mapping_.recorded_isn + static_cast<std::uint32_t>(terminus_.highest());
    header.flags = {TcpFlags::kAck};
    const bool was_syn = last_.segment.flags.syn();
    header.window =
        static_cast<std::uint16_t>(last_.segment.window >> (was_syn ? mapping_.recorded_shift : 0));
    if (terminus_.syn_ack().options.timestamps) header.options.timestamps = last_.segment.options.timestamps;
    RecordedPacket packet = last_;
    packet.payload = {};
    packet.is_checksum_wrong = false;
    packet.traffic_class = static_cast<std::uint8_t>(packet.traffic_class & ~wire::kEcnMask);
    std::uint8_t bytes[wire::kTcpHeaderMax];
    const std::size_t length = wire::write_tcp(header, bytes);
    packet.header.clear();
    for (std::size_t i = 0; i < length; ++i)
        packet.header.push_back(bytes[i]);
    packet.segment = wire::parse_tcp({bytes, length}, length).value();
    note_acknowledged(terminus_.highest(), false);
    ++counters_.inserted;
    polled_packet_ = number;
    return build(packet, {});
}

base::Bytes ClientPlayer::build(const RecordedPacket& packet, const Part& part) {
    RecordedPacket facts = packet;
    if (settings_.repair_checksums) facts.is_checksum_wrong = false;
    if (!mapping_.ecn) facts.traffic_class = static_cast<std::uint8_t>(facts.traffic_class & ~wire::kEcnMask);
    Mapping mapping = mapping_;
    mapping.is_early = !conversation_->has_syn_ack && acknowledged_by(packet) == 0;
    const base::Bytes frame = frames_.build(facts, part, map_header(packet, part, mapping));
    ++counters_.frames;
    counters_.filled_bytes += frames_.filled();
    return frame;
}

// RFC 7323 4.3: what is echoed is of the segment that has the first byte that wasn't acknowledged before.
void ClientPlayer::note_acknowledged(std::uint64_t number, bool after_loss) {
    number = std::min(number, terminus_.highest());
    if (number <= acked_) return;
    mapping_.echo_reply = terminus_.timestamp_at(acked_, after_loss);
    acked_ = number;
    terminus_.forget_before(number);
}

void ClientPlayer::next_packet() {
    ++next_;
    part_.reset();
    ready_at_ = {};
}

}  // namespace terminus::capture
