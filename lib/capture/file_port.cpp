#include "capture/file_port.hpp"

#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace terminus::capture {
namespace {

// Frames are read out before transmit() returns, so they may be of any kind.
constexpr packet::PortCapabilities kCapabilities{
    .tx_multi_segment = true, .tx_indirect_buffers = true, .tx_segments_max = 64};

}  // namespace

FilePort::FilePort(const Settings& settings, std::optional<Reader> from, std::optional<Writer> to)
    : Port(kCapabilities, settings.mac, settings.mtu),
      pool_(settings.pool),
      from_(std::move(from)),
      to_(std::move(to)) {
    read_ahead();
}

std::optional<base::Duration> FilePort::recorded() const {
    if (!next_) return std::nullopt;
    return next_->stamp;
}

base::Instant FilePort::next_arrival() const {
    return next_ ? timeline_.virtual_time(next_->stamp) : base::kNever;
}

void FilePort::receive(packet::Batch& into) {
    while (!into.full() && next_arrival() <= now_) {
        const base::Bytes frame = next_->frame;
        if (frame.size() > kFrameMax) {
            ++counters_.too_long;
        } else if (packet::Buffer buffer = copy(frame)) {
            ++counters_.received;
            counters_.received_bytes += frame.size();
            into.push_back(std::move(buffer));
        } else {
            ++counters_.no_buffer;
        }
        read_ahead();
    }
}

void FilePort::transmit(packet::Batch& frames) {
    for (std::uint16_t i = 0; i < frames.size(); ++i) {
        const rte_mbuf* const frame = frames.peek(i);
        ++counters_.sent;
        counters_.sent_bytes += frame->pkt_len;
        if (!to_) continue;
        to_->begin(timeline_.stamp(now_), frame->pkt_len);
        for (const rte_mbuf* segment = frame; segment != nullptr; segment = segment->next)
            to_->add({rte_pktmbuf_mtod(segment, const std::uint8_t*), segment->data_len});
    }
    frames.clear();
}

Reader::Counters FilePort::reader_counters() const {
    return from_ ? from_->counters() : Reader::Counters{};
}

base::Result<void, std::string> FilePort::close() {
    if (!to_) return {};
    return to_->close();
}

void FilePort::read_ahead() {
    next_.reset();
    if (!from_) return;
    base::Result<std::optional<Record>, std::string> read = from_->next();
    if (read) {
        next_ = read.value();
    } else {
        fault_ = read.error();
    }
}

// A frame beyond one buffer's room becomes a chain, as net_pcap's do. Empty without enough buffers.
packet::Buffer FilePort::copy(base::Bytes frame) {
    packet::Buffer head(rte_pktmbuf_alloc(pool_));
    if (!head) return head;
    rte_mbuf* last = head.get();
    std::size_t at = 0;
    for (;;) {
        const std::size_t taken = std::min<std::size_t>(frame.size() - at, rte_pktmbuf_tailroom(last));
        std::memcpy(rte_pktmbuf_mtod(last, std::uint8_t*), frame.data() + at, taken);
        last->data_len = static_cast<std::uint16_t>(taken);
        at += taken;
        if (at == frame.size()) break;
        last->next = rte_pktmbuf_alloc(pool_);
        if (last->next == nullptr) return {};
        last = last->next;
        ++head.get()->nb_segs;
    }
    head.get()->pkt_len = static_cast<std::uint32_t>(frame.size());
    return head;
}

}  // namespace terminus::capture
