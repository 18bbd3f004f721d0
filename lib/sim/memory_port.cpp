#include "sim/memory_port.hpp"

#include <rte_mbuf.h>

#include <utility>

#include "base/assert.hpp"
#include "sim/segmentation.hpp"
#include "wire/ethernet.hpp"

namespace terminus::sim {

packet::PortCapabilities MemoryPort::able() {
    return {.tx_ipv4_checksum = true,
            .tx_tcp_checksum = true,
            .tx_multi_segment = true,
            .tx_indirect_buffers = true,
            .tx_segments_max = 16};
}

packet::PortCapabilities MemoryPort::plain() {
    return {};
}

packet::PortCapabilities MemoryPort::pointer_keeping() {
    return {
        .tx_multi_segment = true, .tx_indirect_buffers = true, .keeps_pointer = true, .tx_segments_max = 16};
}

packet::PortCapabilities MemoryPort::cutting() {
    packet::PortCapabilities can = able();
    can.tso_segments_max = 48;
    return can;
}

packet::PortCapabilities MemoryPort::of_kind(std::uint32_t kind) {
    TERMINUS_ASSERT(kind < kKinds, "there is no other kind");
    return kind == 0 ? able() : kind == 1 ? plain() : kind == 2 ? pointer_keeping() : cutting();
}

MemoryPort::MemoryPort(const Settings& settings)
    : Port(settings.capabilities, settings.mac, settings.mtu),
      receive_max_(settings.receive_max),
      transmit_room_(settings.transmit_room) {}

void MemoryPort::receive(packet::Batch& into) {
    while (!into.full() && !incoming_.empty()) {
        into.push_back(std::move(incoming_.front()));
        incoming_.pop_front();
    }
}

void MemoryPort::transmit(packet::Batch& frames) {
    std::uint16_t accepted = 0;
    while (accepted < frames.size() && outgoing_.size() < transmit_room_) {
        packet::Buffer frame = frames.take(accepted);
        check_is_sendable(frame.get());
        if ((frame.get()->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0) {
            cut_segments(frame, outgoing_);
        } else {
            outgoing_.push_back(std::move(frame));
        }
        ++accepted;
    }
    frames.sent(accepted);
}

void MemoryPort::arrive(packet::Buffer frame) {
    if (incoming_.size() >= receive_max_) {
        ++missed_;
        return;
    }
    incoming_.push_back(std::move(frame));
}

std::optional<packet::Buffer> MemoryPort::take_transmitted() {
    if (outgoing_.empty()) return std::nullopt;
    packet::Buffer frame = std::move(outgoing_.front());
    outgoing_.pop_front();
    return frame;
}

void MemoryPort::check_is_sendable(const rte_mbuf* frame) const {
    const packet::PortCapabilities& able = capabilities();
    TERMINUS_ASSERT(frame != nullptr, "a batch that is sent has a frame at each place");
    rte_mbuf_sanity_check(frame, 1);
    const bool is_run = (frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
    TERMINUS_ASSERT(!is_run || able.tso_segments_max > 0, "only a device that offers TSO is asked for it");
    const std::uint32_t on_wire =
        is_run ? static_cast<std::uint32_t>(frame->l2_len + frame->l3_len + frame->l4_len + frame->tso_segsz)
               : frame->pkt_len;
    TERMINUS_ASSERT(on_wire >= wire::kEthernetHeader && on_wire <= std::size_t{mtu()} + wire::kEthernetHeader,
                    "no frame is made beyond its port's MTU");
    TERMINUS_ASSERT(frame->nb_segs == 1 || able.tx_multi_segment,
                    "frames for a port without chains are linear");
    TERMINUS_ASSERT(frame->nb_segs <= (is_run ? able.tso_segments_max : able.tx_segments_max),
                    "frames have at most as many pieces as the device takes");
    std::uint32_t length = 0;
    for (const rte_mbuf* segment = frame; segment != nullptr; segment = segment->next) {
        TERMINUS_ASSERT(RTE_MBUF_DIRECT(segment) || able.tx_indirect_buffers,
                        "a port that misreads clones gets copies");
        TERMINUS_ASSERT(
            !able.keeps_pointer || (RTE_MBUF_DIRECT(segment) && rte_mbuf_refcnt_read(segment) == 1),
            "a port that hands buffers on owns them alone");
        length += segment->data_len;
    }
    TERMINUS_ASSERT(length == frame->pkt_len, "pkt_len is the sum of the segments' lengths");
    TERMINUS_ASSERT((frame->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) == 0 || able.tx_ipv4_checksum,
                    "only a device that offers IPv4 checksums is asked for them");
    TERMINUS_ASSERT((frame->ol_flags & RTE_MBUF_F_TX_L4_MASK) == 0 || able.tx_tcp_checksum,
                    "only a device that offers TCP checksums is asked for them");
}

}  // namespace terminus::sim
