#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "drill/ast.hpp"
#include "drill/icmp_names.hpp"
#include "wire/address.hpp"

namespace terminus::drill {

/// A TCP segment in its IP packet, with the numbers that are on the wire.
struct WirePacket {
    wire::Endpoint source;
    wire::Endpoint destination;
    std::uint8_t tos = 0;
    std::uint8_t hop_limit = 64;
    std::uint32_t flow_label = 0;  ///< IPv6 only
    bool dont_fragment = true;     ///< IPv4 only
    std::uint8_t flags = 0;        ///< wire::TcpFlags
    bool ae = false;               ///< the ninth flag
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint16_t window = 0;
    std::uint16_t urgent = 0;
    std::vector<OptionSpec> options;
    std::vector<std::uint8_t> payload;

    [[nodiscard]] wire::FourTuple as_sent() const { return {source, destination}; }
};

/// The packet with its checksums. Options that don't fill words are padded with zero.
[[nodiscard]] std::vector<std::uint8_t> build_tcp(const WirePacket& packet);

/// An ICMP error from a router about a segment of ours: `quoted.payload` counts for its lengths, but only as
/// much is quoted as RFC 792 asks (64 bits), or as fits 1280 bytes (RFC 4443).
struct WireIcmp {
    wire::IpAddress source;
    wire::IpAddress destination;
    IcmpNumbers numbers;
    std::uint32_t rest = 0;  ///< the next hop's MTU, or 0
    std::uint8_t tos = 0;
    std::uint8_t hop_limit = 64;
    WirePacket quoted;
    std::uint16_t quoted_payload = 0;  ///< bytes that the quoted segment had
};
[[nodiscard]] std::vector<std::uint8_t> build_icmp(const WireIcmp& message);

/// What a machine sent, checked as no receiver would let pass it otherwise: lengths, the IP header's checksum
/// and TCP's, reserved bits, no fragment, TCP padding of zeros. The failure is a sentence.
[[nodiscard]] base::Result<WirePacket, std::string> read_tcp(base::Bytes packet);

}  // namespace terminus::drill
