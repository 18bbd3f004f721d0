#pragma once

#include <cstdint>
#include <string>

#include "wire/address.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/protocol.hpp"
#include "wire/tcp.hpp"

namespace terminus::test {

/// A TCP segment from 192.0.2.1:4000 to 192.0.2.80:80, or back, as a capture has it. Checksums are not
/// written.
inline std::string tcp_frame(bool is_reply, const wire::TcpHeader& header, const std::string& text = {}) {
    const wire::IpAddress client = wire::IpAddress::v4(192, 0, 2, 1),
                          service = wire::IpAddress::v4(192, 0, 2, 80);
    std::string frame(14 + 20, '\0');
    auto* const at = reinterpret_cast<std::uint8_t*>(frame.data());
    wire::write_ethernet({.ether_type = wire::kEtherTypeIpv4}, {at, 14});
    std::string segment(wire::kTcpHeaderMax, '\0');
    wire::TcpHeader own = header;
    own.source_port = is_reply ? 80 : 4000;
    own.destination_port = is_reply ? 4000 : 80;
    segment.resize(wire::write_tcp(own, {reinterpret_cast<std::uint8_t*>(segment.data()), segment.size()}));
    at[14] = 0x45;
    base::store_be16(at + 16, static_cast<std::uint16_t>(20 + segment.size() + text.size()));
    at[22] = 64;
    at[23] = wire::kProtocolTcp;
    base::store_be32(at + 26, (is_reply ? service : client).v4_host_order());
    base::store_be32(at + 30, (is_reply ? client : service).v4_host_order());
    return frame + segment + text;
}

}  // namespace terminus::test
