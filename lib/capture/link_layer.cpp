#include "capture/link_layer.hpp"

#include <pcap/pcap.h>

#include <algorithm>

#include "wire/ethernet.hpp"
#include "wire/protocol.hpp"

namespace terminus::capture {
namespace {

constexpr std::size_t kLoopbackHeader = 4, kCookedHeader = 16, kCooked2Header = 20;
constexpr std::uint8_t kBroadcast = 1, kMulticast = 2;

// Whatever is not IPv6 by its first four bits goes on as IPv4: to refuse it is the stack's to do, and to
// count. DLT_NULL's family is no help: its order is that of the machine that wrote it, and IPv6 is 10, 24, 28
// or 30 by the system.
Recorded bare(base::Bytes packet, const LinkAddresses& addresses) {
    const bool is_v6 = !packet.empty() && packet[0] >> 4 == 6;
    return {packet, is_v6 ? wire::kEtherTypeIpv6 : wire::kEtherTypeIpv4, addresses, std::nullopt};
}

// The group itself was not recorded; that it was one is what counts (RFC 9293 3.9.2.3, MUST-57).
wire::MacAddress group_of(std::uint16_t ether_type) {
    return ether_type == wire::kEtherTypeIpv6 ? wire::MacAddress{{0x33, 0x33}}
                                              : wire::MacAddress{{0x01, 0x00, 0x5e}};
}

LinkAddresses addresses_of(const SeenAt& seen_at, std::uint16_t ether_type, std::size_t length,
                           base::Bytes source, const LinkAddresses& otherwise) {
    LinkAddresses addresses = otherwise;
    wire::MacAddress own;
    if (length == own.bytes.size()) std::copy_n(source.begin(), own.bytes.size(), own.bytes.begin());
    if (!own.is_zero()) addresses.source = own;
    if (seen_at.packet_type == kBroadcast) addresses.destination = wire::MacAddress::broadcast();
    if (seen_at.packet_type == kMulticast) addresses.destination = group_of(ether_type);
    return addresses;
}

//     | packet type 2 | device type 2 | address length 2 | address 8 | protocol 2 |
Recorded cooked(base::Bytes bytes, const LinkAddresses& otherwise) {
    const SeenAt seen_at{0, bytes[1]};
    const std::uint16_t ether_type = base::load_be16(&bytes[14]);
    return {bytes.subspan(kCookedHeader), ether_type,
            addresses_of(seen_at, ether_type, base::load_be16(&bytes[4]), bytes.subspan(6), otherwise),
            seen_at};
}

//     | protocol 2 | 2 | interface 4 | device type 2 | packet type 1 | address length 1 | address 8 |
Recorded cooked2(base::Bytes bytes, const LinkAddresses& otherwise) {
    const SeenAt seen_at{base::load_be32(&bytes[4]), bytes[10]};
    const std::uint16_t ether_type = base::load_be16(&bytes[0]);
    return {bytes.subspan(kCooked2Header), ether_type,
            addresses_of(seen_at, ether_type, bytes[11], bytes.subspan(12), otherwise), seen_at};
}

std::size_t header_length(LinkType type) {
    switch (type) {
        case LinkType::Ethernet:
            return wire::kEthernetHeader;
        case LinkType::RawIp:
            return 0;
        case LinkType::Loopback:
            return kLoopbackHeader;
        case LinkType::Cooked:
            return kCookedHeader;
        case LinkType::Cooked2:
            return kCooked2Header;
    }
    return 0;
}

}  // namespace

std::optional<LinkType> link_type_of(int dlt) {
    switch (dlt) {
        case DLT_EN10MB:
            return LinkType::Ethernet;
        case DLT_RAW:
        case DLT_IPV4:
        case DLT_IPV6:
            return LinkType::RawIp;
        case DLT_NULL:
        case DLT_LOOP:
            return LinkType::Loopback;
        case DLT_LINUX_SLL:
            return LinkType::Cooked;
        case DLT_LINUX_SLL2:
            return LinkType::Cooked2;
        default:
            return std::nullopt;
    }
}

std::optional<Recorded> read_link_header(LinkType type, base::Bytes bytes, const LinkAddresses& otherwise) {
    if (bytes.size() < header_length(type)) return std::nullopt;
    if (type == LinkType::Cooked) return cooked(bytes, otherwise);
    if (type == LinkType::Cooked2) return cooked2(bytes, otherwise);
    return bare(bytes.subspan(header_length(type)), otherwise);
}

void write_as_ethernet(const Recorded& recorded, std::vector<std::uint8_t>& into) {
    into.resize(wire::kEthernetHeader + recorded.packet.size());
    wire::write_ethernet({.destination = recorded.addresses.destination,
                          .source = recorded.addresses.source,
                          .ether_type = recorded.ether_type},
                         into);
    std::copy(recorded.packet.begin(), recorded.packet.end(), into.begin() + wire::kEthernetHeader);
}

}  // namespace terminus::capture
