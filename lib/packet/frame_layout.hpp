#pragma once

#include <rte_mempool.h>

#include <array>
#include <cstdint>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "packet/frame_access.hpp"
#include "packet/slice.hpp"
#include "wire/tcp.hpp"

/// A frame taken down, and a received one made again as it was: what stages do depends on how its bytes lie
/// in buffers.
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

/// Where a frame that a device is to cut (TSO) has its TCP checksum, from its start; 0 in others.
[[nodiscard]] inline std::uint16_t run_checksum_at(const rte_mbuf* frame) {
    if ((frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0) return 0;
    return static_cast<std::uint16_t>(frame->l2_len + frame->l3_len + wire::kTcpChecksumAt);
}

/// for_each_segment() of a frame that is sent, as it always is: with zeros for the TCP checksum of a run. A
/// driver may change that when it is offered the frame and has no room for it (virtio adds the length).
template <typename Use>
void for_each_sent_segment(const rte_mbuf* frame, Use&& use) {
    const std::uint16_t checksum_at = run_checksum_at(frame);
    for_each_segment(frame, [&, is_first = true](std::uint16_t offset, base::Bytes bytes) mutable {
        if (checksum_at != 0 && is_first) {
            constexpr std::array<std::uint8_t, 2> kZeros{};
            TERMINUS_ASSERT(bytes.size() >= checksum_at + kZeros.size(), "headers are in the first buffer");
            use(offset, bytes.first(checksum_at));
            use(offset, base::Bytes(kZeros));
            use(offset, bytes.subspan(checksum_at + kZeros.size()));
        } else {
            use(offset, bytes);
        }
        is_first = false;
    });
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
