#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "wire/address.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"

/// Frames for tests, made by hand or from hexadecimal text, so that each can be spoilt in one place.
namespace terminus::test {

using Octets = std::vector<std::uint8_t>;

inline const wire::MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x01}};
inline const wire::MacAddress kOurMac{{0x02, 0, 0, 0, 0, 0x02}};
inline const wire::IpAddress kPeer4 = wire::IpAddress::v4(192, 0, 2, 1);
inline const wire::IpAddress kOur4 = wire::IpAddress::v4(192, 0, 2, 2);
inline const wire::IpAddress kPeer6 = *wire::IpAddress::parse("2001:db8::1");
inline const wire::IpAddress kOur6 = *wire::IpAddress::parse("2001:db8::2");

/// Hexadecimal digits, blanks ignored.
inline Octets hex(std::string_view text) {
    Octets octets;
    int high = -1;
    for (const char c : text) {
        if (c == ' ' || c == '\n') continue;
        const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
        if (high < 0) {
            high = digit;
        } else {
            octets.push_back(static_cast<std::uint8_t>(high * 16 + digit));
            high = -1;
        }
    }
    return octets;
}

inline Octets operator+(Octets left, const Octets& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

inline Octets ethernet(std::uint16_t ether_type, const wire::MacAddress& destination = kOurMac,
                       const wire::MacAddress& source = kPeerMac) {
    Octets out(wire::kEthernetHeader);
    wire::write_ethernet({destination, source, ether_type}, out);
    return out;
}

/// A whole frame around `l4`. Fields of `header` other than lengths may be preset.
inline Octets frame_v4(const Octets& l4, std::uint8_t protocol = wire::kProtocolTcp,
                       wire::Ipv4Header header = {}, const wire::MacAddress& destination_mac = kOurMac) {
    if (header.source == wire::IpAddress{}) header.source = kPeer4;
    if (header.destination == wire::IpAddress{}) header.destination = kOur4;
    header.protocol = protocol;
    header.total_length = static_cast<std::uint16_t>(wire::kIpv4Header + l4.size());
    Octets ip(wire::kIpv4Header);
    wire::write_ipv4(header, ip);
    return ethernet(wire::kEtherTypeIpv4, destination_mac) + ip + l4;
}

/// `payload` starts with the extension headers, if any, and `next_header` names its first.
inline Octets frame_v6(const Octets& payload, std::uint8_t next_header = wire::kProtocolTcp,
                       wire::IpAddress source = kPeer6, wire::IpAddress destination = kOur6,
                       const wire::MacAddress& destination_mac = kOurMac) {
    Octets ip(wire::kIpv6Header);
    ip[0] = 0x60;
    base::store_be16(&ip[4], static_cast<std::uint16_t>(payload.size()));
    ip[6] = next_header;
    ip[7] = 255;
    std::memcpy(&ip[8], source.bytes().data(), 16);
    std::memcpy(&ip[24], destination.bytes().data(), 16);
    return ethernet(wire::kEtherTypeIpv6, destination_mac) + ip + payload;
}

/// Twenty bytes of SYN from port 1000 to port 80, checksum zero.
inline Octets tcp_syn() {
    return hex("03e8 0050 00000001 00000000 5002 ffff 0000 0000");
}

/// Rewrites the checksum of an IPv4 header without options after a field of the frame was changed.
inline void refresh_ip_checksum(Octets& frame) {
    const base::Bytes packet = base::Bytes(frame).subspan(wire::kEthernetHeader);
    const std::size_t header_length = std::min<std::size_t>((frame[14] & 0xfu) * 4, packet.size());
    base::store_be16(&frame[24], 0);
    base::store_be16(&frame[24], wire::finish(wire::sum(packet.first(header_length))));
}

}  // namespace terminus::test
