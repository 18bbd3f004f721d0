#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/address.hpp"
#include "wire/checksum.hpp"
#include "wire/fault.hpp"
#include "wire/protocol.hpp"

namespace terminus::wire {

/// Bytes at the start of a frame that must lie in one piece (or be the whole frame): Ethernet, IPv6 with
/// extensions, TCP with options. A chain of headers longer than this is refused.
inline constexpr std::size_t kHeaderBytesMax = 256;

/// What a received frame is, as far as the Ethernet and IP headers tell.
///
///     | Ethernet | IPv4 or IPv6, extensions | l4_length bytes | padding |
///     0          l3_offset                  l4_offset
struct Frame {
    MacAddress source_mac;
    MacAddress destination_mac;
    std::uint16_t ether_type = 0;  ///< ARP: nothing below but l3_offset is set
    IpAddress source;
    IpAddress destination;
    std::uint8_t protocol = 0;  ///< TCP, ICMP for IPv4 or ICMPv6 for IPv6
    std::uint8_t hop_limit = 0;
    std::uint8_t traffic_class = 0;
    bool is_fragment = false;  ///< l4 is a part of a datagram: for reassembly, not for parse_tcp()
    std::uint16_t l3_offset = 0;
    std::uint16_t l4_offset = 0;  ///< IPv6 fragment: its fragment header is the 8 bytes before
    std::uint32_t l4_length = 0;  ///< by the IP header, whatever the frame has after it

    friend bool operator==(const Frame&, const Frame&) = default;
};

/// The one entry for received frames (HARDENING 1, 2, 8). `first_bytes` is the frame, or its first buffer
/// when that holds at least min(frame_length, kHeaderBytesMax); `frame_length` the whole frame's. Verifies
/// IPv4's header checksum; TCP's and ICMP's are still to be verified. Whether the addresses are ours is the
/// caller's to ask.
///
/// Fault IpAddress: a source that is multicast, broadcast, loopback or zero (but ICMPv6 from ::, which asks
/// for duplicates), source = destination, a mapped address in an IPv6 header, a destination that is loopback
/// or zero; for TCP also a multicast or broadcast destination, in IP or on Ethernet (RFC 9293 3.9.2.3:
/// MUST-57).
[[nodiscard]] base::Result<Frame, Fault> parse_frame(base::Bytes first_bytes, std::uint32_t frame_length);

/// What the transport checksum starts from: the pseudo-header's sum, or zero for ICMP over IPv4, which has
/// none.
[[nodiscard]] std::uint64_t l4_pseudo_sum(const Frame& frame);

/// Whether the transport checksum is right; `l4` holds the l4_length bytes from l4_offset. For a chain: sum
/// its pieces by ChecksumAccumulator(l4_pseudo_sum(frame)), and ask is_good().
[[nodiscard]] bool l4_checksum_is_good(const Frame& frame, base::Bytes l4);

}  // namespace terminus::wire
