#include "wire/plain_tcp.hpp"

#include <algorithm>
#include <cstring>

#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"

namespace terminus::wire {
namespace {

// Of 20 bytes, in native order: a sum of 16-bit words may be taken in words of 32 (RFC 1071 2).
bool has_good_checksum(const std::uint8_t* header) {
    std::uint32_t words[kIpv4Header / 4];
    std::memcpy(words, header, sizeof words);
    const std::uint64_t sum = std::uint64_t{words[0]} + words[1] + words[2] + words[3] + words[4];
    return fold(sum) == 0xffff;
}

// What no check of parse_frame()'s refuses; host order.
bool is_ordinary_host(std::uint32_t address) {
    const std::uint32_t first = address >> 24;
    return first != 0 && first != 127 && first < 224;
}

bool read_plain_ipv4(const std::uint8_t* packet, std::size_t packet_length, Frame& frame) {
    const std::size_t total = base::load_be16(packet + 2);
    const bool is_fragment = (base::load_be16(packet + 6) & 0x3fff) != 0;
    if (packet[0] != 0x45 || packet[9] != kProtocolTcp || is_fragment) return false;
    if (total < kIpv4Header || total > packet_length || !has_good_checksum(packet)) return false;
    const std::uint32_t source = base::load_be32(packet + 12);
    const std::uint32_t destination = base::load_be32(packet + 16);
    if (!is_ordinary_host(source) || !is_ordinary_host(destination) || source == destination) return false;
    frame.source = IpAddress::v4(source);
    frame.destination = IpAddress::v4(destination);
    frame.traffic_class = packet[1];
    frame.hop_limit = packet[8];
    frame.l4_offset = kEthernetHeader + kIpv4Header;
    frame.l4_length = static_cast<std::uint32_t>(total - kIpv4Header);
    return true;
}

IpAddress ipv6_at(const std::uint8_t* at) {
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), at, bytes.size());
    return IpAddress::v6(bytes);
}

bool is_ordinary_host(const IpAddress& address) {
    return !address.is_v4() && !address.is_multicast() && !address.is_loopback() && !address.is_unspecified();
}

bool read_plain_ipv6(const std::uint8_t* packet, std::size_t packet_length, Frame& frame) {
    const std::size_t payload = base::load_be16(packet + 4);
    if (packet[0] >> 4 != 6 || packet[6] != kProtocolTcp || kIpv6Header + payload > packet_length)
        return false;
    frame.source = ipv6_at(packet + 8);
    frame.destination = ipv6_at(packet + 24);
    if (!is_ordinary_host(frame.source) || !is_ordinary_host(frame.destination) ||
        frame.source == frame.destination) {
        return false;
    }
    frame.traffic_class = static_cast<std::uint8_t>(base::load_be16(packet) >> 4);
    frame.hop_limit = packet[7];
    frame.l4_offset = kEthernetHeader + kIpv6Header;
    frame.l4_length = static_cast<std::uint32_t>(payload);
    return true;
}

// `available` bytes of the segment lie here.
bool read_plain_segment(const std::uint8_t* l4, std::size_t available, std::size_t l4_length,
                        TcpSegment& segment) {
    available = std::min(available, l4_length);
    if (available < kTcpHeaderMin) return false;
    const std::size_t header_length = std::size_t{l4[12]} / 16 * 4;
    if (header_length < kTcpHeaderMin || header_length > available) return false;
    const std::uint8_t* const options = l4 + kTcpHeaderMin;
    const std::size_t options_length = header_length - kTcpHeaderMin;
    if (options_length == kTimestampsAloneLength && base::load_be32(options) == kTimestampsAlone) [[likely]] {
        segment.options.timestamps =
            TcpTimestamps{base::load_be32(options + 4), base::load_be32(options + 8)};
    } else if (options_length > 0) {
        segment.options = parse_tcp_options({options, options_length});
    }
    segment.source_port = base::load_be16(l4);
    segment.destination_port = base::load_be16(l4 + 2);
    segment.seq = SeqNum(base::load_be32(l4 + 4));
    segment.ack = SeqNum(base::load_be32(l4 + 8));
    segment.flags.bits = l4[13];
    segment.window = base::load_be16(l4 + 14);
    segment.urgent_pointer = base::load_be16(l4 + 18);
    segment.header_length = static_cast<std::uint8_t>(header_length);
    segment.payload_length = static_cast<std::uint32_t>(l4_length - header_length);
    return segment.source_port != 0 && segment.destination_port != 0;
}

}  // namespace

bool read_plain_tcp(base::Bytes first_bytes, std::uint32_t frame_length, Frame& frame, TcpSegment& segment) {
    const std::size_t available = std::min<std::size_t>(first_bytes.size(), frame_length);
    const std::uint8_t* const at = first_bytes.data();
    if (available < kEthernetHeader + kIpv6Header + kTcpHeaderMin) {
        if (available < kEthernetHeader + kIpv4Header + kTcpHeaderMin) return false;
        if (base::load_be16(at + 12) != kEtherTypeIpv4) return false;
    }
    std::memcpy(frame.destination_mac.bytes.data(), at, 6);
    std::memcpy(frame.source_mac.bytes.data(), at + 6, 6);
    frame.ether_type = base::load_be16(at + 12);
    if (frame.source_mac.is_group() || frame.destination_mac.is_group()) return false;
    const std::uint8_t* const packet = at + kEthernetHeader;
    const std::size_t packet_length = frame_length - kEthernetHeader;
    if (frame.ether_type == kEtherTypeIpv4) {
        if (!read_plain_ipv4(packet, packet_length, frame)) return false;
    } else if (frame.ether_type != kEtherTypeIpv6 || !read_plain_ipv6(packet, packet_length, frame)) {
        return false;
    }
    frame.protocol = kProtocolTcp;
    frame.l3_offset = kEthernetHeader;
    return read_plain_segment(at + frame.l4_offset, available - frame.l4_offset, frame.l4_length, segment);
}

}  // namespace terminus::wire
