#include "capture/trace.hpp"

#include <algorithm>
#include <utility>

namespace terminus::capture {
namespace {

// A capture that lost more than it has is not worth to be believed: a super-frame for each packet.
constexpr std::uint64_t kHoleBytesPerPacket = 65536;
// What a TCP that had text waiting needs to send it once an ACK has come.
constexpr base::Duration kReaction = std::chrono::milliseconds(2);
constexpr std::uint8_t kScaleMax = 14;  // RFC 7323 2.3

}  // namespace

Trace::Trace(RawConversation& raw, RecordedConversation& into)
    : raw_(raw),
      into_(into),
      holes_left_(kHoleBytesPerPacket * raw.packets.size()),
      stood_(into.first_stamp) {
    client_.numbers.isn = into.client_isn;
    server_.numbers.isn = into.server_isn;
    for (const RawPacket& packet : raw.packets) {
        if (packet.packet.segment.flags.syn() && !packet.is_doubtful)
            (packet.is_from_client ? client_ : server_).has_syn = true;
    }
    // A SYN that the capture hasn't was before its first packet.
    if (!client_.has_syn) mark(client_, 1, into.first_stamp);
    if (!server_.has_syn && into.outcome == RecordedConversation::Outcome::Established)
        mark(server_, 1, into.first_stamp);
}

void Trace::run() {
    for (RawPacket& raw : raw_.packets) {
        if (raw.is_from_client) {
            from_client(raw);
        } else if (!raw.is_doubtful) {
            from_server(raw);
        } else if (const auto seq = server_.numbers.at(raw.packet.segment.seq)) {
            raw.packet.seq = *seq;  // text for want of better
        }
    }
    finish();
}

void Trace::from_client(RawPacket& raw) {
    RecordedPacket& packet = raw.packet;
    const wire::TcpSegment& segment = packet.segment;
    const auto seq = client_.numbers.at(segment.seq);
    packet.seq = seq.value_or(0);
    packet.exceeds_window = !seq || (server_edge_ > 0 && packet.end() > server_edge_);
    if (segment.flags.syn() && !segment.flags.ack()) syn_ = packet.stamp;
    const bool is_sane = seq && !raw.is_doubtful && believe(client_, *seq, packet);
    if (!is_sane) packet.exceeds_window = true;
    if (segment.flags.ack() && !raw.is_doubtful) client_acknowledges(packet);
    if (is_sane && !segment.flags.rst()) {  // anybody can send a RST of any number
        skip_to(client_, packet.seq, packet);
        mark(client_, packet.end(), packet.stamp);
        if (segment.flags.fin() && !client_.fin) client_.fin = packet.end() - 1;
        note_text(client_pieces_, packet.seq, packet);
        const std::uint64_t begin = std::max<std::uint64_t>(packet.seq + (segment.flags.syn() ? 1 : 0), 1);
        if (segment.payload_length > 0) brought_.push_back({begin - 1, begin - 1 + segment.payload_length});
    }
    if (!raw.is_doubtful) {
        into_.client_ends |= segment.flags.fin() || segment.flags.rst();
        into_.is_reset |= segment.flags.rst();
    }
    into_.client_packets.push_back(std::move(packet));
}

void Trace::client_acknowledges(RecordedPacket& packet) {
    const wire::TcpSegment& segment = packet.segment;
    if (!client_has_acknowledged_) stood_ = packet.stamp;
    client_has_acknowledged_ = true;
    if (segment.seg_len() == 0) last_pure_ack_ = packet.stamp;
    const auto acknowledged = server_.numbers.at(segment.ack);
    if (!into_.has_syn_ack && acknowledged.value_or(0) == 0)
        into_.notes.push_back({packet.number, NoteKind::EarlyAck});
    if (!acknowledged || !believe(server_, *acknowledged, packet)) return;
    std::uint64_t known = *acknowledged;
    bool reports_above = false;
    for (std::uint8_t i = 0; i < segment.options.sack_count; ++i) {
        const auto right = server_.numbers.at(segment.options.sack[i].right);
        if (!right || *right <= *acknowledged || !believe(server_, *right, packet)) continue;
        known = std::max(known, *right);
        reports_above = true;
    }
    if (*acknowledged == known) skip_to(server_, known, packet);
    server_is_known_to(known, packet);
    if (known > client_known_) {
        packet.waits_for = known;
        packet.reaction = packet.stamp - when(server_, known);
        client_known_ = known;
    }
    if (*acknowledged > client_ack_) {
        wait_for_again(packet, *acknowledged);
    } else if (*acknowledged == client_ack_ &&
               (reports_above || (segment.seg_len() == 0 && server_.numbers.highest > client_ack_))) {
        ++duplicates_;
    }
}

// RFC 5681 3.2, RFC 6675 5: the client told that something was missing, the server sent it again, and this
// ACK says that it has come. A stretch of waiting for less than that would tell Terminus of a loss that
// mended itself.
void Trace::wait_for_again(RecordedPacket& packet, std::uint64_t acknowledged) {
    if (resent_) {
        packet.waits_for_again = client_ack_;
        const base::Duration since =
            packet.waits_for > 0 ? std::max(*resent_, packet.stamp - packet.reaction) : *resent_;
        packet.reaction = packet.stamp - since;
    }
    client_ack_ = acknowledged;
    duplicates_ = 0;
    resent_.reset();
}

void Trace::from_server(const RawPacket& raw) {
    const RecordedPacket& packet = raw.packet;
    const wire::TcpSegment& segment = packet.segment;
    if (segment.flags.syn() && syn_) distance_ = packet.stamp - *std::exchange(syn_, std::nullopt);
    if (segment.flags.ack()) server_acknowledges(packet);
    if (segment.flags.rst()) {
        into_.server_ends = true;
        into_.is_reset = true;
        server_is_over_ = true;
        ResponseScript::Sent sent = sent_by(packet);
        // A RST answers what came last, and what made it need not be acknowledged by it.
        sent.received = client_.numbers.highest;
        sent.cause = when(client_, sent.received);
        script_.reset(sent);
        return;
    }
    const auto seq = server_.numbers.at(segment.seq);
    if (!seq || server_is_over_ || !believe(server_, *seq, packet)) return;
    server_sends(packet, *seq);
}

void Trace::server_sends(const RecordedPacket& packet, std::uint64_t seq) {
    const wire::TcpSegment& segment = packet.segment;
    const std::uint64_t end = seq + segment.seg_len();
    if (duplicates_ > 0 && seq <= client_ack_ && client_ack_ < end && server_.numbers.highest > client_ack_)
        resent_ = packet.stamp;
    note_text(server_pieces_, seq, packet);
    server_text_.push_back({seq, end});
    const std::uint64_t text_end = end - (segment.flags.fin() ? 1 : 0);
    server_is_known_to(text_end, packet);
    if (!segment.flags.fin() || server_.fin) return;
    server_.fin = text_end;
    into_.server_ends = true;
    script_.fin(sent_by(packet));
    mark(server_, end, packet.stamp);
}

// What the server sent is known by its own packets, and where those weren't captured by the client's.
void Trace::server_is_known_to(std::uint64_t end, const RecordedPacket& by) {
    const std::uint64_t begin = std::max<std::uint64_t>(server_.numbers.highest, 1);
    if (end <= server_.numbers.highest) return;
    if (end > begin) script_.text(begin - 1, end - begin, sent_by(by));
    mark(server_, end, by.stamp);
    last_pure_ack_.reset();
}

ResponseScript::Sent Trace::sent_by(const RecordedPacket& packet) const {
    ResponseScript::Sent sent;
    sent.packet = packet.number;
    sent.stamp = packet.stamp;
    sent.received = std::max<std::uint64_t>(server_ack_, 1);
    sent.cause = sent.received > 1 ? when(client_, sent.received) : stood_;
    sent.is_clocked = last_pure_ack_ && packet.stamp - *last_pure_ack_ <= distance_ + kReaction;
    return sent;
}

void Trace::server_acknowledges(const RecordedPacket& packet) {
    const auto acknowledged = client_.numbers.at(packet.segment.ack);
    if (!acknowledged || !believe(client_, *acknowledged, packet)) return;
    skip_to(client_, *acknowledged, packet);
    mark(client_, *acknowledged, packet.stamp);
    server_ack_ = std::max(server_ack_, *acknowledged);
    if (!server_.has_syn) return;  // nobody knows how the window is scaled
    const bool is_syn = packet.segment.flags.syn();
    const std::uint8_t scale = is_syn ? 0 : std::min(into_.negotiated.server_scale.value_or(0), kScaleMax);
    server_edge_ = std::max(server_edge_, *acknowledged + (std::uint64_t{packet.segment.window} << scale));
}

/// Whether an end can have sent all before `begin`, which the capture needn't have.
bool Trace::believe(End& end, std::uint64_t begin, const RecordedPacket& packet) {
    if (begin <= end.numbers.highest) return true;
    const std::uint64_t hole = begin - end.numbers.highest;
    if (hole > holes_left_) {
        into_.notes.push_back({packet.number, NoteKind::NumberImpossible});
        return false;
    }
    holes_left_ -= hole;
    if (&end == &server_) server_holes_.push_back({{end.numbers.highest, begin}, packet.number});
    return true;
}

// What the capture hasn't is told by the numbers behind it.
void Trace::skip_to(End& end, std::uint64_t number, const RecordedPacket& by) {
    if (number == end.numbers.highest + 1 && number > 1) end.lone = {number - 1, sent_by(by)};
}

// A last number without text is a FIN rather than a byte.
bool Trace::takes_lone_for_fin(End& end) {
    if (end.fin || !end.lone || end.lone->number + 1 != end.numbers.highest) return false;
    end.fin = end.lone->number;
    into_.notes.push_back({end.lone->sent.packet, NoteKind::FinMissing});
    return true;
}

void Trace::finish() {
    if (takes_lone_for_fin(client_)) {
        lost_fin_ = client_.fin;
        into_.client_ends = true;
    }
    if (takes_lone_for_fin(server_)) {
        script_.fin(server_.lone->sent);
        into_.server_ends = true;
        std::erase_if(server_holes_, [&](const auto& hole) { return hole.first.begin == *server_.fin; });
    }
    note_holes();
    std::vector<RecordedStream::Piece> doubtful;
    for (const RawPacket& raw : raw_.packets) {
        if (raw.is_doubtful && !raw.is_from_client) note_text(doubtful, raw.packet.seq, raw.packet);
    }
    const std::uint64_t request = request_length();
    const std::uint64_t response_end = server_.fin.value_or(server_.numbers.highest);
    const std::uint64_t response = response_end > 0 ? response_end - 1 : 0;
    into_.request = RecordedStream(std::move(client_pieces_), {}, request);
    into_.response = RecordedStream(std::move(server_pieces_), std::move(doubtful), response);
    into_.steps = std::move(script_).finish(client_.fin, request, response);
}

// What the server acknowledged, and what can be read on from there: text behind a hole reached nobody.
std::uint64_t Trace::request_length() {
    std::sort(brought_.begin(), brought_.end(),
              [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    std::uint64_t length = std::max<std::uint64_t>(server_ack_, 1) - 1;
    for (const Extent& extent : brought_) {
        if (extent.begin > length) break;
        length = std::max(length, extent.end);
    }
    return client_.fin ? std::min(length, *client_.fin - 1) : length;
}

// What a later packet brought after all was late, or came again.
void Trace::note_holes() {
    std::sort(server_text_.begin(), server_text_.end(),
              [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    auto text = server_text_.begin();
    std::uint64_t known = 1;
    for (const auto& [hole, packet] : server_holes_) {
        for (; text != server_text_.end() && text->begin <= std::max(known, hole.begin); ++text)
            known = std::max(known, text->end);
        while (text != server_text_.end() && text->begin <= known && known < hole.end)
            known = std::max(known, (text++)->end);
        if (known < hole.end) into_.notes.push_back({packet, NoteKind::ResponseHole});
    }
}

void Trace::mark(End& end, std::uint64_t to, base::Duration stamp) {
    if (to <= end.numbers.highest) return;
    end.numbers.raise(to);
    end.marks.push_back({to, stamp});
}

/// When an end had sent all before `number`, which is not above its highest.
base::Duration Trace::when(const End& end, std::uint64_t number) {
    const auto mark = std::lower_bound(end.marks.begin(), end.marks.end(), number,
                                       [](const Mark& at, std::uint64_t than) { return at.end < than; });
    return mark == end.marks.end() ? base::Duration{} : mark->stamp;
}

void Trace::note_text(std::vector<RecordedStream::Piece>& into, std::uint64_t seq,
                      const RecordedPacket& packet) {
    const std::uint64_t begin = seq + (packet.segment.flags.syn() ? 1 : 0);
    if (begin >= 1 && !packet.payload.empty()) into.push_back({begin - 1, packet.payload});
}

}  // namespace terminus::capture
