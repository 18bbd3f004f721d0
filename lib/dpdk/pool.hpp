#pragma once

#include <rte_mempool.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace terminus::dpdk {

/// What a pool of mbufs is to be.
struct PoolSettings {
    std::string name;           ///< unique in the process, at most 25 characters
    std::uint32_t count = 0;    ///< mbufs; 2^n - 1 wastes least
    std::uint32_t cache = 256;  ///< mbufs each lcore may keep for itself, at most 512; ignored when poisoned
    std::uint16_t data_room = 0;  ///< bytes, headroom (RTE_PKTMBUF_HEADROOM) included; 0 for clones only
    int socket = -1;              ///< NUMA node, or another where that has no room; -1 for any
    bool side_by_side = false;  ///< mbufs without a gap between them, across hugepages too: net_af_xdp's need
    bool poisoned = false;      ///< see dpdk/poison_ops.hpp
};

/// Room for a full Ethernet frame behind the headroom: what receive and header pools have.
inline constexpr std::uint16_t kFrameDataRoom = 2048 + 128;

/// A pool of mbufs with packet::kPrivateSize bytes of private area. Freed at destruction, when all its mbufs
/// must be back and no device may use it.
class Pool {
 public:
    [[nodiscard]] static base::Result<Pool, std::string> create(const PoolSettings& settings);

    Pool(Pool&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), poisoned_(std::exchange(other.poisoned_, false)) {}
    Pool& operator=(Pool&& other) noexcept {
        std::swap(pool_, other.pool_);
        std::swap(poisoned_, other.poisoned_);
        return *this;
    }
    ~Pool();

    [[nodiscard]] rte_mempool* get() const { return pool_; }
    [[nodiscard]] std::uint32_t in_use() const;
    [[nodiscard]] std::uint32_t available() const;

 private:
    Pool(rte_mempool* pool, bool poisoned) : pool_(pool), poisoned_(poisoned) {}
    rte_mempool* pool_;
    bool poisoned_;
};

/// How a pool's memory adds up, for EAL's -m and the log at start.
struct PoolMemory {
    std::size_t object_bytes = 0;  ///< one mbuf with all that DPDK puts around it
    std::size_t ring_bytes = 0;    ///< the list of free objects
    std::size_t cache_bytes = 0;   ///< the lcores' caches
    std::size_t total_bytes = 0;   ///< with a reserve for alignment and chunk headers

    /// "65535 x 2432 B + 512 KiB free list + 525 KiB caches = 153 MiB"
    [[nodiscard]] std::string to_string(std::uint32_t count) const;
};

/// Bytes of DPDK's memory that the pool takes; needs no EAL, so the daemon can compute -m before it starts.
[[nodiscard]] PoolMemory memory_needed(const PoolSettings& settings);

/// What -m must be for pools that need `pool_bytes` in all: mebibytes, with DPDK's own needs (devices' rings,
/// tables, its heap's book-keeping) added.
[[nodiscard]] std::uint32_t eal_megabytes(std::size_t pool_bytes);

}  // namespace terminus::dpdk
