#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "neigh/cache.hpp"
#include "neigh/interface.hpp"
#include "wire/address.hpp"
#include "wire/protocol.hpp"

namespace terminus::neigh {

/// An ARP or neighbour discovery message that wants to be sent: what the frame builder needs, and the bytes.
struct Message {
    static constexpr std::size_t kBytesMax = 32;  ///< a solicitation with its option; ARP has 28

    std::uint16_t port = 0;
    std::uint16_t ether_type =
        0;  ///< ARP: `bytes` follow the Ethernet header. IPv6: the IP header comes between
    wire::MacAddress source_mac;
    wire::MacAddress destination_mac;
    wire::IpAddress source;       ///< IPv6 only, with hop limit 255 and protocol ICMPv6
    wire::IpAddress destination;  ///< IPv6 only
    std::array<std::uint8_t, kBytesMax> storage{};
    std::uint8_t length = 0;

    [[nodiscard]] base::Bytes bytes() const { return base::Bytes(storage).first(length); }
};

/// The interface of a port, or nothing.
[[nodiscard]] const Interface* interface_of(std::span<const Interface> interfaces, std::uint16_t port);

/// An ARP request or a neighbour solicitation, to everybody or as a probe to one. The source is an address of
/// ours on that port, of the target's network if there is one (RFC 4861 7.2.2). Nothing when we have none of
/// the family.
[[nodiscard]] std::optional<Message> solicitation_message(const Solicitation& question,
                                                          const Interface& interface,
                                                          const LocalAddresses& locals);

/// "I am here": an ARP announcement (RFC 5227 3) or an unsolicited advertisement to all nodes (RFC
/// 4861 7.2.6).
[[nodiscard]] Message announcement_message(const wire::IpAddress& own, const Interface& interface);

}  // namespace terminus::neigh
