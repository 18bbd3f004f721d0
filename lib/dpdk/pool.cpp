#include "dpdk/pool.hpp"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>

#include "base/assert.hpp"
#include "dpdk/poison_ops.hpp"
#include "packet/byte_queue.hpp"

namespace terminus::dpdk {
namespace {

/// rte_ring's relaxed-tail mode: a thread that loses its CPU inside an operation does not keep the others
/// spinning, as it would in the default mode when workers share a CPU. With the caches in front, the pool's
/// ring is touched once in a few hundred mbufs, so what it costs elsewhere can't be measured.
constexpr const char* kSharedRingOps = "ring_mt_rts";

/// DPDK's own needs beside the pools: descriptor rings and queues of a few devices, the reassembly tables,
/// memzones, and its allocator's rounding. Measured: an idle process with four ports stays under 20 MiB.
constexpr std::size_t kEalReserveBytes = 32u << 20;

/// DPDK gives objects that may straddle pages no address for devices: a NIC would read and write at zero.
/// Where devices see memory as we do, it is the object's own.
void set_device_address(rte_mempool*, void*, void* object, unsigned) {
    rte_mempool_get_header(object)->iova = reinterpret_cast<rte_iova_t>(object);
}

/// Whether objects may straddle two pages. In hugepages they need not: it takes one in 840 mbufs, and a page
/// may end the memory that a device sees in one piece, or that whoever emulates one maps in one piece (QEMU:
/// docs/testing.md). Otherwise they have to: without hugepages each mbuf would take a page of 4 KiB, and
/// net_af_xdp registers count times the size of an object, so that what is sent from or received into the
/// mbufs behind that is lost and nothing is counted.
bool may_straddle(const PoolSettings& settings) {
    if (rte_eal_has_hugepages() == 0) return true;
    return settings.side_by_side && rte_eal_iova_mode() == RTE_IOVA_VA;
}

/// rte_pktmbuf_pool_create_by_ops() with flags.
rte_mempool* make_mempool(const PoolSettings& settings) {
    const auto element = static_cast<unsigned>(sizeof(rte_mbuf) + packet::kPrivateSize + settings.data_room);
    rte_mempool* pool =
        rte_mempool_create_empty(settings.name.c_str(), settings.count, element,
                                 settings.poisoned ? 0 : settings.cache, sizeof(rte_pktmbuf_pool_private),
                                 settings.socket, may_straddle(settings) ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0);
    if (pool == nullptr) return nullptr;
    rte_pktmbuf_pool_private sizes{};
    sizes.mbuf_data_room_size = settings.data_room;
    sizes.mbuf_priv_size = packet::kPrivateSize;
    int failed =
        rte_mempool_set_ops_byname(pool, settings.poisoned ? kPoisonOpsName : kSharedRingOps, nullptr);
    if (failed == 0) {
        rte_pktmbuf_pool_init(pool, &sizes);
        failed = std::min(rte_mempool_populate_default(pool), 0);
    }
    if (failed != 0) {
        rte_mempool_free(pool);
        rte_errno = -failed;
        return nullptr;
    }
    if (rte_eal_iova_mode() == RTE_IOVA_VA) rte_mempool_obj_iter(pool, set_device_address, nullptr);
    rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
    return pool;
}

std::string kibibytes(std::size_t bytes) {
    return std::to_string((bytes + 1023) / 1024) + " KiB";
}
std::string mebibytes(std::size_t bytes) {
    return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

}  // namespace

base::Result<Pool, std::string> Pool::create(const PoolSettings& settings) {
    TERMINUS_ASSERT(settings.count > 0, "a pool is sized from a validated config");
    if (settings.poisoned) register_poisoned_mempool_ops();
    rte_mempool* pool = make_mempool(settings);
    if (pool == nullptr && settings.socket != SOCKET_ID_ANY) {
        PoolSettings anywhere = settings;
        anywhere.socket = SOCKET_ID_ANY;
        pool = make_mempool(anywhere);
    }
    if (pool == nullptr) {
        return base::Failure{
            "pool " + settings.name + ": DPDK has no room for " + std::to_string(settings.count) +
            " mbufs (" + memory_needed(settings).to_string(settings.count) + "): " + rte_strerror(rte_errno)};
    }
    if (settings.poisoned) start_poisoning(pool);
    return Pool(pool, settings.poisoned);
}

Pool::~Pool() {
    if (pool_ == nullptr) return;
    if (poisoned_) stop_poisoning(pool_);
    rte_mempool_free(pool_);
}

std::uint32_t Pool::in_use() const {
    return rte_mempool_in_use_count(pool_);
}
std::uint32_t Pool::available() const {
    return rte_mempool_avail_count(pool_);
}

PoolMemory memory_needed(const PoolSettings& settings) {
    PoolMemory memory;
    const auto element =
        static_cast<std::uint32_t>(sizeof(rte_mbuf) + packet::kPrivateSize + settings.data_room);
    memory.object_bytes = rte_mempool_calc_obj_size(element, 0, nullptr);
    memory.ring_bytes = static_cast<std::size_t>(rte_ring_get_memsize(rte_align32pow2(settings.count + 1)));
    const std::size_t cache_count = settings.poisoned || settings.cache == 0 ? 0 : RTE_MAX_LCORE;
    memory.cache_bytes = cache_count * sizeof(rte_mempool_cache);
    const std::size_t sum = settings.count * memory.object_bytes + memory.ring_bytes + memory.cache_bytes;
    // Objects don't straddle pages, so each 2 MiB page may lose most of one; chunk headers and alignment are
    // less.
    memory.total_bytes = sum + (sum / (2u << 20) + 1) * memory.object_bytes + (1u << 20);
    return memory;
}

std::string PoolMemory::to_string(std::uint32_t count) const {
    return std::to_string(count) + " x " + std::to_string(object_bytes) + " B + " + kibibytes(ring_bytes) +
           " free list + " + kibibytes(cache_bytes) + " caches = " + mebibytes(total_bytes);
}

std::uint32_t eal_megabytes(std::size_t pool_bytes) {
    return static_cast<std::uint32_t>((pool_bytes + kEalReserveBytes + (1u << 20) - 1) >> 20);
}

}  // namespace terminus::dpdk
