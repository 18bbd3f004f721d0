#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <vector>

#include "dpdk/eal.hpp"
#include "dpdk/pool.hpp"
#include "packet/slice.hpp"
#include "stack/settings.hpp"

namespace terminus::simulation {

/// A machine's own buffers, all of them poisoned while they are free (dpdk/poison_ops.hpp).
struct Pools {
    dpdk::Pool payload;
    dpdk::Pool header;
    dpdk::Pool indirect;

    [[nodiscard]] std::uint32_t in_use() const {
        return payload.in_use() + header.in_use() + indirect.in_use();
    }
    /// Payload, header, indirect.
    [[nodiscard]] const dpdk::Pool& of_kind(std::uint8_t kind) const {
        return kind == 0 ? payload : kind == 1 ? header : indirect;
    }
    [[nodiscard]] stack::Buffers buffers(std::uint32_t reserve) const {
        return {payload.get(), header.get(), indirect.get(), reserve};
    }
};

/// Buffers that somebody else has taken.
class Hoard {
 public:
    /// Until `leave` are left.
    void take(const dpdk::Pool& pool, std::uint32_t leave);
    void release() { taken_.clear(); }
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(taken_.size()); }

 private:
    std::vector<packet::Buffer> taken_;
};

inline constexpr std::uint32_t kPayloadBuffers = 4095;

/// DPDK without hugepages, devices or privileges, for this process; and the pools of three machines and of
/// the wires between them. Made once; lives as long as the process does.
class World {
 public:
    /// Ends the process when there is not enough memory.
    static const World& get();

    [[nodiscard]] const Pools& machine(std::size_t which) const { return machines_[which]; }
    [[nodiscard]] const dpdk::Pool& wire() const { return wire_; }

 private:
    World();
    dpdk::Eal eal_;
    Pools machines_[3];
    dpdk::Pool wire_;
};

}  // namespace terminus::simulation
