#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "wire/address.hpp"

namespace terminus::capture {

/// What a capture has before its packets, by libpcap's number for it (DLT_…).
enum class LinkType : std::uint8_t {
    Ethernet,
    RawIp,     ///< nothing
    Loopback,  ///< four bytes that name the family: DLT_NULL, DLT_LOOP
    Cooked,    ///< DLT_LINUX_SLL, of `tcpdump -i any`
    Cooked2,   ///< DLT_LINUX_SLL2, of the same since tcpdump 4.99
};

/// Nothing for a number that none of them has.
[[nodiscard]] std::optional<LinkType> link_type_of(int dlt);

/// Where a host's capture of all interfaces saw a packet.
struct SeenAt {
    std::uint32_t interface = 0;   ///< Linux's index; 0 where the capture doesn't say
    std::uint8_t packet_type = 0;  ///< 0 received, 1 broadcast, 2 multicast, 3 for another host, 4 sent
    friend constexpr auto operator<=>(const SeenAt&, const SeenAt&) = default;
};

/// For packets that were recorded without them.
struct LinkAddresses {
    wire::MacAddress destination;
    wire::MacAddress source;
};

/// A recorded packet and what its link type's header says of it.
struct Recorded {
    base::Bytes packet;  ///< behind the link type's header
    std::uint16_t ether_type = 0;
    LinkAddresses addresses;
    std::optional<SeenAt> seen_at;  ///< cooked ones
};

/// Reads the header of any link type but Ethernet. A cooked header has the sender's address, which stays; one
/// that isn't six bytes long, or is zero as loopback's, is `otherwise`'s. The destination is broadcast or a
/// group for what went there, else `otherwise`'s. Nothing when `bytes` are fewer than the header has.
[[nodiscard]] std::optional<Recorded> read_link_header(LinkType type, base::Bytes bytes,
                                                       const LinkAddresses& otherwise);

/// The packet behind an Ethernet header, which says what the recorded one did.
void write_as_ethernet(const Recorded& recorded, std::vector<std::uint8_t>& into);

}  // namespace terminus::capture
