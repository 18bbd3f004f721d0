#include "sim/frame_copy.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "packet/frame_access.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace terminus::sim {
namespace {

// Zeros would hide a reader that takes padding for payload.
constexpr std::uint8_t kPadding = 0xee;

/// Appends to a chain piece by piece.
class ChainWriter {
 public:
    ChainWriter(rte_mempool* pool, std::uint16_t segment_bytes)
        : pool_(pool), segment_bytes_(segment_bytes == 0 ? UINT16_MAX : segment_bytes) {}

    /// False when the pool is empty.
    bool append(base::Bytes bytes) {
        while (!bytes.empty()) {
            if (room() == 0 && !add_segment()) return false;
            const std::size_t taken = std::min<std::size_t>(bytes.size(), room());
            std::memcpy(rte_pktmbuf_mtod_offset(last_, std::uint8_t*, last_->data_len), bytes.data(), taken);
            last_->data_len = static_cast<std::uint16_t>(last_->data_len + taken);
            head_.get()->pkt_len += static_cast<std::uint32_t>(taken);
            bytes = bytes.subspan(taken);
        }
        return true;
    }
    [[nodiscard]] std::uint32_t length() const { return head_ ? head_.length() : 0; }
    [[nodiscard]] packet::Buffer finish() { return std::move(head_); }

 private:
    [[nodiscard]] std::uint32_t room() const {
        if (last_ == nullptr || last_->data_len >= segment_bytes_) return 0;
        return std::min<std::uint32_t>(rte_pktmbuf_tailroom(last_), segment_bytes_ - last_->data_len);
    }
    bool add_segment() {
        rte_mbuf* const made = rte_pktmbuf_alloc(pool_);
        if (made == nullptr) return false;
        TERMINUS_ASSERT(rte_pktmbuf_tailroom(made) > 0, "frames are copied into a pool with data room");
        if (last_ == nullptr) {
            head_ = packet::Buffer(made);
        } else {
            last_->next = made;
            ++head_.get()->nb_segs;
        }
        last_ = made;
        return true;
    }

    rte_mempool* pool_;
    std::uint16_t segment_bytes_;
    packet::Buffer head_;
    rte_mbuf* last_ = nullptr;
};

void store_be16_at(packet::Buffer& frame, std::uint32_t offset, std::uint16_t value) {
    std::uint8_t bytes[2];
    base::store_be16(bytes, value);
    for (const std::uint8_t byte : bytes) {
        rte_mbuf* segment = frame.get();
        std::uint32_t at = offset++;
        while (at >= segment->data_len) {
            at -= segment->data_len;
            segment = segment->next;
            TERMINUS_ASSERT(segment != nullptr, "the flags were set by who wrote the headers");
        }
        *rte_pktmbuf_mtod_offset(segment, std::uint8_t*, at) = byte;
    }
}

/// What the device was asked for, by the flags of `asked`.
void finish_checksums(const rte_mbuf& asked, packet::Buffer& copy) {
    const std::uint32_t l3 = asked.l2_len;
    const std::uint32_t l4 = l3 + asked.l3_len;
    if ((asked.ol_flags & RTE_MBUF_F_TX_IP_CKSUM) != 0) {
        const std::uint64_t sum = packet::sum_bytes(copy, l3, asked.l3_len, 0);
        store_be16_at(copy, l3 + wire::kIpv4ChecksumAt, wire::finish(sum));
    }
    if ((asked.ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM) {
        // The field holds the pseudo-header's sum already.
        const std::uint64_t sum = packet::sum_bytes(copy, l4, asked.pkt_len - l4, 0);
        store_be16_at(copy, l4 + wire::kTcpChecksumAt, wire::finish(sum));
    }
}

bool pad(ChainWriter& writer) {
    while (writer.length() < wire::kEthernetFrameMin) {
        if (!writer.append({&kPadding, 1})) return false;
    }
    return true;
}

}  // namespace

packet::Buffer copy_frame(const packet::Buffer& frame, rte_mempool* pool, std::uint16_t segment_bytes) {
    ChainWriter writer(pool, segment_bytes);
    for (const rte_mbuf* segment = frame.get(); segment != nullptr; segment = segment->next) {
        if (!writer.append({rte_pktmbuf_mtod(segment, const std::uint8_t*), segment->data_len})) return {};
    }
    if (!pad(writer)) return {};
    packet::Buffer copy = writer.finish();
    finish_checksums(*frame.get(), copy);
    return copy;
}

packet::Buffer copy_bytes(base::Bytes bytes, rte_mempool* pool, std::uint16_t segment_bytes) {
    ChainWriter writer(pool, segment_bytes);
    if (!writer.append(bytes) || !pad(writer)) return {};
    return writer.finish();
}

}  // namespace terminus::sim
