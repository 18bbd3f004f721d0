#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/assert.hpp"
#include "wire/address.hpp"

namespace terminus::neigh {

/// A configured way: a connected prefix (no `via`), a static route, or a default route (0 bits).
struct Route {
    wire::Prefix to;
    std::optional<wire::IpAddress> via;  ///< the gateway, of the prefix's family; nothing when on the link
    std::uint16_t port = 0;
};

/// Who gets the frame: the destination itself or a gateway, and the port it leaves by.
struct NextHop {
    wire::IpAddress address;
    std::uint16_t port = 0;

    friend bool operator==(const NextHop&, const NextHop&) = default;
};

/// Longest-prefix match for both families. A linear search in a list sorted by length: an appliance has a
/// handful of routes, and they fit a few cache lines.
class RouteTable {
 public:
    /// Of routes with one prefix the first given counts.
    explicit RouteTable(std::span<const Route> routes);

    /// Nothing when no route leads there; the caller drops and counts NoRoute. Multicast is no business of
    /// routes.
    [[nodiscard]] std::optional<NextHop> lookup(const wire::IpAddress& destination) const;

    [[nodiscard]] std::size_t size() const { return families_[0].size() + families_[1].size(); }

 private:
    /// A route as it is compared: an address belongs to it when its halves under the mask are these.
    struct Row {
        std::array<std::uint64_t, 2> network;
        std::array<std::uint64_t, 2> mask;
        std::optional<wire::IpAddress> via;
        std::uint16_t port;
        std::uint8_t bits;
    };
    std::array<std::vector<Row>, 2> families_;  // IPv4, IPv6; each longest first
};

}  // namespace terminus::neigh
