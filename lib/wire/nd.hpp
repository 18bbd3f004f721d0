#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/address.hpp"
#include "wire/fault.hpp"

namespace terminus::wire {

/// Neighbour discovery travels with this hop limit only, so a packet that crossed a router is known (RFC
/// 4861 11.2).
inline constexpr std::uint8_t kNdHopLimit = 255;
inline constexpr std::size_t kNdLengthMax = 32;  ///< what write_nd() writes at most

enum class NdKind : std::uint8_t {
    Solicitation,
    Advertisement,
    Ignored,  ///< router messages and redirects: routes are configured here, and nobody on the link may
              ///< change them
};

/// A neighbour solicitation or advertisement (RFC 4861 4.3, 4.4).
struct NdMessage {
    NdKind kind = NdKind::Ignored;
    IpAddress target;
    /// Source link-layer address of a solicitation, target link-layer address of an advertisement.
    std::optional<MacAddress> link_address;
    bool router = false;     ///< advertisement: R
    bool solicited = false;  ///< advertisement: S
    bool override = false;   ///< advertisement: O
};

/// Reads an ICMPv6 message that parse_icmp() found to be NeighbourDiscovery, its checksum thus verified, by
/// the rules of RFC 4861 7.1. Fault: NdMalformed.
[[nodiscard]] base::Result<NdMessage, Fault> parse_nd(const IpAddress& source, const IpAddress& destination,
                                                      std::uint8_t hop_limit, base::Bytes message);

/// Writes a solicitation or advertisement with its checksum; returns its length, 24 or 32 bytes.
std::size_t write_nd(const NdMessage& message, const IpAddress& source, const IpAddress& destination,
                     base::MutableBytes out);

/// ff02::1:ffXX:XXXX (RFC 4291 2.7.1).
[[nodiscard]] IpAddress solicited_node_multicast(const IpAddress& target);

/// ff02::1.
[[nodiscard]] IpAddress all_nodes_multicast();

}  // namespace terminus::wire
