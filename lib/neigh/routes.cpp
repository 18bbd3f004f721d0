#include "neigh/routes.hpp"

#include <algorithm>

namespace terminus::neigh {

namespace {

std::size_t family(const wire::IpAddress& address) {
    return address.is_v4() ? 0 : 1;
}

// The first `bits` of 64.
std::uint64_t leading(unsigned bits) {
    return bits == 0 ? 0 : UINT64_MAX << (64 - bits);
}

}  // namespace

RouteTable::RouteTable(std::span<const Route> routes) {
    for (const Route& route : routes) {
        TERMINUS_ASSERT(!route.via || family(*route.via) == family(route.to.address),
                        "the config refuses a gateway of the other family");
        const unsigned bits = route.to.bits + (route.to.address.is_v4() ? 96u : 0u);
        const std::array<std::uint64_t, 2> mask{leading(std::min(bits, 64u)),
                                                leading(bits > 64 ? bits - 64 : 0u)};
        const std::array<std::uint64_t, 2> halves = route.to.address.halves();
        families_[family(route.to.address)].push_back({.network = {halves[0] & mask[0], halves[1] & mask[1]},
                                                       .mask = mask,
                                                       .via = route.via,
                                                       .port = route.port,
                                                       .bits = route.to.bits});
    }
    for (auto& list : families_) {
        std::stable_sort(list.begin(), list.end(),
                         [](const Row& a, const Row& b) { return a.bits > b.bits; });
    }
}

std::optional<NextHop> RouteTable::lookup(const wire::IpAddress& destination) const {
    const std::array<std::uint64_t, 2> halves = destination.halves();
    for (const Row& row : families_[family(destination)]) {
        const std::uint64_t differs =
            ((halves[0] & row.mask[0]) ^ row.network[0]) | ((halves[1] & row.mask[1]) ^ row.network[1]);
        if (differs == 0) return NextHop{row.via.value_or(destination), row.port};
    }
    return std::nullopt;
}

}  // namespace terminus::neigh
