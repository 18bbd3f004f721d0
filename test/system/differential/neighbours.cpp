#include "neighbours.hpp"

#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/frame.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv6.hpp"
#include "wire/nd.hpp"

namespace terminus::differential {
namespace {

using Answer = std::optional<std::vector<std::uint8_t>>;

Answer answer_arp(const wire::MacAddress& mac, base::Bytes message) {
    const auto asked = wire::parse_arp(message);
    if (!asked || asked.value().operation != wire::ArpOperation::Request) return std::nullopt;
    const wire::ArpMessage& question = asked.value();
    // RFC 5227 1.1: a probe or an announcement asks whether somebody else has the address.
    if (question.sender == question.target || question.sender.is_unspecified()) return std::nullopt;
    std::vector<std::uint8_t> frame(wire::kEthernetHeader + wire::kArpLength);
    wire::write_ethernet({question.sender_mac, mac, wire::kEtherTypeArp}, frame);
    wire::write_arp({wire::ArpOperation::Reply, mac, question.target, question.sender_mac, question.sender},
                    base::MutableBytes(frame).subspan(wire::kEthernetHeader));
    return frame;
}

Answer answer_solicitation(const wire::MacAddress& mac, const wire::Frame& header, base::Bytes message) {
    const auto icmp = wire::parse_icmp(header.source, header.destination, message);
    if (!icmp || icmp.value().kind != wire::IcmpKind::NeighbourDiscovery) return std::nullopt;
    const auto asked = wire::parse_nd(header.source, header.destination, header.hop_limit, message);
    if (!asked || asked.value().kind != wire::NdKind::Solicitation) return std::nullopt;
    if (header.source.is_unspecified()) return std::nullopt;  // RFC 4862 5.4: it asks for duplicates
    constexpr std::size_t kHeaders = wire::kEthernetHeader + wire::kIpv6Header;
    std::vector<std::uint8_t> frame(kHeaders + wire::kNdLengthMax);
    const base::MutableBytes bytes(frame);
    const wire::IpAddress target = asked.value().target;
    const std::size_t length = wire::write_nd({.kind = wire::NdKind::Advertisement,
                                               .target = target,
                                               .link_address = mac,
                                               .solicited = true,
                                               .override = true},
                                              target, header.source, bytes.subspan(kHeaders));
    wire::Ipv6Header ip;
    ip.source = target;
    ip.destination = header.source;
    ip.next_header = wire::kProtocolIcmpv6;
    ip.hop_limit = wire::kNdHopLimit;
    ip.payload_length = static_cast<std::uint16_t>(length);
    wire::write_ipv6(ip, bytes.subspan(wire::kEthernetHeader));
    wire::write_ethernet({header.source_mac, mac, wire::kEtherTypeIpv6}, bytes);
    frame.resize(kHeaders + length);
    return frame;
}

}  // namespace

Answer answer_as(const wire::MacAddress& mac, base::Bytes frame) {
    const auto parsed = wire::parse_frame(frame, static_cast<std::uint32_t>(frame.size()));
    if (!parsed) return std::nullopt;
    const wire::Frame& header = parsed.value();
    if (header.ether_type == wire::kEtherTypeArp) return answer_arp(mac, frame.subspan(header.l3_offset));
    if (header.protocol == wire::kProtocolIcmpv6 && !header.is_fragment)
        return answer_solicitation(mac, header, frame.subspan(header.l4_offset, header.l4_length));
    return std::nullopt;
}

}  // namespace terminus::differential
