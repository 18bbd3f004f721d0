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

    /// The id when the address is ours at present. O(log n).
    [[nodiscard]] std::optional<LocalId> find(const wire::IpAddress& address) const;

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
        base::archive_vector(a, sorted_, capacity_);
        if constexpr (Archive::kReads) a.require(is_sound());
    }

 private:
    struct Slot {
        wire::IpAddress address;
        std::uint16_t port = 0;
        bool active = false;
    };

    // Where the address stands, or would stand, in sorted_.
    [[nodiscard]] std::size_t position(const wire::IpAddress& address) const;
    [[nodiscard]] std::optional<LocalId> known(const wire::IpAddress& address) const;
    [[nodiscard]] bool is_sound() const;

    std::size_t capacity_;
    std::vector<Slot> slots_;      // by id
    std::vector<LocalId> sorted_;  // by address
    std::vector<wire::IpAddress> broadcasts_;
};

}  // namespace terminus::neigh
