#include "dpdk/poison_ops.hpp"

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <sched.h>

#include <atomic>
#include <cstring>
#include <new>

#include "base/assert.hpp"

#if defined(__SANITIZE_ADDRESS__)
#    define TERMINUS_HAS_ASAN 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define TERMINUS_HAS_ASAN 1
#    endif
#endif
#ifdef TERMINUS_HAS_ASAN
#    include <sanitizer/asan_interface.h>
#endif

namespace terminus::dpdk {
namespace {

/// The free objects of one pool: a ring under a lock. rte_ring would do too, but ThreadSanitizer misreads its
/// barriers, and a lock that yields serves workers that share a CPU.
struct FreeList {
    std::atomic_flag lock = ATOMIC_FLAG_INIT;
    bool poisoning = false;
    unsigned capacity = 0;
    unsigned first = 0;
    unsigned count = 0;
    void** objects = nullptr;
};

class Guard {
 public:
    explicit Guard(FreeList& list) : list_(list) {
        while (list_.lock.test_and_set(std::memory_order_acquire))
            sched_yield();
    }
    ~Guard() { list_.lock.clear(std::memory_order_release); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

 private:
    FreeList& list_;
};

FreeList& list_of(const rte_mempool* pool) {
    return *static_cast<FreeList*>(pool->pool_data);
}

void poison(const rte_mempool* pool, void* object) {
    // From the object alone: a freed clone is direct again, but its buf_addr is not to be relied on.
    const auto priv_size = rte_pktmbuf_priv_size(const_cast<rte_mempool*>(pool));
    auto* room = static_cast<unsigned char*>(object) + sizeof(rte_mbuf) + priv_size;
    std::memset(room, kPoisonByte, pool->elt_size - sizeof(rte_mbuf) - priv_size);
#ifdef TERMINUS_HAS_ASAN
    // The mbuf's own fields too: DPDK leaves some of them (refcnt, next) set while an mbuf is free, so their
    // values must stay, but nobody may look at them.
    ASAN_POISON_MEMORY_REGION(object, pool->elt_size);
#endif
}

void unpoison([[maybe_unused]] const rte_mempool* pool, [[maybe_unused]] void* object) {
#ifdef TERMINUS_HAS_ASAN
    ASAN_UNPOISON_MEMORY_REGION(object, pool->elt_size);
#endif
}

int allocate(rte_mempool* pool) {
    // In DPDK's memory, as the pool itself: what points at them lies there, where LeakSanitizer does not
    // look.
    void* list_room = rte_zmalloc("poison_list", sizeof(FreeList), 0);
    void* objects = rte_zmalloc("poison_objects", pool->size * sizeof(void*), 0);
    if (list_room == nullptr || objects == nullptr) {
        rte_free(list_room);
        rte_free(objects);
        return -ENOMEM;
    }
    auto* list = new (list_room) FreeList;
    list->capacity = pool->size;
    list->objects = static_cast<void**>(objects);
    pool->pool_data = list;
    return 0;
}

void release(rte_mempool* pool) {
    if (pool->pool_data == nullptr) return;  // a pool that could not be made
    FreeList* list = &list_of(pool);
    rte_free(list->objects);
    rte_free(list);
    pool->pool_data = nullptr;
}

int enqueue(rte_mempool* pool, void* const* objects, unsigned count) {
    FreeList& list = list_of(pool);
    if (list.poisoning) {
        for (unsigned i = 0; i < count; ++i)
            poison(pool, objects[i]);
    }
    const Guard guard(list);
    TERMINUS_ASSERT(count <= list.capacity - list.count,
                    "an mbuf is freed once, so never more than the pool has");
    for (unsigned i = 0; i < count; ++i) {
        list.objects[(list.first + list.count) % list.capacity] = objects[i];
        ++list.count;
    }
    return 0;
}

int dequeue(rte_mempool* pool, void** objects, unsigned count) {
    FreeList& list = list_of(pool);
    {
        const Guard guard(list);
        if (list.count < count) return -ENOBUFS;
        for (unsigned i = 0; i < count; ++i) {
            objects[i] = list.objects[list.first];
            list.first = (list.first + 1) % list.capacity;
        }
        list.count -= count;
    }
    if (list.poisoning) {
        for (unsigned i = 0; i < count; ++i)
            unpoison(pool, objects[i]);
    }
    return 0;
}

unsigned count_free(const rte_mempool* pool) {
    FreeList& list = list_of(pool);
    const Guard guard(list);
    return list.count;
}

rte_mempool_ops poison_ops() {
    rte_mempool_ops ops{};
    std::strncpy(ops.name, kPoisonOpsName, sizeof ops.name - 1);
    ops.alloc = allocate;
    ops.free = release;
    ops.enqueue = enqueue;
    ops.dequeue = dequeue;
    ops.get_count = count_free;
    return ops;
}

}  // namespace

void register_poisoned_mempool_ops() {
    static const int index = [] {
        const rte_mempool_ops ops = poison_ops();
        return rte_mempool_register_ops(&ops);
    }();
    TERMINUS_ASSERT(index >= 0,
                    "DPDK's table of ops has 16 places, and its own drivers take about half of them");
}

void start_poisoning(rte_mempool* pool) {
    TERMINUS_ASSERT(pool->cache_size == 0, "a cache would hand freed objects out again unseen");
    FreeList& list = list_of(pool);
    for (unsigned i = 0; i < list.count; ++i)
        poison(pool, list.objects[(list.first + i) % list.capacity]);
    list.poisoning = true;
}

void stop_poisoning(rte_mempool* pool) {
    FreeList& list = list_of(pool);
    list.poisoning = false;
    for (unsigned i = 0; i < list.count; ++i)
        unpoison(pool, list.objects[(list.first + i) % list.capacity]);
}

}  // namespace terminus::dpdk
