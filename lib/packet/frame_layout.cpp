#include "packet/frame_layout.hpp"

#include <cstring>

namespace terminus::packet {

bool FrameAssembly::add(std::uint16_t offset, base::Bytes bytes) {
    Buffer made(rte_pktmbuf_alloc(pool_));
    if (!made || offset + bytes.size() > made.get()->buf_len) return false;
    rte_mbuf* const segment = made.release();
    segment->data_off = offset;
    segment->data_len = static_cast<std::uint16_t>(bytes.size());
    if (!bytes.empty()) std::memcpy(rte_pktmbuf_mtod(segment, std::uint8_t*), bytes.data(), bytes.size());
    if (last_ == nullptr) {
        segment->pkt_len = segment->data_len;
        if (is_verified_) segment->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
        frame_ = Buffer(segment);
    } else {
        last_->next = segment;
        ++frame_.get()->nb_segs;
        frame_.get()->pkt_len += segment->data_len;
    }
    last_ = segment;
    return true;
}

}  // namespace terminus::packet
