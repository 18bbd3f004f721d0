#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace terminus::drill {

/// Type and code of an ICMP message; the IP version says which protocol's.
struct IcmpNumbers {
    std::uint8_t type = 0;
    std::uint8_t code = 0;
};

/// Packetdrill's names ("unreachable", "frag_needed") as numbers of RFC 792 or, for IPv6, RFC 4443. Nothing
/// for a name that this version of IP doesn't have. An empty code is 0.
[[nodiscard]] std::optional<IcmpNumbers> icmp_numbers(bool is_v6, std::string_view type,
                                                      std::string_view code);

}  // namespace terminus::drill
