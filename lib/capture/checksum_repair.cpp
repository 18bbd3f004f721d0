#include "capture/checksum_repair.hpp"

#include <optional>

#include "wire/address.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"
#include "wire/tcp.hpp"

namespace terminus::capture {
namespace {

constexpr std::size_t kVlanTag = 4, kUdpHeader = 8;

/// A packet whose headers have been read: what its transport checksum is over.
struct Transport {
    wire::IpAddress source;
    wire::IpAddress destination;
    std::uint8_t protocol = 0;
    base::MutableBytes message;
};

/// Either why there is nothing more to do, or the transport's part.
struct Opened {
    ChecksumRepair outcome = ChecksumRepair::Right;
    std::optional<Transport> transport;
};

/// Where a checksum lies in its message, and how much of the message it is over.
struct Field {
    std::size_t at = 0;
    std::size_t length = 0;
    bool has_pseudo_header = true;
    bool zero_means_none = false;
};

// Fields are read here and not by wire::parse_ipv4(), which refuses what is to be repaired.
Opened open_ipv4(base::MutableBytes packet) {
    if (packet.size() < wire::kIpv4Header) return {ChecksumRepair::Cut, {}};
    const std::size_t header = (packet[0] & 0xfu) * 4, total = base::load_be16(&packet[2]);
    if (packet[0] >> 4 != 4 || header < wire::kIpv4Header) return {};
    if (total < header || total > packet.size()) return {ChecksumRepair::Cut, {}};
    constexpr std::uint16_t kMoreFragmentsAndOffset = 0x3fff;
    if ((base::load_be16(&packet[6]) & kMoreFragmentsAndOffset) != 0) return {ChecksumRepair::Fragment, {}};
    Opened opened;
    if (!wire::is_good(wire::sum(packet.first(header)))) {
        base::store_be16(&packet[10], 0);
        base::store_be16(&packet[10], wire::finish(wire::sum(packet.first(header))));
        opened.outcome = ChecksumRepair::Wrong;
    }
    opened.transport = {wire::IpAddress::v4(base::load_be32(&packet[12])),
                        wire::IpAddress::v4(base::load_be32(&packet[16])), packet[9],
                        packet.subspan(header, total - header)};
    return opened;
}

Opened open_ipv6(base::MutableBytes packet) {
    const auto header = wire::parse_ipv6(packet, packet.size());
    if (!header) {
        const bool is_v6 = header.error() != wire::Fault::IpVersion;
        return {is_v6 ? ChecksumRepair::Cut : ChecksumRepair::Right, {}};
    }
    const auto payload = wire::skip_extensions(header.value(), packet);
    if (!payload) return {};  // no host reads such a packet any further
    if (payload.value().is_fragment) return {ChecksumRepair::Fragment, {}};
    const std::size_t end = wire::kIpv6Header + header.value().payload_length, at = payload.value().offset;
    return {ChecksumRepair::Right, Transport{header.value().source, header.value().destination,
                                             payload.value().protocol, packet.subspan(at, end - at)}};
}

Opened open_frame(base::MutableBytes frame) {
    std::size_t at = wire::kEthernetHeader;
    for (;;) {
        if (frame.size() < at) return {ChecksumRepair::Cut, {}};
        const std::uint16_t type = base::load_be16(&frame[at - 2]);
        if (type == wire::kEtherTypeIpv4) return open_ipv4(frame.subspan(at));
        if (type == wire::kEtherTypeIpv6) return open_ipv6(frame.subspan(at));
        if (type != wire::kEtherTypeVlan && type != wire::kEtherTypeService) return {};
        at += kVlanTag;
    }
}

/// Nothing for a protocol without a checksum, or for a message too short for its header.
std::optional<Field> field_of(const Transport& transport) {
    const base::MutableBytes message = transport.message;
    Field field;
    field.length = message.size();
    std::size_t header = wire::kIcmpHeader;
    switch (transport.protocol) {
        case wire::kProtocolTcp:
            field.at = 16;
            header = wire::kTcpHeaderMin;
            break;
        case wire::kProtocolUdp:
            field.at = 6;
            header = kUdpHeader;
            if (message.size() < header) return std::nullopt;
            field.length = base::load_be16(&message[4]);  // what follows it is no part of the datagram
            field.zero_means_none = transport.source.is_v4();
            break;
        case wire::kProtocolIcmp:
            field.at = 2;
            field.has_pseudo_header = false;
            break;
        case wire::kProtocolIcmpv6:
            field.at = 2;
            break;
        default:
            return std::nullopt;
    }
    if (field.length < header || field.length > message.size()) return std::nullopt;
    return field;
}

ChecksumRepair repair_transport(const Transport& transport, const Field& field) {
    const base::MutableBytes message = transport.message.first(field.length);
    std::uint8_t* const at = &message[field.at];
    const std::uint16_t before = base::load_be16(at);
    if (field.zero_means_none && before == 0) return ChecksumRepair::Right;  // RFC 768
    const std::uint64_t pseudo =
        field.has_pseudo_header
            ? wire::pseudo_sum(transport.source, transport.destination, transport.protocol,
                               static_cast<std::uint32_t>(field.length))
            : 0;
    if (wire::is_good(pseudo + wire::sum(message))) return ChecksumRepair::Right;
    base::store_be16(at, 0);
    std::uint16_t right = wire::finish(pseudo + wire::sum(message));
    if (right == 0 && transport.protocol == wire::kProtocolUdp) right = 0xffff;  // RFC 768: 0 means none
    base::store_be16(at, right);
    return field.has_pseudo_header && before == wire::fold(pseudo) ? ChecksumRepair::Unfinished
                                                                   : ChecksumRepair::Wrong;
}

}  // namespace

ChecksumRepair repair_checksums(base::MutableBytes frame) {
    const Opened opened = open_frame(frame);
    if (!opened.transport) return opened.outcome;
    const std::optional<Field> field = field_of(*opened.transport);
    if (!field) return opened.outcome;
    const ChecksumRepair transport = repair_transport(*opened.transport, *field);
    return opened.outcome == ChecksumRepair::Right ? transport : opened.outcome;
}

}  // namespace terminus::capture
