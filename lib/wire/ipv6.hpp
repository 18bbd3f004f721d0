#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/address.hpp"
#include "wire/fault.hpp"

namespace terminus::wire {

inline constexpr std::size_t kIpv6Header = 40;
inline constexpr std::uint32_t kIpv6LengthAt = 4;  ///< of the payload length in it
inline constexpr std::size_t kIpv6FragmentHeader = 8;

/// Extension headers that are looked at in one packet. RFC 8200 4.1 lists six that may stand before the
/// transport header; more than eight is somebody's attempt to make us walk.
inline constexpr int kIpv6ExtensionsMax = 8;

/// The fixed IPv6 header (RFC 8200 3).
struct Ipv6Header {
    IpAddress source;
    IpAddress destination;
    std::uint8_t next_header = 0;
    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;
    std::uint32_t flow_label = 0;      ///< 20 bits
    std::uint16_t payload_length = 0;  ///< bytes after this header, extension headers included
};

/// What follows the extension chain, or the fragment header that ends our knowledge of it.
struct Ipv6Payload {
    std::uint8_t protocol = 0;
    std::uint16_t offset = 0;           ///< from the start of the IPv6 header
    bool is_fragment = false;           ///< then the fragment header is the 8 bytes before `offset`
    std::uint16_t fragment_offset = 0;  ///< bytes
    bool more_fragments = false;
};

/// Reads the fixed header; `packet_length` as in parse_ipv4(). Faults: IpTruncated, IpVersion, IpTotalLength.
/// The caller asks whether the addresses are mapped ones, before anything mistakes them for IPv4.
[[nodiscard]] base::Result<Ipv6Header, Fault> parse_ipv6(base::Bytes packet, std::size_t packet_length);

/// Skips hop-by-hop options, destination options, finished routing headers and atomic fragments (RFC 6946),
/// in bounded work. `packet` starts at the fixed header and may end before the packet does: a chain that runs
/// beyond `packet` is IpExtensionChain, one beyond the payload length IpTruncated. FragmentMalformed as in
/// parse_ipv4().
[[nodiscard]] base::Result<Ipv6Payload, Fault> skip_extensions(const Ipv6Header& header, base::Bytes packet);

/// Writes the fixed header's 40 bytes.
void write_ipv6(const Ipv6Header& header, base::MutableBytes out);

}  // namespace terminus::wire
