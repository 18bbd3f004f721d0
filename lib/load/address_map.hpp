#pragma once

#include <cstdint>

#include "wire/address.hpp"

namespace terminus::load {

/// Addresses in a row: they differ in their last 32 bits only.
struct AddressRange {
    wire::IpAddress first;
    std::uint32_t count = 1;

    /// The last 32 bits of `address`: with the range's family and prefix, all there is to it.
    [[nodiscard]] static std::uint32_t low(const wire::IpAddress& address);
    /// The address of this range's prefix that ends in `low`.
    [[nodiscard]] wire::IpAddress with_low(std::uint32_t low) const;
    [[nodiscard]] bool contains(const wire::IpAddress& address) const;
    /// Whether the last 32 bits of the last address don't run over, and there is an address.
    [[nodiscard]] bool is_valid() const;
};

/// Ports in a row.
struct PortRange {
    std::uint16_t first = 1;
    std::uint32_t count = 1;

    [[nodiscard]] bool is_valid() const { return first > 0 && count > 0 && first + count <= 65536; }
};

/// What tells a side's connections apart; its prefixes aside, all of them are in some range.
struct Tuple {
    std::uint32_t local = 0;   ///< last 32 bits of the address
    std::uint32_t remote = 0;  ///< likewise
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;
};

/// Every connection that a side can have, by number: computed from its addresses and ports, never searched.
class AddressMap {
 public:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    /// Connections at most: 2^27, 8 GiB of state.
    static constexpr std::uint64_t kSizeMax = std::uint64_t{1} << 27;

    /// All ranges are valid, their product is at most kSizeMax.
    AddressMap(const AddressRange& local, const PortRange& local_ports, const AddressRange& remote,
               const PortRange& remote_ports);

    [[nodiscard]] std::uint32_t size() const { return size_; }
    /// kNone when it is in none of the ranges.
    [[nodiscard]] std::uint32_t index_of(const Tuple& tuple) const {
        const std::uint32_t local = tuple.local - local_;
        const std::uint32_t local_port = std::uint32_t{tuple.local_port} - local_port_;
        const std::uint32_t remote = tuple.remote - remote_;
        const std::uint32_t remote_port = std::uint32_t{tuple.remote_port} - remote_port_;
        if (local >= locals_ || local_port >= local_ports_ || remote >= remotes_ ||
            remote_port >= remote_ports_)
            return kNone;
        return ((local * local_ports_ + local_port) * remotes_ + remote) * remote_ports_ + remote_port;
    }
    [[nodiscard]] Tuple tuple_of(std::uint32_t index) const;

 private:
    std::uint32_t local_;
    std::uint32_t locals_;
    std::uint32_t local_port_;
    std::uint32_t local_ports_;
    std::uint32_t remote_;
    std::uint32_t remotes_;
    std::uint32_t remote_port_;
    std::uint32_t remote_ports_;
    std::uint32_t size_;
};

}  // namespace terminus::load
