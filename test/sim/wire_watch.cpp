#include "wire_watch.hpp"

#include <rte_mbuf.h>

#include <algorithm>
#include <cstdio>

#include "tcp/sequence_space.hpp"
#include "tcp/tunables.hpp"
#include "wire/protocol.hpp"

namespace terminus::simulation {
namespace {

std::string flags_of(wire::TcpFlags flags) {
    std::string text;
    for (const auto& [bit, letter] :
         std::initializer_list<std::pair<std::uint8_t, char>>{{wire::TcpFlags::kSyn, 'S'},
                                                              {wire::TcpFlags::kFin, 'F'},
                                                              {wire::TcpFlags::kRst, 'R'},
                                                              {wire::TcpFlags::kPsh, 'P'},
                                                              {wire::TcpFlags::kEce, 'E'},
                                                              {wire::TcpFlags::kCwr, 'W'},
                                                              {wire::TcpFlags::kAck, '.'}}) {
        if ((flags.bits & bit) != 0) text += letter;
    }
    return text;
}

}  // namespace

WireWatch::Birth* WireWatch::Way::life_of(wire::SeqNum seq) {
    // Of two that begin near each other, as SYN cookies may, the one that begins last before it.
    Birth* nearest = nullptr;
    for (Birth& life : births) {
        if (!seq.in_window(life.iss, length + 3)) continue;  // SYN, FIN, and the number behind it
        if (nearest == nullptr || seq - life.iss <= seq - nearest->iss) nearest = &life;
    }
    return nearest;
}

WireWatch::Birth* WireWatch::Way::acknowledged_by(wire::SeqNum ack) {
    for (auto life = births.rbegin(); life != births.rend(); ++life) {
        if (ack.in_window(life->iss, life->end - life->iss + 1)) return &*life;
    }
    return nullptr;
}

void WireWatch::fail(const std::string& what) {
    verdict_.fail("on the wire from " + named_.local.to_string() + " to " + named_.remote.to_string() + ": " +
                  what);
}

void WireWatch::sent(sim::Direction direction, const packet::Buffer& frame, base::Instant now) {
    bytes_.clear();
    for (const rte_mbuf* segment = frame.get(); segment != nullptr; segment = segment->next) {
        const auto* const data = rte_pktmbuf_mtod(segment, const std::uint8_t*);
        bytes_.insert(bytes_.end(), data, data + segment->data_len);
    }
    // What the device finishes is not there yet; the receiver verifies it.
    if ((frame.get()->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0) {
        const base::MutableBytes header(&bytes_[frame.get()->l2_len], frame.get()->l3_len);
        base::store_be16(&header[10], wire::finish(wire::sum(header)));
    }
    const auto parsed = wire::parse_frame(bytes_, static_cast<std::uint32_t>(bytes_.size()));
    const bool is_trusted = distrusted_ != direction;
    const auto malformed = [&](const char* what) {
        if (is_trusted) verdict_.fail(std::string("a machine sent ") + what);
    };
    if (!parsed) return malformed("a frame that is malformed");
    const wire::Frame& header = parsed.value();
    if (header.ether_type == wire::kEtherTypeArp || header.protocol != wire::kProtocolTcp) return;
    if (header.is_fragment) return malformed("a fragment");
    const base::Bytes l4 = base::Bytes(bytes_).subspan(header.l4_offset, header.l4_length);
    const auto tcp = wire::parse_tcp(l4, l4.size());
    if (!tcp) return malformed("a TCP header that is malformed");
    ++segments_;
    const wire::TcpSegment& segment = tcp.value();
    named_ = {{header.source, segment.source_port}, {header.destination, segment.destination_port}};
    is_trusted ? check(segment, l4.subspan(segment.header_length)) : note(segment);
    if (traces_) trace(direction, segment, now);
}

void WireWatch::check(const wire::TcpSegment& segment, base::Bytes payload) {
    Way& way = ways_[{named_.local, named_.remote}];
    Way& back = ways_[{named_.remote, named_.local}];
    if (segment.flags.rst()) return;  // its numbers are the offending segment's
    if (segment.flags.syn()) begin(way, segment, true);
    Birth* const life = way.life_of(segment.seq);
    if (life == nullptr) {
        // A SYN that found no buffer was not seen here; an ACK that takes no number may follow it, or be of a
        // life that ended. Text and FIN need an answer to it first.
        if (!payload.empty() || segment.flags.fin()) fail("its numbers are of no SYN");
        return;
    }
    if (segment.flags.ack() && !back.births.empty()) check_ack(way, back, segment);
    check_text(way, back, *life, segment, payload);
    life->text += payload.size();
    life->end = wire::latest(life->end, segment.seq + segment.seg_len());
}

// Whatever a stack may believe of it counts as said.
void WireWatch::note(const wire::TcpSegment& segment) {
    Way& way = ways_[{named_.local, named_.remote}];
    Way& back = ways_[{named_.remote, named_.local}];
    if (segment.flags.rst()) return;
    if (segment.flags.syn()) begin(way, segment, false);
    way.is_trusted = false;
    const wire::SeqNum end = segment.seq + segment.seg_len();
    for (Birth& life : way.births) {
        if (end.in_window(life.iss, kLengthMax)) life.end = wire::latest(life.end, end);
    }
    if (!segment.flags.ack()) return;
    // What is not sent yet may be by the time that the stack reads of it.
    constexpr std::uint32_t kSoon = 1u << 18;
    const std::uint8_t scale = std::max(way.scale.value_or(0), scale_min_);
    const wire::SeqNum edge = segment.ack + (std::uint32_t{segment.window} << scale);
    for (Birth& life : back.births) {
        if (segment.ack.in_window(life.iss, life.end - life.iss + kSoon))
            life.edge = life.edge ? wire::latest(*life.edge, edge) : edge;
    }
}

// Of several SYNs of a hostile peer the stack may have taken any.
void WireWatch::begin(Way& way, const wire::TcpSegment& segment, bool is_trusted) {
    if (way.births.empty() || way.births.back().iss != segment.seq) {
        way.births.push_back({segment.seq, segment.seq, {}});
        if (!announced_.empty()) {
            way.stream.reset();
            way.length = kLengthMax;
        }
    }
    const std::uint16_t mss = segment.options.mss.value_or(tcp::default_mss(!named_.local.address.is_v4()));
    way.mss = is_trusted ? mss : std::max({way.mss, mss, tcp::Tunables{}.min_snd_mss});
    if (is_trusted) way.scale.reset();
    if (!segment.options.window_scale) return;
    const std::uint8_t scale = std::min(*segment.options.window_scale, tcp::kScaleMax);
    way.scale = std::max(way.scale.value_or(0), scale);
}

// Streams that nobody expected have their names in front.
void WireWatch::learn(Way& way, std::uint32_t place, base::Bytes payload) {
    if (way.stream || announced_.empty() || place != 0 || payload.size() < Stream::kNameBytes) return;
    const std::uint64_t name = Stream::name_in(payload);
    const auto after = announced_.upper_bound(name);
    if (after == announced_.begin() || name - std::prev(after)->first >= std::prev(after)->second.count)
        return fail("a stream begins that nobody sends");
    way.stream.emplace(name);
    way.length = std::prev(after)->second.length;
}

std::uint64_t WireWatch::text_sent(const wire::Endpoint& from, const wire::Endpoint& to,
                                   wire::SeqNum iss) const {
    const auto way = ways_.find({from, to});
    if (way == ways_.end()) return 0;
    for (const Birth& birth : way->second.births) {
        if (birth.iss == iss) return birth.text;
    }
    return 0;
}

void WireWatch::check_text(Way& way, const Way& back, const Birth& life, const wire::TcpSegment& segment,
                           base::Bytes payload) {
    const std::uint32_t place = segment.seq + (segment.flags.syn() ? 1u : 0u) - life.iss - 1;
    if (!payload.empty()) {
        learn(way, place, payload);
        if (!way.stream && announced_.empty()) return fail("text was sent where nobody has a stream");
        if (place > way.length || way.length - place < payload.size())
            return fail("text was sent that is not of the stream");
        if (way.stream && !way.stream->matches(place, payload))
            return fail("other bytes were sent than the stream's");
        const std::size_t options = segment.header_length - wire::kTcpHeaderMin;
        if (!back.births.empty() && payload.size() + options > back.mss)
            fail("a segment is longer than the peer's MSS");
    }
    if (segment.flags.fin() && way.stream && place + payload.size() != way.length)
        fail("the FIN is not behind the last byte");
    // A FIN needs no room.
    const wire::SeqNum end = segment.seq + static_cast<std::uint32_t>(payload.size());
    if (!payload.empty() && life.edge && !segment.flags.syn() && end.after(*life.edge))
        fail("text was sent beyond the window");
}

void WireWatch::check_ack(const Way& way, Way& back, const wire::TcpSegment& segment) {
    Birth* life = back.acknowledged_by(segment.ack);
    if (life == nullptr) return fail("what was never sent is acknowledged");
    // Of the lives that a hostile peer pretends any may be the one that is meant.
    for (Birth& other : back.births) {
        const bool is_meant = !back.is_trusted && segment.ack.in_window(other.iss, kLengthMax);
        if (is_meant && other.end.after(life->end)) life = &other;
    }
    for (std::size_t i = 0; i < segment.options.sack_count; ++i) {
        const wire::SackBlock& block = segment.options.sack[i];
        if (i == 0 && !back.is_trusted && block.right.at_or_before(segment.ack)) continue;  // RFC 2883
        if (!block.right.after(block.left) || block.right.after(life->end))
            fail("a SACK block reports what was never sent");
    }
    const bool is_scaled = way.scale && back.scale && !segment.flags.syn();
    const std::uint32_t window = std::uint32_t{segment.window} << (is_scaled ? *way.scale : 0);
    const wire::SeqNum edge = segment.ack + window;
    life->edge = life->edge ? wire::latest(*life->edge, edge) : edge;
}

void WireWatch::trace(sim::Direction direction, const wire::TcpSegment& segment, base::Instant now) {
    const auto iss_of = [&](const wire::Endpoint& from, const wire::Endpoint& to) {
        const Way& way = ways_[{from, to}];
        return way.births.empty() ? wire::SeqNum{} : way.births.back().iss;
    };
    const wire::SeqNum own = iss_of(named_.local, named_.remote);
    const wire::SeqNum peers = iss_of(named_.remote, named_.local);
    std::printf("%12.6f %s %u > %u %s %u(%u) ack %u win %u",
                static_cast<double>(now.time_since_epoch().count()) / 1e9,
                direction == sim::Direction::AToB ? "A>B" : "B>A", unsigned{segment.source_port},
                unsigned{segment.destination_port}, flags_of(segment.flags).c_str(), segment.seq - own,
                segment.payload_length, segment.flags.ack() ? segment.ack - peers : 0u,
                unsigned{segment.window});
    for (std::size_t i = 0; i < segment.options.sack_count; ++i)
        std::printf(" sack %u:%u", segment.options.sack[i].left - peers,
                    segment.options.sack[i].right - peers);
    if (segment.flags.syn() && segment.options.window_scale)
        std::printf(" wscale %u", unsigned{*segment.options.window_scale});
    std::printf("\n");
}

}  // namespace terminus::simulation
