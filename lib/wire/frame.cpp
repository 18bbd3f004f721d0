#include "wire/frame.hpp"

#include <algorithm>
#include <optional>

#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/tcp.hpp"

namespace terminus::wire {

namespace {

using Check = std::optional<Fault>;

// RFC 1122 3.2.1.3, 4.2.3.10: no host can be answered at such an address.
// RFC 9293 3.9.2.3, MUST-63: nor is its SYN looked at.
bool may_be_source(const Frame& frame) {
    const IpAddress& source = frame.source;
    if (source.is_multicast() || source.is_loopback() || source.is_limited_broadcast()) return false;
    if (source.is_v4()) return source.v4_host_order() >> 24 != 0;  // 0.0.0.0/8 is "this network"
    return !source.is_unspecified() || frame.protocol == kProtocolIcmpv6;
}

bool may_be_destination(const Frame& frame) {
    const IpAddress& destination = frame.destination;
    if (destination.is_loopback() || destination.is_unspecified()) return false;
    if (frame.protocol != kProtocolTcp) return true;
    // RFC 9293 3.9.2.3, MUST-57: a segment to many is discarded silently; so is one that only Ethernet sent
    // to many (RFC 1122 3.3.6). Directed broadcasts are known to `neigh` only.
    return !destination.is_multicast() && !destination.is_limited_broadcast() &&
           !frame.destination_mac.is_group();
}

Check check_addresses(const Frame& frame) {
    if (!may_be_source(frame) || !may_be_destination(frame)) return Fault::IpAddress;
    if (frame.source == frame.destination) return Fault::IpAddress;  // LAND
    return std::nullopt;
}

Check check_protocol(const Frame& frame) {
    const std::uint8_t icmp = frame.source.is_v4() ? kProtocolIcmp : kProtocolIcmpv6;
    if (frame.protocol == kProtocolTcp || frame.protocol == icmp) return std::nullopt;
    return Fault::IpProtocolUnknown;
}

// RFC 1858, RFC 3128: a first fragment that cuts the TCP header, and a second that lies upon it, are made by
// nobody but those who want a filter to see another header than the host does.
Check check_fragment(const Frame& frame, std::uint16_t fragment_offset) {
    if (!frame.is_fragment || frame.protocol != kProtocolTcp) return std::nullopt;
    if (fragment_offset == 0 && frame.l4_length < kTcpHeaderMin) return Fault::FragmentMalformed;
    if (fragment_offset != 0 && fragment_offset < kTcpHeaderMin) return Fault::FragmentMalformed;
    return std::nullopt;
}

Check check_all(const Frame& frame, std::uint16_t fragment_offset) {
    if (const Check fault = check_protocol(frame)) return fault;
    if (const Check fault = check_addresses(frame)) return fault;
    return check_fragment(frame, fragment_offset);
}

Check read_ipv4(base::Bytes packet, std::size_t packet_length, Frame& frame) {
    const auto parsed = parse_ipv4(packet, packet_length);
    if (!parsed) return parsed.error();
    const Ipv4Header& header = parsed.value();
    frame.source = header.source;
    frame.destination = header.destination;
    frame.protocol = header.protocol;
    frame.hop_limit = header.hop_limit;
    frame.traffic_class = header.traffic_class;
    frame.is_fragment = header.is_fragment();
    frame.l4_offset = static_cast<std::uint16_t>(frame.l3_offset + header.header_length);
    frame.l4_length = header.total_length - std::uint32_t{header.header_length};
    return check_all(frame, header.fragment_offset);
}

Check read_ipv6(base::Bytes packet, std::size_t packet_length, Frame& frame) {
    const auto parsed = parse_ipv6(packet, packet_length);
    if (!parsed) return parsed.error();
    const Ipv6Header& header = parsed.value();
    if (header.source.is_v4() || header.destination.is_v4())
        return Fault::IpAddress;  // mapped: IPv4 in disguise
    const auto payload = skip_extensions(header, packet);
    if (!payload) return payload.error();
    frame.source = header.source;
    frame.destination = header.destination;
    frame.protocol = payload.value().protocol;
    frame.hop_limit = header.hop_limit;
    frame.traffic_class = header.traffic_class;
    frame.is_fragment = payload.value().is_fragment;
    frame.l4_offset = static_cast<std::uint16_t>(frame.l3_offset + payload.value().offset);
    frame.l4_length =
        static_cast<std::uint32_t>(kIpv6Header + header.payload_length - payload.value().offset);
    return check_all(frame, payload.value().fragment_offset);
}

}  // namespace

base::Result<Frame, Fault> parse_frame(base::Bytes first_bytes, std::uint32_t frame_length) {
    first_bytes = first_bytes.first(std::min<std::size_t>(first_bytes.size(), frame_length));
    const auto ethernet = parse_ethernet(first_bytes);
    if (!ethernet) return base::Failure{ethernet.error()};

    Frame frame;
    frame.source_mac = ethernet.value().source;
    frame.destination_mac = ethernet.value().destination;
    frame.ether_type = ethernet.value().ether_type;
    frame.l3_offset = kEthernetHeader;
    const base::Bytes packet = first_bytes.subspan(kEthernetHeader);
    const std::size_t packet_length = frame_length - kEthernetHeader;
    Check fault;
    if (frame.ether_type == kEtherTypeIpv4) fault = read_ipv4(packet, packet_length, frame);
    if (frame.ether_type == kEtherTypeIpv6) fault = read_ipv6(packet, packet_length, frame);
    if (fault) return base::Failure{*fault};
    return frame;
}

std::uint64_t l4_pseudo_sum(const Frame& frame) {
    if (frame.protocol == kProtocolIcmp) return 0;
    return pseudo_sum(frame.source, frame.destination, frame.protocol, frame.l4_length);
}

bool l4_checksum_is_good(const Frame& frame, base::Bytes l4) {
    if (l4.size() < frame.l4_length) return false;
    return is_good(l4_pseudo_sum(frame) + sum(l4.first(frame.l4_length)));
}

}  // namespace terminus::wire
