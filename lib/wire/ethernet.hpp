#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/address.hpp"
#include "wire/fault.hpp"
#include "wire/protocol.hpp"

namespace terminus::wire {

inline constexpr std::size_t kEthernetHeader = 14;
inline constexpr std::size_t kEthernetFrameMin = 60;  ///< without the frame check sequence

/// An Ethernet II header.
struct EthernetHeader {
    MacAddress destination;
    MacAddress source;
    std::uint16_t ether_type = 0;
};

/// Faults: EthernetTruncated, EthernetSource, VlanTagged, EtherTypeUnknown (802.3 length fields included).
[[nodiscard]] base::Result<EthernetHeader, Fault> parse_ethernet(base::Bytes frame);

/// `out` holds at least 14 bytes.
void write_ethernet(const EthernetHeader& header, base::MutableBytes out);

/// Where a multicast packet goes on Ethernet (RFC 1112 6.4, RFC 2464 7); `group` is a multicast address.
[[nodiscard]] MacAddress multicast_mac(const IpAddress& group);

}  // namespace terminus::wire
