#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <cstring>

#include "base/assert.hpp"
#include "packet/slice.hpp"
#include "wire/address.hpp"
#include "wire/checksum.hpp"

namespace terminus::packet {

/// Fills in the next hop of a finished frame that waited for it.
inline void set_destination_mac(Buffer& frame, const wire::MacAddress& mac) {
    TERMINUS_ASSERT(frame.bytes().size() >= sizeof mac.bytes, "a finished frame has its Ethernet header in one piece");
    std::memcpy(frame.mutable_bytes().data(), mac.bytes.data(), sizeof mac.bytes);
}

/// Whether the device found the transport checksum good; says nothing for devices that can't be trusted with it
/// (PortCapabilities::rx_checksum).
[[nodiscard]] inline bool device_verified_l4(const Buffer& frame) {
    return (frame.get()->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
}

/// Adds the internet checksum of [offset, offset + length) to `partial`, whatever the chain's pieces. The range lies
/// within the frame.
[[nodiscard]] inline std::uint64_t sum_bytes(const Buffer& frame, std::uint32_t offset, std::uint32_t length,
                                             std::uint64_t partial) {
    wire::ChecksumAccumulator accumulator(partial);
    for (const rte_mbuf* piece = frame.get(); piece != nullptr && length > 0; piece = piece->next) {
        if (offset >= piece->data_len) {
            offset -= piece->data_len;
            continue;
        }
        const std::uint32_t available = piece->data_len - offset;
        const std::uint32_t taken = available < length ? available : length;
        accumulator.add({rte_pktmbuf_mtod_offset(piece, const std::uint8_t*, offset), taken});
        length -= taken;
        offset = 0;
    }
    TERMINUS_ASSERT(length == 0, "the parser checked the length against the frame");
    return accumulator.partial();
}

/// Buffers of `pool` that are free, those in workers' caches included: a sum over lcores, so once a turn at most.
[[nodiscard]] inline std::uint32_t buffers_available(const rte_mempool* pool) {
    return rte_mempool_avail_count(pool);
}
[[nodiscard]] inline std::uint32_t buffers_total(const rte_mempool* pool) { return pool->size; }

}  // namespace terminus::packet
