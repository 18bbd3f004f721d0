#include "sim/gateway.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/frame.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv6.hpp"
#include "wire/nd.hpp"
#include "wire/protocol.hpp"

namespace terminus::sim {
namespace {

using Octets = std::vector<std::uint8_t>;

// Types 133 … 137: routers', neighbours' and redirects (RFC 4861 4).
constexpr std::uint8_t kNdFirst = 133, kNdLast = 137;

Octets flatten(const packet::Buffer& frame) {
    Octets bytes;
    for (const rte_mbuf* segment = frame.get(); segment != nullptr; segment = segment->next) {
        const auto* const data = rte_pktmbuf_mtod(segment, const std::uint8_t*);
        bytes.insert(bytes.end(), data, data + segment->data_len);
    }
    return bytes;
}

Octets answer_arp(base::Bytes message, const wire::MacAddress& asker) {
    const auto arp = wire::parse_arp(message);
    if (!arp || arp.value().operation != wire::ArpOperation::Request) return {};
    if (arp.value().target == arp.value().sender || arp.value().sender.is_unspecified()) return {};
    Octets reply(wire::kEthernetHeader + wire::kArpLength);
    wire::write_ethernet({asker, Gateway::kMac, wire::kEtherTypeArp}, reply);
    wire::write_arp({wire::ArpOperation::Reply, Gateway::kMac, arp.value().target, arp.value().sender_mac,
                     arp.value().sender},
                    base::MutableBytes(reply).subspan(wire::kEthernetHeader));
    return reply;
}

Octets answer_solicitation(const wire::Frame& header, base::Bytes message) {
    const auto nd = wire::parse_nd(header.source, header.destination, header.hop_limit, message);
    if (!nd || nd.value().kind != wire::NdKind::Solicitation || header.source.is_unspecified()) return {};
    const wire::NdMessage advertisement{.kind = wire::NdKind::Advertisement,
                                        .target = nd.value().target,
                                        .link_address = Gateway::kMac,
                                        .solicited = true,
                                        .override = true};
    Octets body(wire::kNdLengthMax);
    body.resize(wire::write_nd(advertisement, nd.value().target, header.source, body));
    Octets reply(wire::kEthernetHeader + wire::kIpv6Header);
    wire::write_ethernet({header.source_mac, Gateway::kMac, wire::kEtherTypeIpv6}, reply);
    wire::write_ipv6({.source = nd.value().target,
                      .destination = header.source,
                      .next_header = wire::kProtocolIcmpv6,
                      .hop_limit = wire::kNdHopLimit,
                      .payload_length = static_cast<std::uint16_t>(body.size())},
                     base::MutableBytes(reply).subspan(wire::kEthernetHeader));
    reply.insert(reply.end(), body.begin(), body.end());
    return reply;
}

}  // namespace

Gateway::Heard Gateway::hear(const packet::Buffer& frame) {
    Octets bytes = flatten(frame);
    const auto parsed = wire::parse_frame(bytes, static_cast<std::uint32_t>(bytes.size()));
    if (parsed && parsed.value().ether_type == wire::kEtherTypeArp)
        return {.answer = answer_arp(base::Bytes(bytes).subspan(parsed.value().l3_offset),
                                     parsed.value().source_mac)};
    if (parsed && parsed.value().protocol == wire::kProtocolIcmpv6 && !parsed.value().is_fragment) {
        const base::Bytes message =
            base::Bytes(bytes).subspan(parsed.value().l4_offset, parsed.value().l4_length);
        if (!message.empty() && message[0] >= kNdFirst && message[0] <= kNdLast)
            return {.answer = answer_solicitation(parsed.value(), message)};
    }
    // A packet that even this end can't read is what a script must see.
    TERMINUS_ASSERT(bytes.size() > wire::kEthernetHeader, "the machine sends IP packets in Ethernet frames");
    bytes.erase(bytes.begin(), bytes.begin() + wire::kEthernetHeader);
    return {.packet = std::move(bytes)};
}

std::optional<std::vector<std::uint8_t>> Gateway::frame(base::Bytes packet, const wire::MacAddress& machine) {
    if (packet.empty()) return std::nullopt;
    const unsigned version = packet[0] >> 4;
    if (version != 4 && version != 6) return std::nullopt;
    Octets frame(wire::kEthernetHeader);
    wire::write_ethernet({machine, kMac, version == 4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6}, frame);
    frame.insert(frame.end(), packet.begin(), packet.end());
    return frame;
}

}  // namespace terminus::sim
