#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/address.hpp"
#include "wire/fault.hpp"

namespace terminus::wire {

inline constexpr std::size_t kIpv4Header = 20;  ///< without options, as we send it
/// Where fields are in the header, for who changes them in a finished frame.
inline constexpr std::uint32_t kIpv4LengthAt = 2, kIpv4ChecksumAt = 10;

/// An IPv4 header (RFC 791), options skipped.
/// RFC 3168 5: the lower two bits of TOS and traffic class.
inline constexpr std::uint8_t kEcnMask = 3, kEcnEct0 = 2, kEcnCe = 3;

struct Ipv4Header {
    IpAddress source;
    IpAddress destination;
    std::uint8_t protocol = 0;
    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;
    std::uint8_t header_length = kIpv4Header;  ///< bytes, 20…60
    std::uint16_t total_length = 0;            ///< bytes, header included
    std::uint16_t identification = 0;
    std::uint16_t fragment_offset = 0;  ///< bytes, a multiple of 8
    bool dont_fragment = false;
    bool more_fragments = false;

    [[nodiscard]] constexpr bool is_fragment() const { return more_fragments || fragment_offset != 0; }
};

/// Reads the header at the start of `packet`; `packet_length` is what the frame holds of the packet, padding
/// included (`packet` itself may end earlier). Faults: IpTruncated, IpVersion, IpHeaderLength, IpTotalLength,
/// IpChecksum, FragmentMalformed. What the addresses may be is parse_frame()'s business.
[[nodiscard]] base::Result<Ipv4Header, Fault> parse_ipv4(base::Bytes packet, std::size_t packet_length);

/// Writes 20 bytes with their checksum; header_length is not looked at.
void write_ipv4(const Ipv4Header& header, base::MutableBytes out);

}  // namespace terminus::wire
