#include "packet/byte_queue.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace terminus::packet {

struct QueueLayout {
    static_assert(sizeof(ByteQueue::Node) <= kPrivateSize, "a queue's node lives in the mbuf's private area");
};

ByteQueue::ByteQueue(ByteQueue&& other) noexcept
    : head_(std::exchange(other.head_, nullptr)),
      tail_(std::exchange(other.tail_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      buffers_(std::exchange(other.buffers_, 0)),
      cursor_(std::exchange(other.cursor_, nullptr)),
      cursor_at_(std::exchange(other.cursor_at_, 0)) {}

ByteQueue& ByteQueue::operator=(ByteQueue&& other) noexcept {
    std::swap(head_, other.head_);
    std::swap(tail_, other.tail_);
    std::swap(bytes_, other.bytes_);
    std::swap(buffers_, other.buffers_);
    std::swap(cursor_, other.cursor_);
    std::swap(cursor_at_, other.cursor_at_);
    return *this;
}

void ByteQueue::push_back(Slice slice) {
    if (slice.empty()) return;
    if (slice.length() <= kCopyMax && extend_tail(slice.bytes())) return;
    const std::uint16_t offset = slice.offset();
    const std::uint16_t length = slice.length();
    link(slice.buffer().release(), offset, length);
}

void ByteQueue::append(ByteQueue&& other) {
    TERMINUS_ASSERT(&other != this, "a queue is never appended to itself");
    if (other.head_ == nullptr) return;
    if (head_ == nullptr) {
        std::swap(head_, other.head_);
    } else {
        node(tail_).next = std::exchange(other.head_, nullptr);
    }
    tail_ = std::exchange(other.tail_, nullptr);
    bytes_ += std::exchange(other.bytes_, 0);
    buffers_ += std::exchange(other.buffers_, 0);
    other.cursor_ = nullptr;
    other.cursor_at_ = 0;
}

Slice ByteQueue::pop_front() {
    TERMINUS_ASSERT(head_ != nullptr, "callers ask empty() first");
    const Node first = node(head_);
    return Slice(Buffer(unlink_front()), first.offset, first.length);
}

ByteQueue ByteQueue::split_front(std::uint32_t bytes, rte_mempool* pool) {
    TERMINUS_ASSERT(bytes <= bytes_, "callers split off bytes that are queued");
    ByteQueue front;
    while (bytes > 0 && node(head_).length <= bytes) {
        const Node first = node(head_);
        bytes -= first.length;
        front.link(unlink_front(), first.offset, first.length);
    }
    while (bytes >
           0) {  // the first part of a slice that is cut: one buffer, or several where their room is small
        const Node& cut = node(head_);
        base::Bytes part(rte_pktmbuf_mtod_offset(head_, const std::uint8_t*, cut.offset), bytes);
        if (!(part.size() <= kCopyMax && front.extend_tail(part))) {
            rte_mbuf* copy = rte_pktmbuf_alloc(pool);
            if (copy == nullptr) break;
            const auto room = std::min<std::size_t>(rte_pktmbuf_tailroom(copy), part.size());
            TERMINUS_ASSERT(room > 0, "payload pools have room for payload");
            part = part.first(room);
            std::memcpy(rte_pktmbuf_append(copy, static_cast<std::uint16_t>(room)), part.data(), room);
            front.link(copy, 0, static_cast<std::uint16_t>(room));
        }
        drop_front(static_cast<std::uint32_t>(part.size()));
        bytes -= static_cast<std::uint32_t>(part.size());
    }
    return front;
}

void ByteQueue::drop_front(std::uint32_t bytes) {
    TERMINUS_ASSERT(bytes <= bytes_, "only bytes that are queued can be acknowledged");
    while (bytes > 0 && node(head_).length <= bytes) {
        bytes -= node(head_).length;
        rte_pktmbuf_free(unlink_front());
    }
    if (bytes == 0) return;
    Node& first = node(head_);
    first.offset = static_cast<std::uint16_t>(first.offset + bytes);
    first.length = static_cast<std::uint16_t>(first.length - bytes);
    bytes_ -= bytes;
    if (cursor_ != head_) cursor_at_ -= cursor_ != nullptr ? bytes : 0;
}

void ByteQueue::clear() {
    while (head_ != nullptr)
        rte_pktmbuf_free(unlink_front());
    TERMINUS_ASSERT(bytes_ == 0 && buffers_ == 0, "the counts follow every piece in and out");
}

bool ByteQueue::extend_tail(base::Bytes bytes) {
    if (tail_ == nullptr) return false;
    Node& last = node(tail_);
    if (last.ends_record) return false;
    if (!write_behind(tail_, std::uint32_t{last.offset} + last.length, bytes)) return false;
    last.length = static_cast<std::uint16_t>(last.length + bytes.size());
    bytes_ += static_cast<std::uint32_t>(bytes.size());
    return true;
}

void ByteQueue::link(rte_mbuf* mbuf, std::uint16_t offset, std::uint16_t length) {
    TERMINUS_ASSERT(mbuf->priv_size >= kPrivateSize,
                    "every pool of this process gives its mbufs a queue node");
    node(mbuf) = Node{nullptr, offset, length};
    if (tail_ == nullptr) {
        head_ = mbuf;
    } else {
        node(tail_).next = mbuf;
    }
    tail_ = mbuf;
    bytes_ += length;
    ++buffers_;
}

rte_mbuf* ByteQueue::unlink_front() {
    rte_mbuf* first = head_;
    const Node taken = node(first);
    head_ = taken.next;
    if (head_ == nullptr) tail_ = nullptr;
    bytes_ -= taken.length;
    --buffers_;
    if (cursor_ == first) {
        cursor_ = nullptr;
        cursor_at_ = 0;
    } else if (cursor_ != nullptr) {
        cursor_at_ -= taken.length;
    }
    return first;
}

std::uint32_t ByteQueue::of_one_record(std::uint32_t from, std::uint32_t length) const {
    std::uint32_t sum = 0;
    bool is_over = false;
    for_each_piece(from, length, [&](rte_mbuf* mbuf, std::uint16_t offset, std::uint16_t taken) {
        if (is_over) return;
        sum += taken;
        const Node& piece = node(mbuf);
        is_over = piece.ends_record && offset + taken == piece.offset + piece.length;
    });
    return sum;
}

void ByteQueue::copy_to(std::uint32_t from, base::MutableBytes out) const {
    for_each_piece(from, static_cast<std::uint32_t>(out.size()),
                   [&out](const rte_mbuf* mbuf, std::uint16_t offset, std::uint16_t length) {
                       std::memcpy(out.data(), rte_pktmbuf_mtod_offset(mbuf, const std::uint8_t*, offset),
                                   length);
                       out = out.subspan(length);
                   });
}

}  // namespace terminus::packet
