#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/address.hpp"
#include "wire/fault.hpp"
#include "wire/seq.hpp"

namespace terminus::wire {

inline constexpr std::size_t kIcmpHeader = 8;

/// ICMP types (RFC 792) and ICMPv6 types (RFC 4443, RFC 4861).
inline constexpr std::uint8_t kIcmpEchoReply = 0, kIcmpUnreachable = 3, kIcmpSourceQuench = 4,
                              kIcmpRedirect = 5, kIcmpEchoRequest = 8, kIcmpTimeExceeded = 11,
                              kIcmpParameterProblem = 12;
inline constexpr std::uint8_t kIcmpv6Unreachable = 1, kIcmpv6TooBig = 2, kIcmpv6TimeExceeded = 3,
                              kIcmpv6ParameterProblem = 4, kIcmpv6EchoRequest = 128, kIcmpv6EchoReply = 129,
                              kIcmpv6RouterSolicitation = 133, kIcmpv6RouterAdvertisement = 134,
                              kIcmpv6NeighbourSolicitation = 135, kIcmpv6NeighbourAdvertisement = 136,
                              kIcmpv6Redirect = 137;

/// The packet of ours that an ICMP error quotes, as we know it: `tuple.local` is the quoted source.
struct IcmpQuote {
    std::uint8_t protocol = 0;
    FourTuple tuple;  ///< ports are zero unless protocol is TCP
    SeqNum seq;       ///< TCP only
};

enum class IcmpKind : std::uint8_t {
    EchoRequest,
    EchoReply,
    Error,               ///< `quote` is there
    NeighbourDiscovery,  ///< parse_nd() reads it
    Other,  ///< nothing for us: redirects, timestamps, MLD, errors that quote a later fragment, …
};

struct IcmpMessage {
    bool is_v6 = false;
    IcmpKind kind = IcmpKind::Other;
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    std::uint16_t identifier = 0;  ///< echo only
    std::uint16_t sequence = 0;    ///< echo only
    /// What "too big" and "fragmentation needed" claim (RFC 1191 4, RFC 4443 3.2), saturated to 16 bits; 0
    /// from routers older than RFC 1191, and for all other messages. The floor is the receiver's business.
    std::uint16_t next_hop_mtu = 0;
    std::optional<IcmpQuote> quote;
};

/// A whole ICMP or ICMPv6 message (the addresses' family says which), checksum verified here. Faults:
/// IcmpTruncated, IcmpChecksum, IcmpMalformed (a quote too short to name its connection, or one that
/// `destination` did not send).
[[nodiscard]] base::Result<IcmpMessage, Fault> parse_icmp(const IpAddress& source,
                                                          const IpAddress& destination, base::Bytes message);

/// First four bytes of a message to be sent and the four that follow the checksum.
struct IcmpHeader {
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    std::uint32_t rest = 0;  ///< identifier and sequence, unused and MTU, … by type
};

/// Writes header, body and checksum; returns the length, 8 + body. `out` holds as much and may overlap `body`
/// where the body already lies in its place.
std::size_t write_icmp(const IcmpHeader& header, const IpAddress& source, const IpAddress& destination,
                       base::Bytes body, base::MutableBytes out);

}  // namespace terminus::wire
