#include "memory_device.hpp"

#include <rte_mbuf.h>

#include <algorithm>
#include <stdexcept>

namespace terminus::bench {

MemoryDevice::MemoryDevice(rte_mempool* pool, wire::MacAddress mac, packet::PortCapabilities capabilities)
    : Port(capabilities, mac, 1500), pool_(pool), posted_(kDescriptors), sent_ring_(kDescriptors) {
    for (rte_mbuf*& mbuf : posted_)
        mbuf = fresh();
}

MemoryDevice::~MemoryDevice() {
    for (rte_mbuf* mbuf : posted_)
        rte_pktmbuf_free(mbuf);
    seen_ = sent_;
    forget_sent();
}

void MemoryDevice::forget_sent() {
    while (freed_ != seen_)
        free_oldest();
}

rte_mbuf* MemoryDevice::fresh() const {
    rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_);
    if (mbuf == nullptr) throw std::runtime_error("no buffer is left for the device");
    return mbuf;
}

void MemoryDevice::receive(packet::Batch& into) {
    const std::uint32_t count = std::min<std::uint32_t>(waiting(), into.room());
    rte_mbuf** const frames = into.end();
    for (std::uint32_t i = 0; i < count; ++i) {
        rte_mbuf*& posted = posted_[(taken_ + i) % kDescriptors];
        frames[i] = posted;
        if (capabilities().rx_checksum)
            posted->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
        posted = fresh();
    }
    taken_ += count;
    into.received(static_cast<std::uint16_t>(count));
}

void MemoryDevice::transmit(packet::Batch& frames) {
    std::uint16_t taken = 0;
    for (; taken < frames.size(); ++taken) {
        rte_mbuf* const frame = frames.begin()[taken];
        while (used_ + frame->nb_segs > kDescriptors && freed_ != seen_)
            free_oldest();
        if (used_ + frame->nb_segs > kDescriptors) break;
        used_ += frame->nb_segs;
        sent_ring_[sent_++ % kDescriptors] = frame;
    }
    frames.sent(taken);
}

void MemoryDevice::free_oldest() {
    rte_mbuf* const frame = sent_ring_[freed_++ % kDescriptors];
    used_ -= frame->nb_segs;
    rte_pktmbuf_free(frame);
}

std::uint8_t* MemoryDevice::arrive(std::uint32_t frame_bytes) {
    if (waiting() == kDescriptors)
        throw std::runtime_error("more frames at once than the device has descriptors");
    rte_mbuf* const mbuf = posted_[arrived_++ % kDescriptors];
    mbuf->data_len = static_cast<std::uint16_t>(frame_bytes);
    mbuf->pkt_len = frame_bytes;
    return rte_pktmbuf_mtod(mbuf, std::uint8_t*);
}

}  // namespace terminus::bench
