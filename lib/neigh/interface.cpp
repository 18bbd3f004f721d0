#include "neigh/interface.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"

namespace terminus::neigh {
namespace {

constexpr std::size_t kPlacesMin = 16;

}  // namespace

LocalAddresses::LocalAddresses(std::span<const Interface> interfaces, std::size_t capacity)
    : capacity_(capacity) {
    TERMINUS_ASSERT(capacity <= UINT16_MAX, "ids have sixteen bits");
    slots_.reserve(capacity);
    index_.assign(kPlacesMin, kNone);
    for (const Interface& interface : interfaces) {
        for (const wire::Prefix& prefix : interface.addresses) {
            const auto id = add(prefix.address, interface.port);
            TERMINUS_ASSERT(id.has_value(),
                            "the config bounds the addresses of interfaces below the capacity");
            if (const auto broadcast = prefix.directed_broadcast()) broadcasts_.push_back(*broadcast);
        }
    }
}

std::optional<LocalId> LocalAddresses::add(const wire::IpAddress& address, std::uint16_t port) {
    if (const auto id = known(address)) {
        Slot& slot = slots_[*id];
        if (!slot.active) {
            slot.port = port;
        } else if (slot.port != port) {
            slot.port = kEveryPort;
        }
        slot.active = true;
        return id;
    }
    if (slots_.size() == capacity_) return std::nullopt;
    const auto id = static_cast<LocalId>(slots_.size());
    slots_.push_back({address, port, true});
    if (2 * slots_.size() > index_.size()) {
        index_all();
    } else {
        index(id);
    }
    return id;
}

void LocalAddresses::remove(LocalId id) {
    TERMINUS_ASSERT(id < slots_.size(), "ids come from add()");
    slots_[id].active = false;
}

bool LocalAddresses::is_local_on(const wire::IpAddress& address, std::uint16_t port) const {
    const auto id = find(address);
    return id && (slots_[*id].port == port || slots_[*id].port == kEveryPort);
}

const wire::IpAddress& LocalAddresses::address(LocalId id) const {
    TERMINUS_ASSERT(id < slots_.size(), "ids come from add()");
    return slots_[id].address;
}

std::uint16_t LocalAddresses::port(LocalId id) const {
    TERMINUS_ASSERT(id < slots_.size(), "ids come from add()");
    return slots_[id].port;
}

bool LocalAddresses::is_active(LocalId id) const {
    return id < slots_.size() && slots_[id].active;
}

bool LocalAddresses::is_directed_broadcast(const wire::IpAddress& address) const {
    return std::find(broadcasts_.begin(), broadcasts_.end(), address) != broadcasts_.end();
}

void LocalAddresses::index(LocalId id) {
    std::size_t at = place_of(slots_[id].address);
    while (index_[at] != kNone)
        at = (at + 1) & (index_.size() - 1);
    index_[at] = id;
}

void LocalAddresses::index_all() {
    index_.assign(std::bit_ceil(std::max(kPlacesMin, 4 * slots_.size())), kNone);
    for (std::size_t id = 0; id < slots_.size(); ++id)
        index(static_cast<LocalId>(id));
}

}  // namespace terminus::neigh
