#pragma once

#include <rte_mempool.h>

/// A mempool's memory never goes back to malloc, so AddressSanitizer sees no use after free of an mbuf. Pools
/// with these ops make up for it: while an object is free its data room holds 0xdb (a device that still sends
/// it sends rubbish, and a payload's hash shows it) and, under AddressSanitizer, any touch of it is reported.
/// Free objects are handed out in the order in which they came back, so that a stale pointer stays stale for
/// as long as possible. Slow (a data room is written at each free): for tests and sanitised runs.
namespace terminus::dpdk {

/// The name by which rte_mempool knows the ops.
inline constexpr const char* kPoisonOpsName = "terminus_poison";

/// Byte that fills the data room of a freed mbuf.
inline constexpr unsigned char kPoisonByte = 0xdb;

/// Makes the ops known to this process; once is enough, more does no harm. Call after Eal::start(): a pool's
/// ops are found by their place in a table, which EAL's plugins fill too.
void register_poisoned_mempool_ops();

/// Poisons what is free in `pool` and from now on what becomes free. The pool has these ops, no cache (a
/// cache would keep freed objects out of their sight), and its mbufs are initialised.
void start_poisoning(rte_mempool* pool);

/// Makes all objects readable again: before rte_mempool_free().
void stop_poisoning(rte_mempool* pool);

}  // namespace terminus::dpdk
