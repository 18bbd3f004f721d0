#include "wire_watch.hpp"

#include <rte_mbuf.h>

#include <algorithm>
#include <cstdio>

#include "tcp/sequence_space.hpp"
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
    for (auto life = births.rbegin(); life != births.rend(); ++life) {
        if (seq.in_window(life->iss, length + 3)) return &*life;  // SYN, FIN, and the number behind it
    }
    return nullptr;
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
    if (!parsed) return verdict_.fail("a machine sent a frame that is malformed");
    const wire::Frame& header = parsed.value();
    if (header.ether_type == wire::kEtherTypeArp || header.protocol != wire::kProtocolTcp) return;
    if (header.is_fragment) return verdict_.fail("a machine sent a fragment");
    const base::Bytes l4 = base::Bytes(bytes_).subspan(header.l4_offset, header.l4_length);
    const auto tcp = wire::parse_tcp(l4, l4.size());
    if (!tcp) return verdict_.fail("a machine sent a TCP header that is malformed");
    ++segments_;
    const wire::TcpSegment& segment = tcp.value();
    named_ = {{header.source, segment.source_port}, {header.destination, segment.destination_port}};
    check(segment, l4.subspan(segment.header_length));
    if (traces_) trace(direction, segment, now);
}

void WireWatch::check(const wire::TcpSegment& segment, base::Bytes payload) {
    Way& way = ways_[{named_.local, named_.remote}];
    Way& back = ways_[{named_.remote, named_.local}];
    if (segment.flags.rst()) return;  // its numbers are the offending segment's
    if (segment.flags.syn()) begin(way, segment);
    Birth* const life = way.life_of(segment.seq);
    if (life == nullptr) {
        // A SYN that found no buffer was not seen here; an ACK that takes no number may follow it, or be of a
        // life that ended. Text and FIN need an answer to it first.
        if (!payload.empty() || segment.flags.fin()) fail("its numbers are of no SYN");
        return;
    }
    if (segment.flags.ack() && !back.births.empty()) check_ack(way, back, segment);
    check_text(way, back, *life, segment, payload);
    life->end = wire::latest(life->end, segment.seq + segment.seg_len());
}

void WireWatch::begin(Way& way, const wire::TcpSegment& segment) {
    if (way.births.empty() || way.births.back().iss != segment.seq)
        way.births.push_back({segment.seq, segment.seq, {}});
    way.mss = segment.options.mss.value_or(tcp::default_mss(!named_.local.address.is_v4()));
    way.scale.reset();
    if (segment.options.window_scale) way.scale = std::min(*segment.options.window_scale, tcp::kScaleMax);
}

void WireWatch::check_text(const Way& way, const Way& back, const Birth& life,
                           const wire::TcpSegment& segment, base::Bytes payload) {
    const std::uint32_t place = segment.seq - life.iss - 1;
    if (!payload.empty() && !segment.flags.syn()) {
        if (!way.stream || place > way.length || way.length - place < payload.size())
            return fail("text was sent that is not of the stream");
        if (!way.stream->matches(place, payload)) return fail("other bytes were sent than the stream's");
        const std::size_t options = segment.header_length - wire::kTcpHeaderMin;
        if (!back.births.empty() && payload.size() + options > back.mss)
            fail("a segment is longer than the peer's MSS");
    }
    if (segment.flags.fin() && place + payload.size() != way.length)
        fail("the FIN is not behind the last byte");
    // A FIN needs no room.
    const wire::SeqNum end = segment.seq + segment.seg_len() - (segment.flags.fin() ? 1u : 0u);
    if (life.edge && !segment.flags.syn() && end.after(*life.edge)) fail("text was sent beyond the window");
}

void WireWatch::check_ack(const Way& way, Way& back, const wire::TcpSegment& segment) {
    Birth* const life = back.acknowledged_by(segment.ack);
    if (life == nullptr) return fail("what was never sent is acknowledged");
    for (std::size_t i = 0; i < segment.options.sack_count; ++i) {
        const wire::SackBlock& block = segment.options.sack[i];
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
    std::printf("\n");
}

}  // namespace terminus::simulation
