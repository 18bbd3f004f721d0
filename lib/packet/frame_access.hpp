#pragma once

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "packet/slice.hpp"
#include "wire/address.hpp"
#include "wire/checksum.hpp"

/// What stages above want to know of, or change in, a frame or a pool without touching mbufs themselves.
namespace terminus::packet {

/// Whether the device that received the frame says that it verified the transport checksum and found it good.
/// Worth something only where PortCapabilities::rx_checksum is set.
[[nodiscard]] inline bool device_verified_l4(const Buffer& frame) {
    return (frame.get()->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
}

/// `partial` and the checksum's sum over bytes [offset, offset + length) of a frame that may be a chain; the
/// range lies within the frame.
[[nodiscard]] inline std::uint64_t sum_bytes(const Buffer& frame, std::uint32_t offset, std::uint32_t length,
                                             std::uint64_t partial) {
    TERMINUS_ASSERT(offset <= frame.length() && length <= frame.length() - offset,
                    "the IP header's length was held against the frame's");
    wire::ChecksumAccumulator sum(partial);
    for (const rte_mbuf* segment = frame.get(); length > 0; segment = segment->next) {
        TERMINUS_ASSERT(segment != nullptr, "pkt_len is the sum of the segments' lengths");
        if (offset >= segment->data_len) {
            offset -= segment->data_len;
            continue;
        }
        const std::uint32_t taken = std::min(segment->data_len - offset, length);
        sum.add({rte_pktmbuf_mtod_offset(segment, const std::uint8_t*, offset), taken});
        offset = 0;
        length -= taken;
    }
    return sum.partial();
}

/// How many segments the device makes of a frame that it is to cut (TSO); 0 for others.
[[nodiscard]] inline std::uint32_t segments_of_run(const Buffer& frame) {
    const rte_mbuf& mbuf = *frame.get();
    if ((mbuf.ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0) return 0;
    const auto headers = static_cast<std::uint32_t>(mbuf.l2_len + mbuf.l3_len + mbuf.l4_len);
    return (mbuf.pkt_len - headers + mbuf.tso_segsz - 1u) / mbuf.tso_segsz;
}

/// For a frame that waited for its next hop's address.
inline void set_destination_mac(Buffer& frame, const wire::MacAddress& mac) {
    TERMINUS_ASSERT(frame.bytes().size() >= mac.bytes.size(),
                    "every frame made here has its Ethernet header");
    std::copy(mac.bytes.begin(), mac.bytes.end(), frame.mutable_bytes().begin());
}

/// A frame of `length` bytes that begins with `head`; what lies behind is the caller's to write. Empty when
/// the pool is. For those who keep their headers ready-made: a buffer of the pool has room for all of it.
[[nodiscard]] inline Buffer begin_frame(rte_mempool* pool, base::Bytes head, std::uint16_t length) {
    Buffer frame(rte_pktmbuf_alloc(pool));
    if (!frame) return frame;
    char* start = rte_pktmbuf_append(frame.get(), length);
    TERMINUS_ASSERT(start != nullptr && head.size() <= length, "the caller knows its pool and its header");
    std::memcpy(start, head.data(), head.size());
    return frame;
}

/// mbufs that the pool has free, the lcores' caches included. Walks the caches of all lcores that DPDK could
/// have, a cache line each: for reports.
[[nodiscard]] inline std::uint32_t buffers_available(const rte_mempool* pool) {
    return rte_mempool_avail_count(pool);
}
/// mbufs that the calling thread could take now: what is in its own cache and in nobody's. Once a turn.
[[nodiscard]] inline std::uint32_t buffers_within_reach(rte_mempool* pool) {
    const rte_mempool_cache* const own = rte_mempool_default_cache(pool, rte_lcore_id());
    const unsigned in_ring = rte_mempool_get_ops(pool->ops_index)->get_count(pool);
    return in_ring + (own == nullptr ? 0 : own->len);
}
/// mbufs that the pool has in all.
[[nodiscard]] inline std::uint32_t buffers_total(const rte_mempool* pool) {
    return pool->size;
}

}  // namespace terminus::packet
