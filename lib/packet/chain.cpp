#include "packet/chain.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "packet/byte_queue.hpp"

namespace terminus::packet {
namespace {

/// Takes the first segment off `chain` as a frame of its own; `chain` keeps the rest, or nothing.
Buffer pop_segment(rte_mbuf*& chain) {
    rte_mbuf* first = std::exchange(chain, chain->next);
    if (chain != nullptr) {
        chain->nb_segs = static_cast<std::uint16_t>(first->nb_segs - 1);
        chain->pkt_len = first->pkt_len - first->data_len;
    }
    first->next = nullptr;
    first->nb_segs = 1;
    first->pkt_len = first->data_len;
    return Buffer(first);
}

/// Moves `count` bytes from the front of the segments behind `head` to the end of `head`, which has the room.
void pull(rte_mbuf* head, std::uint32_t count) {
    while (count > 0) {
        rte_mbuf* source = head->next;
        TERMINUS_ASSERT(source != nullptr, "pkt_len is the sum of the segments' lengths");
        TERMINUS_ASSERT(rte_mbuf_refcnt_read(source) == 1, "a frame just received is nobody else's");
        const auto taken = static_cast<std::uint16_t>(std::min<std::uint32_t>(count, source->data_len));
        std::memcpy(rte_pktmbuf_mtod_offset(head, std::uint8_t*, head->data_len),
                    rte_pktmbuf_mtod(source, const std::uint8_t*), taken);
        head->data_len = static_cast<std::uint16_t>(head->data_len + taken);
        source->data_off = static_cast<std::uint16_t>(source->data_off + taken);
        source->data_len = static_cast<std::uint16_t>(source->data_len - taken);
        count -= taken;
        if (source->data_len == 0) {
            head->next = source->next;
            --head->nb_segs;
            source->next = nullptr;
            rte_pktmbuf_free_seg(source);
        }
    }
}

bool add_piece(SliceList& list, Buffer segment, std::uint16_t offset, std::uint16_t length) {
    Slice piece(std::move(segment), offset, length);
    const bool is_small = length <= ByteQueue::kCopyMax;
    if (list.size() > 0 && (is_small || list.size() > kSlicesMax / 2) &&
        list[list.size() - 1].extend(piece.bytes())) {
        return true;
    }
    if (list.full()) return false;
    list.push_back(std::move(piece));
    return true;
}

}  // namespace

bool detail::pull_headers(Buffer& frame, std::uint32_t wanted, rte_mempool* pool) {
    rte_mbuf* head = frame.get();
    const bool is_ours_to_write = rte_mbuf_refcnt_read(head) == 1 && RTE_MBUF_DIRECT(head);
    if (is_ours_to_write && rte_pktmbuf_tailroom(head) >= wanted - head->data_len) {
        pull(head, wanted - head->data_len);
        return true;
    }
    rte_mbuf* fresh = rte_pktmbuf_alloc(pool);
    if (fresh == nullptr) return false;
    TERMINUS_ASSERT(rte_pktmbuf_tailroom(fresh) >= wanted, "headers are far shorter than a payload buffer");
    fresh->port = head->port;
    fresh->ol_flags = head->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
    fresh->nb_segs = static_cast<std::uint16_t>(head->nb_segs + 1);
    fresh->pkt_len = head->pkt_len;
    fresh->next = frame.release();
    pull(fresh, wanted);
    frame = Buffer(fresh);
    return true;
}

SliceList split_payload(Buffer frame, std::uint32_t offset, std::uint32_t length) {
    TERMINUS_ASSERT(offset <= frame.length() && length <= frame.length() - offset,
                    "the IP header's length was held against the frame's");
    SliceList list;
    rte_mbuf* rest = frame.release();
    while (rest != nullptr && length > 0) {
        Buffer segment = pop_segment(rest);
        const std::uint32_t bytes = segment.length();
        if (offset >= bytes) {
            offset -= bytes;
            continue;
        }
        const std::uint32_t taken = std::min(bytes - offset, length);
        if (!add_piece(list, std::move(segment), static_cast<std::uint16_t>(offset),
                       static_cast<std::uint16_t>(taken))) {
            list.clear();
            break;
        }
        offset = 0;
        length -= taken;
    }
    rte_pktmbuf_free(rest);  // what follows the payload; nullptr is fine
    return list;
}

void trim_chain(Buffer& frame, std::uint32_t bytes) {
    TERMINUS_ASSERT(bytes > 0 && bytes <= frame.length(),
                    "callers cut behind the packet that the frame holds");
    rte_mbuf* head = frame.get();
    rte_mbuf* last = head;
    std::uint32_t before = 0;
    std::uint16_t kept = 1;
    while (before + last->data_len < bytes) {
        before += last->data_len;
        last = last->next;
        ++kept;
    }
    last->data_len = static_cast<std::uint16_t>(bytes - before);
    rte_pktmbuf_free(std::exchange(last->next, nullptr));
    head->nb_segs = kept;
    head->pkt_len = bytes;
}

}  // namespace terminus::packet
