#include "dpdk/pool.hpp"

#include <rte_eal.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "dpdk/poison_ops.hpp"
#include "packet/byte_queue.hpp"
#include "support/pool.hpp"

#if defined(__SANITIZE_ADDRESS__)
#    include <sanitizer/asan_interface.h>
#endif

using namespace terminus;
using dpdk::Pool;
using dpdk::PoolSettings;

namespace {

PoolSettings settings(const char* name, bool poisoned) {
    PoolSettings made;
    made.name = name;
    made.count = 63;
    made.cache = 16;
    made.data_room = dpdk::kFrameDataRoom;
    made.poisoned = poisoned;
    return made;
}

Pool create(const PoolSettings& wanted) {
    test::start_eal();
    auto made = Pool::create(wanted);
    if (!made.ok()) FAIL(made.error());
    return std::move(made).value();
}

}  // namespace

TEST_CASE("a pool's mbufs have the private area of a queue node and the room that was asked for") {
    const bool poisoned = GENERATE(false, true);
    const Pool pool = create(settings("shape", poisoned));
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool.get());
    REQUIRE(mbuf != nullptr);
    CHECK(mbuf->priv_size == packet::kPrivateSize);
    CHECK(rte_pktmbuf_tailroom(mbuf) == 2048);
    CHECK(pool.in_use() == 1);
    CHECK(pool.available() == 62);
    rte_pktmbuf_free(mbuf);
    CHECK(pool.in_use() == 0);
}

TEST_CASE("a pool on a node without memory is on another one") {
    PoolSettings wanted = settings("far", false);
    wanted.socket = RTE_MAX_NUMA_NODES - 1;
    CHECK(create(wanted).available() == wanted.count);
}

TEST_CASE("a pool gives all its mbufs, then none, then all again") {
    const bool poisoned = GENERATE(false, true);
    const Pool pool = create(settings("all", poisoned));
    for (int round = 0; round < 3; ++round) {
        std::vector<rte_mbuf*> taken;
        while (rte_mbuf* mbuf = rte_pktmbuf_alloc(pool.get()))
            taken.push_back(mbuf);
        CHECK(taken.size() == 63);
        for (rte_mbuf* mbuf : taken)
            rte_pktmbuf_free(mbuf);
        CHECK(pool.available() == 63);
    }
}

TEST_CASE("a freed mbuf's bytes are gone, and AddressSanitizer would report who looks") {
    const Pool pool = create(settings("poison", true));
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool.get());
    auto* bytes = reinterpret_cast<unsigned char*>(rte_pktmbuf_append(mbuf, 100));
    std::memset(bytes, 'x', 100);
    rte_pktmbuf_free(mbuf);
#if defined(__SANITIZE_ADDRESS__)
    CHECK(__asan_address_is_poisoned(bytes) == 1);
    CHECK(__asan_address_is_poisoned(mbuf) == 1);
    __asan_unpoison_memory_region(bytes, 100);
#endif
    for (int i = 0; i < 100; ++i)
        REQUIRE(bytes[i] == dpdk::kPoisonByte);
}

TEST_CASE("freed mbufs come back in the order they went, as late as possible") {
    const Pool pool = create(settings("order", true));
    rte_mbuf* first = rte_pktmbuf_alloc(pool.get());
    rte_pktmbuf_free(first);
    for (int i = 0; i < 62; ++i) {
        rte_mbuf* other = rte_pktmbuf_alloc(pool.get());
        CHECK(other != first);
        rte_pktmbuf_free(other);
    }
    rte_mbuf* again = rte_pktmbuf_alloc(pool.get());
    CHECK(again == first);
    CHECK(rte_pktmbuf_tailroom(again) == 2048);
    rte_pktmbuf_free(again);
}

