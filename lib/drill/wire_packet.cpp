#include "drill/wire_packet.hpp"

#include <algorithm>

#include "drill/tcp_options.hpp"
#include "wire/checksum.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"
#include "wire/tcp.hpp"

namespace terminus::drill {
namespace {

using ByteVector = std::vector<std::uint8_t>;

// Where the fields of a TCP header are (RFC 9293 3.1).
constexpr std::size_t kSeqAt = 4, kAckAt = 8, kOffsetAt = 12, kFlagsAt = 13, kWindowAt = 14, kChecksumAt = 16,
                      kUrgentAt = 18;
constexpr std::uint8_t kAeBit = 0x01;  // of the byte with the data offset
/// RFC 792: the header and 64 bits of what it quotes; options aside, that names ports and sequence.
constexpr std::size_t kQuotedV4 = 8;

ByteVector tcp_bytes(const WirePacket& packet) {
    ByteVector options = encode_options(packet.options);
    options.resize((options.size() + 3) / 4 * 4);
    ByteVector bytes(wire::kTcpHeaderMin);
    base::store_be16(&bytes[0], packet.source.port);
    base::store_be16(&bytes[2], packet.destination.port);
    base::store_be32(&bytes[kSeqAt], packet.seq);
    base::store_be32(&bytes[kAckAt], packet.ack);
    const std::size_t words = (wire::kTcpHeaderMin + options.size()) / 4;
    bytes[kOffsetAt] = static_cast<std::uint8_t>((words << 4) | (packet.ae ? kAeBit : 0));
    bytes[kFlagsAt] = packet.flags;
    base::store_be16(&bytes[kWindowAt], packet.window);
    base::store_be16(&bytes[kUrgentAt], packet.urgent);
    bytes.insert(bytes.end(), options.begin(), options.end());
    bytes.insert(bytes.end(), packet.payload.begin(), packet.payload.end());
    return bytes;
}

/// An IP header for `length` bytes of `protocol` behind it.
ByteVector ip_header(const WirePacket& packet, std::uint8_t protocol, std::size_t length) {
    if (packet.source.address.is_v4()) {
        wire::Ipv4Header header;
        header.source = packet.source.address;
        header.destination = packet.destination.address;
        header.protocol = protocol;
        header.hop_limit = packet.hop_limit;
        header.traffic_class = packet.tos;
        header.total_length = static_cast<std::uint16_t>(wire::kIpv4Header + length);
        header.dont_fragment = packet.dont_fragment;
        ByteVector bytes(wire::kIpv4Header);
        wire::write_ipv4(header, bytes);
        return bytes;
    }
    wire::Ipv6Header header;
    header.source = packet.source.address;
    header.destination = packet.destination.address;
    header.next_header = protocol;
    header.hop_limit = packet.hop_limit;
    header.traffic_class = packet.tos;
    header.flow_label = packet.flow_label;
    header.payload_length = static_cast<std::uint16_t>(length);
    ByteVector bytes(wire::kIpv6Header);
    wire::write_ipv6(header, bytes);
    return bytes;
}

base::Failure<std::string> wrong(std::string why) {
    return base::Failure{std::move(why)};
}

struct Segment {
    WirePacket packet;  // addresses and what else the IP header says
    base::Bytes tcp;
};

base::Result<Segment, std::string> read_v4(base::Bytes bytes) {
    const auto header = wire::parse_ipv4(bytes, bytes.size());
    if (!header) return wrong("an IPv4 header that is malformed, or whose checksum is wrong");
    const wire::Ipv4Header& ip = header.value();
    if (ip.total_length != bytes.size()) return wrong("an IPv4 total length that isn't the packet's");
    if (ip.is_fragment()) return wrong("a fragment");
    if (ip.protocol != wire::kProtocolTcp) return wrong("IPv4 protocol " + std::to_string(ip.protocol));
    Segment segment;
    segment.packet.source.address = ip.source;
    segment.packet.destination.address = ip.destination;
    segment.packet.tos = ip.traffic_class;
    segment.packet.hop_limit = ip.hop_limit;
    segment.packet.dont_fragment = ip.dont_fragment;
    segment.tcp = bytes.subspan(ip.header_length);
    return segment;
}

base::Result<Segment, std::string> read_v6(base::Bytes bytes) {
    const auto header = wire::parse_ipv6(bytes, bytes.size());
    if (!header) return wrong("an IPv6 header that is malformed");
    const wire::Ipv6Header& ip = header.value();
    if (ip.payload_length + wire::kIpv6Header != bytes.size())
        return wrong("an IPv6 payload length that isn't the packet's");
    if (ip.next_header != wire::kProtocolTcp)
        return wrong("IPv6 next header " + std::to_string(ip.next_header));
    Segment segment;
    segment.packet.source.address = ip.source;
    segment.packet.destination.address = ip.destination;
    segment.packet.tos = ip.traffic_class;
    segment.packet.hop_limit = ip.hop_limit;
    segment.packet.flow_label = ip.flow_label;
    segment.tcp = bytes.subspan(wire::kIpv6Header);
    return segment;
}

}  // namespace

std::vector<std::uint8_t> build_tcp(const WirePacket& packet) {
    ByteVector tcp = tcp_bytes(packet);
    base::store_be16(&tcp[kChecksumAt], wire::l4_checksum(packet.source.address, packet.destination.address,
                                                          wire::kProtocolTcp, tcp));
    ByteVector bytes = ip_header(packet, wire::kProtocolTcp, tcp.size());
    bytes.insert(bytes.end(), tcp.begin(), tcp.end());
    return bytes;
}

std::vector<std::uint8_t> build_icmp(const WireIcmp& message) {
    const bool is_v4 = message.destination.is_v4();
    const ByteVector tcp = tcp_bytes(message.quoted);
    ByteVector body = ip_header(message.quoted, wire::kProtocolTcp, tcp.size() + message.quoted_payload);
    const std::size_t quoted = is_v4 ? kQuotedV4 : tcp.size();
    body.insert(body.end(), tcp.begin(), tcp.begin() + static_cast<std::ptrdiff_t>(quoted));
    WirePacket outer;
    outer.source.address = message.source;
    outer.destination.address = message.destination;
    outer.tos = message.tos;
    outer.hop_limit = message.hop_limit;
    const std::uint8_t protocol = is_v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6;
    ByteVector bytes = ip_header(outer, protocol, wire::kIcmpHeader + body.size());
    const std::size_t header_length = bytes.size();
    bytes.resize(header_length + wire::kIcmpHeader + body.size());
    wire::write_icmp({message.numbers.type, message.numbers.code, message.rest}, message.source,
                     message.destination, body, base::MutableBytes(bytes).subspan(header_length));
    return bytes;
}

base::Result<WirePacket, std::string> read_tcp(base::Bytes bytes) {
    if (bytes.empty()) return wrong("an empty packet");
    auto read = bytes[0] >> 4 == 4 ? read_v4(bytes) : read_v6(bytes);
    if (!read) return base::Failure{read.error()};
    WirePacket packet = std::move(read.value().packet);
    const base::Bytes tcp = read.value().tcp;
    if (tcp.size() < wire::kTcpHeaderMin) return wrong("a TCP header that is cut short");
    const std::size_t header_length = static_cast<std::size_t>(tcp[kOffsetAt] >> 4) * 4;
    if (header_length < wire::kTcpHeaderMin || header_length > tcp.size())
        return wrong("a TCP data offset beyond the segment");
    const std::uint64_t sum = wire::pseudo_sum(packet.source.address, packet.destination.address,
                                               wire::kProtocolTcp, static_cast<std::uint32_t>(tcp.size()));
    // RFC 9293 3.1, MUST-2: what is sent carries a right checksum.
    if (!wire::is_good(sum + wire::sum(tcp))) return wrong("a wrong TCP checksum");
    // RFC 9293 3.1: reserved bits are zero in what is sent.
    if ((tcp[kOffsetAt] & 0x0e) != 0) return wrong("reserved bits of the TCP header that are not zero");
    packet.source.port = base::load_be16(&tcp[0]);
    packet.destination.port = base::load_be16(&tcp[2]);
    packet.seq = base::load_be32(&tcp[kSeqAt]);
    packet.ack = base::load_be32(&tcp[kAckAt]);
    packet.ae = (tcp[kOffsetAt] & kAeBit) != 0;
    packet.flags = tcp[kFlagsAt];
    packet.window = base::load_be16(&tcp[kWindowAt]);
    packet.urgent = base::load_be16(&tcp[kUrgentAt]);
    auto options = decode_options(tcp.subspan(wire::kTcpHeaderMin, header_length - wire::kTcpHeaderMin));
    if (!options) return wrong("TCP options whose lengths don't fit");
    packet.options = std::move(*options);
    packet.payload.assign(tcp.begin() + static_cast<std::ptrdiff_t>(header_length), tcp.end());
    return packet;
}

}  // namespace terminus::drill
