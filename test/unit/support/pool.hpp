#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "packet/byte_queue.hpp"
#include "packet/slice.hpp"

/// One EAL and one poisoned pool of mbufs (dpdk/poison_ops.hpp) for a test program, made at first use:
/// without hugepages, devices or privileges.
namespace terminus::test {

/// Starts EAL if that has not been done, with so much memory; for tests that need DPDK but no pool, or pools
/// of their own.
void start_eal(std::uint32_t megabytes = 128);

/// 8191 mbufs with packet::kPrivateSize bytes of private area and a 2048-byte data room behind the headroom.
rte_mempool* pool();

/// 2047 mbufs without a data room, for clones.
rte_mempool* indirect_pool();

/// A single-segment mbuf of pool() that holds `bytes`, at most 2048.
packet::Buffer make_buffer(base::Bytes bytes);

/// A chain whose segments hold `segment_bytes` each (the last one what is left).
packet::Buffer make_chain(base::Bytes bytes, std::size_t segment_bytes);

/// A slice that covers a new buffer.
packet::Slice make_slice(base::Bytes bytes);
packet::Slice make_slice(std::string_view text);

/// All bytes that the queue holds, or that the chain holds.
std::string to_string(const packet::ByteQueue& queue);
std::string to_string(const packet::Buffer& frame);

/// mbufs of both pools that are not free. A test that leaks none finds it as it was.
std::uint32_t buffers_in_use();

}  // namespace terminus::test