TEST_CASE("a clone that is freed is poisoned without harm to the bytes it showed") {
    const Pool data = create(settings("clone_data", true));
    PoolSettings clones = settings("clone_heads", true);
    clones.data_room = 0;
    const Pool heads = create(clones);
    rte_mbuf* original = rte_pktmbuf_alloc(data.get());
    std::memset(rte_pktmbuf_append(original, 50), 'y', 50);
    rte_mbuf* clone = rte_pktmbuf_alloc(heads.get());
    rte_pktmbuf_attach(clone, original);
    rte_pktmbuf_free(clone);
    CHECK(heads.in_use() == 0);
    CHECK(rte_mbuf_refcnt_read(original) == 1);
    for (int i = 0; i < 50; ++i)
        REQUIRE(rte_pktmbuf_mtod(original, char*)[i] == 'y');
    rte_pktmbuf_free(original);
}

TEST_CASE("a pool's mbufs lie side by side, as net_af_xdp takes for granted") {
    const bool poisoned = GENERATE(false, true);
    PoolSettings wanted = settings("dense", poisoned);
    wanted.count = 4095;  // megabytes: many pages, whatever their size
    const Pool pool = create(wanted);
    const rte_mempool* mempool = pool.get();
    CHECK(mempool->nb_mem_chunks == 1);
    const std::size_t stride = mempool->header_size + mempool->elt_size + mempool->trailer_size;
    std::vector<const char*> objects;
    rte_mempool_obj_iter(
        pool.get(),
        [](rte_mempool*, void* list, void* object, unsigned) {
            static_cast<std::vector<const char*>*>(list)->push_back(static_cast<const char*>(object));
        },
        &objects);
    REQUIRE(objects.size() == wanted.count);
    const bool is_dense = std::adjacent_find(objects.begin(), objects.end(), [stride](auto a, auto b) {
                              return b != a + stride;
                          }) == objects.end();
    CHECK(is_dense);
}

TEST_CASE("a device finds a pool's mbufs where we do, clones that are freed too") {
    const Pool pool = create(settings("devices", GENERATE(false, true)));
    REQUIRE(rte_eal_iova_mode() == RTE_IOVA_VA);
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool.get());
    rte_mbuf* clone = rte_pktmbuf_alloc(pool.get());
    for (rte_mbuf* each : {mbuf, clone})
        CHECK(each->buf_iova == reinterpret_cast<rte_iova_t>(each->buf_addr));
    rte_pktmbuf_attach(clone, mbuf);
    CHECK(clone->buf_iova == mbuf->buf_iova);
    rte_pktmbuf_detach(clone);
    CHECK(clone->buf_iova == reinterpret_cast<rte_iova_t>(clone->buf_addr));
    rte_pktmbuf_free(clone);
    rte_pktmbuf_free(mbuf);
}

TEST_CASE("a pool that memory does not hold is refused with its arithmetic") {
    test::start_eal();
    PoolSettings wanted = settings("huge", false);
    wanted.count = 1u << 20;
    const auto made = Pool::create(wanted);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().find("pool huge: DPDK has no room for 1048576 mbufs (1048576 x ") == 0);
}

TEST_CASE("the memory that is foretold is what a pool takes, within the reserve") {
    test::start_eal();
    const PoolSettings wanted = settings("foretold", false);
    const dpdk::PoolMemory memory = dpdk::memory_needed(wanted);
    CHECK(memory.object_bytes >= sizeof(rte_mbuf) + packet::kPrivateSize + wanted.data_room);
    CHECK(memory.object_bytes % RTE_CACHE_LINE_SIZE == 0);
    CHECK(memory.total_bytes >= 63 * memory.object_bytes + memory.ring_bytes + memory.cache_bytes);
    const Pool pool = create(wanted);
    const rte_mempool* raw = pool.get();
    CHECK(memory.object_bytes == raw->header_size + raw->elt_size + raw->trailer_size);
    CHECK(memory.to_string(63).find("63 x " + std::to_string(memory.object_bytes) + " B") == 0);
    CHECK(dpdk::eal_megabytes(100u << 20) >= 100);
}
