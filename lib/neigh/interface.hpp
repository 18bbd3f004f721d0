#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/archive.hpp"
#include "wire/address.hpp"

namespace terminus::neigh {

/// A port as IP sees it.
struct Interface {
    std::uint16_t port = 0;
    wire::MacAddress mac;
    std::uint16_t mtu = 1500;             ///< bytes of an IP packet
    std::vector<wire::Prefix> addresses;  ///< ours, host bits kept, with the length of their network
};

/// Names one of our own addresses: two bytes instead of sixteen in each connection (DESIGN 3.2).
using LocalId = std::uint16_t;

/// The port of an address that is answered for on every port, such as a virtual address.
inline constexpr std::uint16_t kEveryPort = UINT16_MAX;

/// Our own addresses, interned: interface addresses, virtual addresses, source addresses. An id is valid for
/// ever: what a reload removes keeps its slot, because connections still use it, and gets the same id when it
/// comes back.
class LocalAddresses {
 public:
    /// Addresses over the whole life of the process, removed ones included; more than any config sensibly
    /// names.
    static constexpr std::size_t kDefaultCapacity = 4096;

    /// Takes in the interfaces' addresses and their directed broadcasts.
    explicit LocalAddresses(std::span<const Interface> interfaces, std::size_t capacity = kDefaultCapacity);

    /// The address's id, new or old. Nothing when the capacity is used up. An address of a port that is added
    /// for kEveryPort as well is answered for everywhere from then on.
    std::optional<LocalId> add(const wire::IpAddress& address, std::uint16_t port = kEveryPort);

    /// Not ours any more: find() passes over it, address() still knows it.
    void remove(LocalId id);

    /// The id when the address is ours at present. O(1).
    [[nodiscard]] std::optional<LocalId> find(const wire::IpAddress& address) const {
        const std::optional<LocalId> id = known(address);
        return id && slots_[*id].active ? id : std::nullopt;
    }

    /// Whether the address is ours and is answered for on `port`.
    [[nodiscard]] bool is_local_on(const wire::IpAddress& address, std::uint16_t port) const;

    [[nodiscard]] const wire::IpAddress& address(LocalId id) const;
    [[nodiscard]] std::uint16_t port(LocalId id) const;
    [[nodiscard]] bool is_active(LocalId id) const;

    /// One past the highest id given out: the bound for a walk over all.
    [[nodiscard]] std::size_t size() const { return slots_.size(); }

    /// The last address of one of our IPv4 networks: TCP to it or from it is dropped (RFC 1122 4.2.3.10).
    [[nodiscard]] bool is_directed_broadcast(const wire::IpAddress& address) const;

    /// What reloads have added and removed is in it; the broadcasts are the interfaces'.
    template <typename Archive>
    void archive(Archive& a) {
        base::archive_vector(a, slots_, capacity_);
        if constexpr (Archive::kReads) index_all();
    }

 private:
    struct Slot {
        wire::IpAddress address;
        std::uint16_t port = 0;
        bool active = false;
    };

    static constexpr LocalId kNone = UINT16_MAX;

    // Where the search for an address begins. Which addresses are ours the operator says, so nobody can crowd
    // a place.
    [[nodiscard]] std::size_t place_of(const wire::IpAddress& address) const {
        const std::array<std::uint64_t, 2> halves = address.halves();
        return ((halves[0] ^ halves[1]) * 0x9e3779b97f4a7c15u >> 32) & (index_.size() - 1);
    }
    [[nodiscard]] std::optional<LocalId> known(const wire::IpAddress& address) const {
        std::size_t at = place_of(address);
        for (; index_[at] != kNone; at = (at + 1) & (index_.size() - 1)) {
            if (slots_[index_[at]].address == address) return index_[at];
        }
        return std::nullopt;
    }
    void index(LocalId id);
    void index_all();

    std::size_t capacity_;
    std::vector<Slot> slots_;     // by id
    std::vector<LocalId> index_;  // open addressing; a power of two of places, half of them free
    std::vector<wire::IpAddress> broadcasts_;
};

}  // namespace terminus::neigh
