#include "stack/bench.hpp"

#include "sim/frame_copy.hpp"
#include "wire/arp.hpp"
#include "wire/icmp.hpp"
#include "wire/nd.hpp"

namespace terminus::stack::test {

using terminus::test::operator+;

namespace {

Octets with_addresses(const wire::IpAddress& from, const wire::IpAddress& to, std::uint8_t protocol,
                      const Octets& l4) {
    if (!from.is_v4()) return terminus::test::frame_v6(l4, protocol, from, to);
    wire::Ipv4Header header;
    header.source = from;
    header.destination = to;
    return terminus::test::frame_v4(l4, protocol, header);
}

}  // namespace

Bench::Bench(bool is_v6, HostOptions options) : is_v6_(is_v6) {
    options.number = kUs;
    host_ = std::make_unique<Host>(options, now_);
}

Octets Bench::frame(const Segment& segment) const {
    wire::TcpHeader header{.source_port = segment.from_port,
                           .destination_port = segment.to_port,
                           .seq = segment.seq,
                           .ack = segment.ack,
                           .flags = {segment.flags},
                           .window = segment.window,
                           .options = segment.options};
    Octets l4(wire::kTcpHeaderMax);
    l4.resize(wire::write_tcp(header, l4));
    l4.insert(l4.end(), segment.payload.begin(), segment.payload.end());
    base::store_be16(&l4[16], wire::l4_checksum(peer(segment.from), us(), wire::kProtocolTcp, l4));
    return ip_frame(wire::kProtocolTcp, l4, segment.from);
}

Octets Bench::ip_frame(std::uint8_t protocol, const Octets& l4, std::uint8_t from) const {
    return with_addresses(peer(from), us(), protocol, l4);
}

Octets Bench::icmp(std::uint8_t type, std::uint8_t code, std::uint32_t rest, base::Bytes body) const {
    Octets l4(wire::kIcmpHeader + body.size());
    wire::write_icmp({.type = type, .code = code, .rest = rest}, peer(), us(), body, l4);
    return ip_frame(is_v6_ ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp, l4);
}

void Bench::give_exactly(const Octets& bytes) {
    host_->port().arrive(terminus::test::make_buffer(bytes));
    turn();
}

Octets Bench::icmp_error(std::uint8_t type, std::uint8_t code, std::uint32_t rest, const Sent& quoted) const {
    const auto all = base::Bytes(quoted.bytes).subspan(wire::kEthernetHeader);
    return icmp(type, code, rest, all.first(std::min<std::size_t>(all.size(), 128)));
}

void Bench::give(const std::vector<Octets>& frames, std::uint16_t segment_bytes) {
    for (const Octets& bytes : frames) {
        packet::Buffer frame = sim::copy_bytes(bytes, terminus::test::pool(), segment_bytes);
        REQUIRE(frame);
        host_->port().arrive(std::move(frame));
    }
    turn();
}

void Bench::give(std::initializer_list<Segment> segments, std::uint16_t segment_bytes) {
    std::vector<Octets> frames;
    for (const Segment& segment : segments)
        frames.push_back(frame(segment));
    give(frames, segment_bytes);
}

Peer Bench::handshake(std::uint16_t port, std::uint8_t from) {
    Peer made{.seq = wire::SeqNum(7000u + port), .port = port, .from = from};
    turn();
    sent_.clear();
    Segment syn = made.segment(kSyn);
    syn.options.mss = 1460;
    give({syn});
    const Sent answer = sent_segment();
    REQUIRE(answer.tcp->flags.bits == (kSyn | kAck));
    made.seq += 1;
    made.ack = answer.tcp->seq + 1;
    give({made.segment(kAck)});
    return made;
}

Peer Bench::accept(std::uint8_t flags) {
    turn();
    std::vector<Sent> all = sent();
    REQUIRE_FALSE(all.empty());
    const wire::TcpSegment syn = *all.back().tcp;
    REQUIRE(syn.flags.bits == kSyn);
    Peer made{.seq = wire::SeqNum(9000), .ack = syn.seq + 1, .port = syn.destination_port};
    Segment answer = made.segment(flags);
    answer.to_port = syn.source_port;
    answer.options.mss = 1460;
    if (syn.options.timestamps) {
        answer.options.timestamps = {.value = 1, .echo_reply = syn.options.timestamps->value};
    }
    give({answer});
    made.seq += 1;
    return made;
}

wire::SeqNum Bench::iss(std::uint16_t from_port, std::uint16_t to_port) const {
    return tcp::initial_sequence(tcp::Secrets::from_seed(1), {{us(), to_port}, {peer(), from_port}}, now_);
}

std::vector<Sent> Bench::sent() {
    return std::exchange(sent_, {});
}

Sent Bench::sent_segment() {
    std::vector<Sent> all = sent();
    REQUIRE(all.size() == 1);
    REQUIRE(all[0].tcp);
    return all[0];
}

void Bench::turn() {
    host_->turn(now_);
    collect();
}

void Bench::advance(base::Duration span) {
    const base::Instant end = now_ + span;
    while (now_ < end) {
        const base::Instant next =
            host_->has_work() ? now_ + 1us : std::max(host_->next_deadline(), now_ + 1us);
        now_ = std::min(next, end);
        turn();
    }
}

void Bench::pause(base::Duration span) {
    now_ += span;
    turn();
}

void Bench::collect() {
    bool answered = true;
    while (answered) {
        answered = false;
        while (const auto frame = host_->port().take_transmitted()) {
            Sent one = read(sim::copy_frame(*frame, terminus::test::pool(), 0));
            if (answers_neighbours_ && answer(one)) {
                answered = true;
            } else {
                sent_.push_back(std::move(one));
            }
        }
        if (answered) host_->turn(now_);
    }
}

// A request for somebody else's address; announcements name our own as target.
bool Bench::answer(const Sent& question) {
    if (question.is_arp()) {
        const auto arp = wire::parse_arp(base::Bytes(question.bytes).subspan(question.frame.l3_offset));
        if (!arp || arp.value().operation != wire::ArpOperation::Request) return false;
        if (arp.value().target == arp.value().sender) return false;
        Octets reply(wire::kArpLength);
        wire::write_arp({wire::ArpOperation::Reply, terminus::test::kPeerMac, arp.value().target,
                         arp.value().sender_mac, arp.value().sender},
                        reply);
        host_->port().arrive(sim::copy_bytes(terminus::test::ethernet(wire::kEtherTypeArp) + reply,
                                             terminus::test::pool(), 0));
        return true;
    }
    if (question.frame.protocol != wire::kProtocolIcmpv6) return false;
    const auto nd = wire::parse_nd(question.frame.source, question.frame.destination,
                                   question.frame.hop_limit, question.l4());
    if (!nd || nd.value().kind != wire::NdKind::Solicitation) return false;
    Octets reply(wire::kNdLengthMax);
    const wire::IpAddress target = nd.value().target;
    reply.resize(wire::write_nd({.kind = wire::NdKind::Advertisement,
                                 .target = target,
                                 .link_address = terminus::test::kPeerMac,
                                 .solicited = true,
                                 .override = true},
                                target, question.frame.source, reply));
    host_->port().arrive(
        sim::copy_bytes(with_addresses(target, question.frame.source, wire::kProtocolIcmpv6, reply),
                        terminus::test::pool(), 0));
    return true;
}

Sent Bench::read(const packet::Buffer& frame) {
    Sent one;
    const std::string text = terminus::test::to_string(frame);
    one.bytes.assign(text.begin(), text.end());
    const auto parsed = wire::parse_frame(one.bytes, static_cast<std::uint32_t>(one.bytes.size()));
    REQUIRE(parsed.ok());
    one.frame = parsed.value();
    if (one.is_arp()) return one;
    REQUIRE(wire::l4_checksum_is_good(one.frame, one.l4()));
    if (one.frame.protocol != wire::kProtocolTcp) return one;
    const auto segment = wire::parse_tcp(one.l4(), one.frame.l4_length);
    REQUIRE(segment.ok());
    one.tcp = segment.value();
    const base::Bytes payload = one.l4().subspan(one.tcp->header_length);
    one.payload.assign(payload.begin(), payload.end());
    return one;
}

}  // namespace terminus::stack::test
