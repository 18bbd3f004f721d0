#pragma once

#include <cstdint>

namespace terminus::wire {

/// What is wrong with bytes that were taken for a header. `stack` turns each into a counted drop reason.
enum class Fault : std::uint8_t {
    EthernetTruncated,
    EthernetSource,  ///< a group address as source
    VlanTagged,      ///< no VLAN is configured in this version
    EtherTypeUnknown,
    ArpMalformed,
    IpTruncated,
    IpVersion,
    IpHeaderLength,
    IpTotalLength,  ///< under the header's, or over the frame's
    IpChecksum,
    IpAddress,         ///< zero, loopback, multicast or mapped where it may not be; source = destination
    IpExtensionChain,  ///< too long, repeated, or routing type 0
    IpProtocolUnknown,
    FragmentMalformed,
    IcmpTruncated,
    IcmpChecksum,
    IcmpMalformed,
    NdMalformed,  ///< hop limit not 255, option of length zero, wrong addresses (RFC 4861)
    TcpTruncated,
    TcpDataOffset,
    TcpChecksum,
    TcpPortZero,
};

}  // namespace terminus::wire
