// The crowd's frames, as it writes and reads them.
#include <rte_mbuf.h>

#include <cstring>
#include <stdexcept>

#include "crowd.hpp"
#include "text.hpp"
#include "wire/arp.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/frame.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/nd.hpp"
#include "wire/protocol.hpp"
#include "wire/tcp.hpp"

namespace terminus::bench {
namespace {

constexpr std::uint8_t kSyn = wire::TcpFlags::kSyn;
constexpr std::uint8_t kAck = wire::TcpFlags::kAck;
constexpr std::uint8_t kFin = wire::TcpFlags::kFin;

constexpr std::uint32_t kL2 = wire::kEthernetHeader;
constexpr std::uint32_t kTimestampOptions = 12;
constexpr std::uint32_t kNetBits = 20;

/// The last four bytes of an address, by which it is known; IPv4's are all it has.
std::uint32_t low_bytes(Landscape::Net net, std::uint32_t index) {
    return 10u << 24 | net << kNetBits | index;
}

wire::IpAddress address_of(bool is_v6, std::uint32_t low) {
    if (!is_v6) return wire::IpAddress::v4(low);
    std::array<std::uint8_t, 16> bytes{0xfd};
    base::store_be32(&bytes[12], low);
    return wire::IpAddress::v6(bytes);
}

}  // namespace

wire::IpAddress Landscape::address(Net net, std::uint32_t index) const {
    return address_of(is_v6, low_bytes(net, index));
}

void Crowd::make_templates() {
    const std::uint32_t l4 = wire::kTcpHeaderMin + kTimestampOptions;
    for (const Side side : {kClient, kBackend}) {
        std::uint8_t* const at = templates_[side].data();
        const wire::IpAddress from = side == kClient ? landscape_.client(0) : landscape_.backend(0);
        const wire::IpAddress to = side == kClient ? landscape_.service() : landscape_.source(0);
        wire::write_ethernet({device_.mac(), Landscape::router_mac(),
                              landscape_.is_v6 ? wire::kEtherTypeIpv6 : wire::kEtherTypeIpv4},
                             {at, kL2});
        if (landscape_.is_v6) {
            wire::Ipv6Header header{.source = from, .destination = to, .next_header = wire::kProtocolTcp};
            wire::write_ipv6(header, {at + kL2, wire::kIpv6Header});
        } else {
            wire::Ipv4Header header{.source = from, .destination = to, .protocol = wire::kProtocolTcp};
            header.dont_fragment = true;
            wire::write_ipv4(header, {at + kL2, wire::kIpv4Header});
            base::store_be16(at + kL2 + 10, 0);
            std::memset(at + kL2 + 2, 0, 2);
            std::memset(at + kL2 + 12, 0, 8);
            template_sums_[side] = static_cast<std::uint32_t>(wire::sum({at + kL2, wire::kIpv4Header}));
        }
        wire::TcpHeader header{.source_port = Landscape::kBackendPort,
                               .destination_port = Landscape::kServicePort,
                               .window = 0xffff};
        header.options.timestamps = wire::TcpTimestamps{};
        wire::write_tcp(header, {at + kL2 + l3_bytes(), l4});
    }
}

bool Crowd::is_tcp(const rte_mbuf& mbuf) const {
    const auto* const at = rte_pktmbuf_mtod(&mbuf, const std::uint8_t*);
    return base::load_be16(at + 12) != wire::kEtherTypeArp &&
           at[kL2 + (landscape_.is_v6 ? 6 : 9)] == wire::kProtocolTcp;
}

// ARP and neighbour discovery: the router is there.
void Crowd::answer_neighbour_question(const rte_mbuf& mbuf) {
    const base::Bytes frame{rte_pktmbuf_mtod(&mbuf, const std::uint8_t*), mbuf.data_len};
    if (base::load_be16(frame.data() + 12) == wire::kEtherTypeArp) {
        const auto question = wire::parse_arp(frame.subspan(kL2));
        if (!question || question.value().target != landscape_.router()) return;
        std::uint8_t* const at = device_.arrive(wire::kEthernetFrameMin);
        wire::write_ethernet({device_.mac(), Landscape::router_mac(), wire::kEtherTypeArp}, {at, kL2});
        wire::write_arp({.operation = wire::ArpOperation::Reply,
                         .sender_mac = Landscape::router_mac(),
                         .sender = landscape_.router(),
                         .target_mac = question.value().sender_mac,
                         .target = question.value().sender},
                        {at + kL2, wire::kArpLength});
        return;
    }
    const std::uint32_t l4 = kL2 + wire::kIpv6Header;
    if (!landscape_.is_v6 || frame.size() < l4 + 24 || frame[l4] != 135) return;
    wire::NdMessage answer{.kind = wire::NdKind::Advertisement,
                           .target = landscape_.router(),
                           .link_address = Landscape::router_mac(),
                           .router = true,
                           .solicited = true,
                           .override = true};
    std::uint8_t* const at = device_.arrive(l4 + wire::kNdLengthMax);
    wire::write_ethernet({device_.mac(), Landscape::router_mac(), wire::kEtherTypeIpv6}, {at, kL2});
    const auto length = static_cast<std::uint16_t>(
        wire::write_nd(answer, landscape_.router(), landscape_.own(), {at + l4, wire::kNdLengthMax}));
    wire::write_ipv6({.source = landscape_.router(),
                      .destination = landscape_.own(),
                      .next_header = wire::kProtocolIcmpv6,
                      .hop_limit = wire::kNdHopLimit,
                      .payload_length = length},
                     {at + kL2, wire::kIpv6Header});
}

// What the worker sends is as regular as what is sent to it: timestamps first, after MSS and SACK-permitted
// in a SYN. An address is known by its last four bytes.
Crowd::Seen Crowd::read(const rte_mbuf& mbuf) const {
    const auto* const at = rte_pktmbuf_mtod(&mbuf, const std::uint8_t*);
    const std::uint8_t* const l4 = at + kL2 + l3_bytes();
    const std::uint32_t source = base::load_be32(at + kL2 + (landscape_.is_v6 ? 20 : 12));
    const std::uint32_t destination = base::load_be32(at + kL2 + (landscape_.is_v6 ? 36 : 16));
    const std::uint32_t mask = (1u << kNetBits) - 1;
    Seen seen{};
    seen.frame = &mbuf;
    seen.flags = l4[13];
    seen.seq = base::load_be32(l4 + 4);
    seen.ack = base::load_be32(l4 + 8);
    seen.timestamp = base::load_be32(l4 + ((seen.flags & kSyn) != 0 ? 28 : 24));
    seen.text = mbuf.pkt_len - kL2 - l3_bytes() - (l4[12] >> 4) * 4u;
    if ((destination >> kNetBits & 0xf) == Landscape::kClients) {
        seen.side = kClient;
        seen.index = (destination & mask) * Landscape::kClientPorts + base::load_be16(l4 + 2) -
                     Landscape::kClientPortFirst;
    } else {
        seen.side = kBackend;
        seen.index =
            ((destination & mask) * landscape_.sources + (source & mask)) * 65536 + base::load_be16(l4);
    }
    if (seen.index >= peers_[seen.side].size())
        throw std::runtime_error("the worker sent a segment to nobody");
    return seen;
}

std::uint32_t Crowd::text_offset(const Seen& seen) {
    return seen.frame->pkt_len - seen.text;
}

void Crowd::send(Side side, std::uint32_t index, std::uint8_t flags, std::uint32_t text,
                 std::uint32_t connection) {
    Peer& peer = peers_[side][index];
    const std::uint32_t l3 = l3_bytes();
    const bool is_syn = (flags & kSyn) != 0;
    const std::uint32_t l4 = wire::kTcpHeaderMin + (is_syn ? kSynOptions : kTimestampOptions);
    std::uint8_t* const at = device_.arrive(kL2 + l3 + l4 + text);
    std::memcpy(at, templates_[side].data(), kL2 + l3 + wire::kTcpHeaderMin + kTimestampOptions);

    std::uint32_t source = 0, destination = 0;
    std::uint16_t source_port = 0, destination_port = 0;
    if (side == kClient) {
        source = low_bytes(Landscape::kClients, index / Landscape::kClientPorts);
        destination = low_bytes(Landscape::kServices, 1);
        source_port =
            static_cast<std::uint16_t>(Landscape::kClientPortFirst + index % Landscape::kClientPorts);
        destination_port = Landscape::kServicePort;
    } else {
        const std::uint32_t pair = index / 65536;
        source = low_bytes(Landscape::kBackends, pair / landscape_.sources);
        destination = low_bytes(Landscape::kSources, pair % landscape_.sources);
        source_port = Landscape::kBackendPort;
        destination_port = static_cast<std::uint16_t>(index % 65536);
    }
    std::uint8_t* const ip = at + kL2;
    if (landscape_.is_v6) {
        base::store_be16(ip + 4, static_cast<std::uint16_t>(l4 + text));
        base::store_be32(ip + 20, source);
        base::store_be32(ip + 36, destination);
    } else {
        const std::uint32_t total = l3 + l4 + text;
        base::store_be16(ip + 2, static_cast<std::uint16_t>(total));
        base::store_be32(ip + 12, source);
        base::store_be32(ip + 16, destination);
        base::store_be16(ip + 10,
                         wire::finish(std::uint64_t{template_sums_[side]} + total + (source >> 16) +
                                      (source & 0xffff) + (destination >> 16) + (destination & 0xffff)));
    }
    std::uint8_t* const tcp = ip + l3;
    base::store_be16(tcp, source_port);
    base::store_be16(tcp + 2, destination_port);
    base::store_be32(tcp + 4, peer.next);
    base::store_be32(tcp + 8, (flags & kAck) != 0 ? peer.expected : 0);
    tcp[13] = flags;
    std::uint8_t* timestamps = tcp + 24;
    if (is_syn) {
        tcp[12] = static_cast<std::uint8_t>(l4 / 4 << 4);
        const std::uint16_t mss = landscape_.is_v6 ? 1440 : 1460;
        const std::uint8_t options[kSynOptions] = {2,
                                                   4,
                                                   static_cast<std::uint8_t>(mss >> 8),
                                                   static_cast<std::uint8_t>(mss & 255),
                                                   4,
                                                   2,
                                                   8,
                                                   10,
                                                   0,
                                                   0,
                                                   0,
                                                   0,
                                                   0,
                                                   0,
                                                   0,
                                                   0,
                                                   1,
                                                   3,
                                                   3,
                                                   10};
        std::memcpy(tcp + wire::kTcpHeaderMin, options, kSynOptions);
        timestamps = tcp + 28;
    }
    base::store_be32(timestamps, now_ms_);
    base::store_be32(timestamps + 4, peer.echo);
    if (text > 0 && manners_.has_own_text)
        write_text(side == kClient ? TextOf::Request : TextOf::Response, connection, tcp + l4, text);
    text_sent_[side] += text;
    peer.next += text + ((flags & (kSyn | kFin)) != 0 ? 1 : 0);
    if ((flags & kFin) != 0) peer.has_sent_fin = true;
    if (!device_.capabilities().rx_checksum) {
        base::store_be16(tcp + 16, wire::l4_checksum(address_of(landscape_.is_v6, source),
                                                     address_of(landscape_.is_v6, destination),
                                                     wire::kProtocolTcp, {tcp, l4 + text}));
    }
    ++frames_to_worker_;
}

}  // namespace terminus::bench
