#include "forge.hpp"

#include <algorithm>

#include "wire/checksum.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"

namespace terminus::simulation {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::size_t kChecksumAt = 16, kDataOffsetAt = 12;

std::size_t ip_header(const wire::IpAddress& address) {
    return address.is_v4() ? wire::kIpv4Header : wire::kIpv6Header;
}

/// Writes the IP header before `packet`'s rest.
void write_ip(Octets& packet, const wire::IpAddress& from, const wire::IpAddress& to, std::uint8_t protocol,
              std::uint8_t traffic_class, std::int32_t length_error, bool is_fragment) {
    const auto length = static_cast<std::int32_t>(packet.size()) + length_error;
    if (from.is_v4()) {
        wire::write_ipv4({.source = from,
                          .destination = to,
                          .protocol = protocol,
                          .traffic_class = traffic_class,
                          .total_length = static_cast<std::uint16_t>(length),
                          .more_fragments = is_fragment},
                         packet);
        return;
    }
    wire::write_ipv6(
        {.source = from,
         .destination = to,
         .next_header = protocol,
         .traffic_class = traffic_class,
         .payload_length = static_cast<std::uint16_t>(length - static_cast<std::int32_t>(wire::kIpv6Header))},
        packet);
}

/// Header, options and text, with a checksum.
Octets make_tcp(const Forged& forged) {
    wire::TcpHeader header = forged.header;
    header.source_port = forged.from.local.port;
    header.destination_port = forged.from.remote.port;
    if (!forged.raw_options.empty()) header.options = {};
    Octets tcp(wire::kTcpHeaderMax);
    std::size_t length = wire::write_tcp(header, tcp);
    if (!forged.raw_options.empty()) {
        std::copy(forged.raw_options.begin(), forged.raw_options.end(), tcp.begin() + wire::kTcpHeaderMin);
        length = wire::kTcpHeaderMin + (forged.raw_options.size() + 3) / 4 * 4;
        tcp[kDataOffsetAt] = static_cast<std::uint8_t>(length << 2);
    }
    tcp.resize(length + forged.text);
    const wire::SeqNum first = header.seq + (header.flags.syn() ? 1u : 0u);
    for (std::uint32_t i = 0; i < forged.text; ++i)
        Stream(forged.pattern).write((first + i).value(), base::MutableBytes(tcp).subspan(length + i, 1));
    if (forged.fault == Forged::Fault::DataOffset)
        tcp[kDataOffsetAt] = static_cast<std::uint8_t>(forged.how << 4);
    const std::uint16_t sum =
        wire::l4_checksum(forged.from.local.address, forged.from.remote.address, wire::kProtocolTcp, tcp);
    base::store_be16(&tcp[kChecksumAt], sum);
    return tcp;
}

}  // namespace

std::vector<std::uint8_t> forge_segment(const Forged& forged) {
    using Fault = Forged::Fault;
    const Octets tcp = make_tcp(forged);
    Octets packet(ip_header(forged.from.local.address));
    packet.insert(packet.end(), tcp.begin(), tcp.end());
    const std::int32_t length_error =
        forged.fault == Fault::Length ? static_cast<std::int32_t>(forged.how % 80) - 40 : 0;
    write_ip(packet, forged.from.local.address, forged.from.remote.address, wire::kProtocolTcp,
             forged.traffic_class, length_error, forged.fault == Fault::Fragment);
    const std::size_t checksum = packet.size() - tcp.size() + kChecksumAt;
    if (forged.fault == Fault::Checksum) packet[checksum] = static_cast<std::uint8_t>(~packet[checksum]);
    if (forged.fault == Fault::Bits) {
        std::uint8_t& byte = packet[(forged.how >> 3) % packet.size()];
        byte = static_cast<std::uint8_t>(byte ^ (1u << (forged.how & 7)));
    }
    return packet;
}

std::vector<std::uint8_t> forge_error(const ForgedError& forged) {
    const wire::IpAddress& victim = forged.about.local.address;
    const wire::IpAddress& router = forged.about.remote.address;
    const std::uint8_t icmp = victim.is_v4() ? wire::kProtocolIcmp : wire::kProtocolIcmpv6;
    const Octets quote = forge_segment({.from = forged.about, .header = {.seq = forged.quoted}});
    Octets packet(ip_header(victim) + wire::kIcmpHeader + quote.size());
    wire::write_icmp({.type = forged.type, .code = forged.code, .rest = forged.rest}, router, victim, quote,
                     base::MutableBytes(packet).subspan(ip_header(victim)));
    write_ip(packet, router, victim, icmp, 0, 0, false);
    return packet;
}

}  // namespace terminus::simulation
