#pragma once

#include <rte_mempool.h>

#include <cstdint>

#include "base/bytes.hpp"
#include "packet/frame_access.hpp"
#include "packet/slice.hpp"

/// A received frame taken down, and made again as it was: what stages do depends on how its bytes lie in
/// buffers.
namespace terminus::packet {

[[nodiscard]] inline std::uint16_t segment_count(const rte_mbuf* frame) {
    return frame->nb_segs;
}
[[nodiscard]] inline std::uint32_t frame_length(const rte_mbuf* frame) {
    return frame->pkt_len;
}
/// See device_verified_l4() of packet/frame_access.hpp.
[[nodiscard]] inline bool is_verified(const rte_mbuf* frame) {
    return (frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
}

/// Calls use(offset, bytes) for each buffer of a frame: where its data begins, and the data.
template <typename Use>
void for_each_segment(const rte_mbuf* frame, Use&& use) {
    for (const rte_mbuf* segment = frame; segment != nullptr; segment = segment->next) {
        use(segment->data_off,
            base::Bytes(rte_pktmbuf_mtod(segment, const std::uint8_t*), segment->data_len));
    }
}

/// Builds such a frame again, from the front.
class FrameAssembly {
 public:
    FrameAssembly(rte_mempool* pool, bool is_verified) : pool_(pool), is_verified_(is_verified) {}
    /// False when the pool is empty, or a buffer of it has no room for that.
    [[nodiscard]] bool add(std::uint16_t offset, base::Bytes bytes);
    [[nodiscard]] Buffer finish() { return std::move(frame_); }

 private:
    rte_mempool* pool_;
    bool is_verified_;
    Buffer frame_;
    rte_mbuf* last_ = nullptr;
};

}  // namespace terminus::packet
