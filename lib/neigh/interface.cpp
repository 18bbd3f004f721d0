#include "neigh/interface.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace terminus::neigh {

LocalAddresses::LocalAddresses(std::span<const Interface> interfaces, std::size_t capacity)
    : capacity_(capacity) {
    TERMINUS_ASSERT(capacity <= UINT16_MAX, "ids have sixteen bits");
    slots_.reserve(capacity);
    sorted_.reserve(capacity);
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
    const auto at = static_cast<std::ptrdiff_t>(position(address));
    slots_.push_back({address, port, true});
    sorted_.insert(sorted_.begin() + at, id);
    return id;
}

void LocalAddresses::remove(LocalId id) {
    TERMINUS_ASSERT(id < slots_.size(), "ids come from add()");
    slots_[id].active = false;
}

std::optional<LocalId> LocalAddresses::find(const wire::IpAddress& address) const {
    const auto id = known(address);
    return id && slots_[*id].active ? id : std::nullopt;
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

std::size_t LocalAddresses::position(const wire::IpAddress& address) const {
    const auto at = std::lower_bound(
        sorted_.begin(), sorted_.end(), address,
        [this](LocalId id, const wire::IpAddress& wanted) { return slots_[id].address < wanted; });
    return static_cast<std::size_t>(at - sorted_.begin());
}

std::optional<LocalId> LocalAddresses::known(const wire::IpAddress& address) const {
    const std::size_t at = position(address);
    if (at == sorted_.size() || slots_[sorted_[at]].address != address) return std::nullopt;
    return sorted_[at];
}

// Of what was read.
bool LocalAddresses::is_sound() const {
    return sorted_.size() == slots_.size() &&
           std::all_of(sorted_.begin(), sorted_.end(), [this](LocalId id) { return id < slots_.size(); });
}

}  // namespace terminus::neigh
