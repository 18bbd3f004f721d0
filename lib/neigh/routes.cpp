#include "neigh/routes.hpp"

#include <algorithm>

namespace terminus::neigh {

namespace {

std::size_t family(const wire::IpAddress& address) {
    return address.is_v4() ? 0 : 1;
}

}  // namespace

RouteTable::RouteTable(std::span<const Route> routes) {
    for (const Route& route : routes) {
        TERMINUS_ASSERT(!route.via || family(*route.via) == family(route.to.address),
                        "the config refuses a gateway of the other family");
        families_[family(route.to.address)].push_back(route);
    }
    for (auto& list : families_) {
        std::stable_sort(list.begin(), list.end(),
                         [](const Route& a, const Route& b) { return a.to.bits > b.to.bits; });
    }
}

std::optional<NextHop> RouteTable::lookup(const wire::IpAddress& destination) const {
    for (const Route& route : families_[family(destination)]) {
        if (route.to.contains(destination)) return NextHop{route.via.value_or(destination), route.port};
    }
    return std::nullopt;
}

}  // namespace terminus::neigh
