#pragma once

#include <cstdint>

/// Numbers that IANA assigned and that more than one header carries.
namespace terminus::wire {

inline constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherTypeArp = 0x0806;
inline constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
inline constexpr std::uint16_t kEtherTypeVlan = 0x8100;     ///< IEEE 802.1Q
inline constexpr std::uint16_t kEtherTypeService = 0x88a8;  ///< IEEE 802.1ad, the outer of two tags

inline constexpr std::uint8_t kProtocolHopByHop = 0;
inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolRouting = 43;
inline constexpr std::uint8_t kProtocolFragment = 44;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;
inline constexpr std::uint8_t kProtocolNoNext = 59;
inline constexpr std::uint8_t kProtocolDestinationOptions = 60;

}  // namespace terminus::wire
