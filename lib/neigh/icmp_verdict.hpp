#pragma once

#include <cstdint>
#include <optional>

#include "wire/icmp.hpp"

namespace terminus::neigh {

/// What an ICMP error means to a connection (RFC 1122 4.2.3.9, RFC 5461); TCP's names for the same four.
enum class IcmpEffect : std::uint8_t {
    Soft,     ///< note it, go on
    Hard,     ///< abort, but only during the handshake (RFC 5927)
    Refused,  ///< the same, and the reason is that nobody listens there, as a RST would say it
    TooBig,   ///< send smaller segments
};

struct IcmpVerdict {
    IcmpEffect effect = IcmpEffect::Soft;
    std::uint16_t next_hop_mtu = 0;  ///< TooBig only; 0 where the router didn't say (RFC 1191 5)
};

/// Nothing for messages that mean nothing to TCP: no error, another protocol's packet, source quench (RFC
/// 6633). Whether the quoted sequence number is in flight is TCP's to ask.
[[nodiscard]] std::optional<IcmpVerdict> icmp_verdict(const wire::IcmpMessage& message);

}  // namespace terminus::neigh
