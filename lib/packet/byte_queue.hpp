#pragma once

#include <cstdint>

#include "base/assert.hpp"
#include "packet/archive.hpp"
#include "packet/slice.hpp"

namespace terminus::packet {

/// A byte stream made of slices: a receive queue, a send queue, or bytes on their way from one to the other.
/// Nodes live in the mbufs' private area (kPrivateSize), so a queue allocates nothing and an empty one is 32
/// bytes. Each mbuf is in at most one queue.
class ByteQueue {
 public:
    /// A slice up to this long is copied into the tail's free room instead of keeping an mbuf of its own: a
    /// copy of four cache lines costs less than the buffer it frees, and bounds the waste of a stream of tiny
    /// segments.
    static constexpr std::uint16_t kCopyMax = 256;

    ByteQueue() = default;
    ByteQueue(ByteQueue&& other) noexcept;
    ByteQueue& operator=(ByteQueue&& other) noexcept;
    ~ByteQueue() { clear(); }

    [[nodiscard]] bool empty() const { return bytes_ == 0; }
    [[nodiscard]] std::uint32_t size_bytes() const { return bytes_; }
    /// mbufs held: what budgets count (DESIGN 3.6).
    [[nodiscard]] std::uint32_t buffer_count() const { return buffers_; }

    /// Appends. A small slice is copied into the tail mbuf's free room when the tail is ours alone and ends
    /// its bytes there, so that ten bytes don't pin 2 KiB; the slice's own mbuf is then freed at once.
    void push_back(Slice slice);
    /// Appends all of `other`, O(1).
    void append(ByteQueue&& other);
    /// What is appended from now on is another record's: its bytes never join the last buffer. The queue is
    /// not empty.
    void end_record() { node(tail_).ends_record = true; }
    /// How many of the `length` bytes from `from` on belong to one record; the range lies within the queue.
    [[nodiscard]] std::uint32_t of_one_record(std::uint32_t from, std::uint32_t length) const;
    /// Removes and returns the first slice; the queue is not empty.
    [[nodiscard]] Slice pop_front();
    /// Removes exactly `bytes` from the front as a queue of its own: whole slices by reference; a slice that
    /// is cut stays, and its first part is copied into a buffer of `pool` (nothing is moved of it when the
    /// pool is empty, so the result may be shorter than asked).
    [[nodiscard]] ByteQueue split_front(std::uint32_t bytes, rte_mempool* pool);
    /// Drops `bytes` (at most size_bytes()) from the front: acknowledged data.
    void drop_front(std::uint32_t bytes);
    void clear();

    /// Copies out.size() bytes from `from` on; the range lies within the queue.
    void copy_to(std::uint32_t from, base::MutableBytes out) const;
    /// Calls `use(rte_mbuf*, offset, length)` for each piece of [from, from + length), in order; the range
    /// lies within the queue. A cursor remembers where the last call began, so sequential sending, with a
    /// range asked for more than once, is O(pieces).
    template <typename Use>
    void for_each_piece(std::uint32_t from, std::uint32_t length, Use&& use) const;

    /// The same slices in as many buffers; into an empty queue.
    template <typename Archive>
    void archive(Archive& a);

 private:
    struct Node {  // in the mbuf's private area
        rte_mbuf* next;
        std::uint16_t offset;
        std::uint16_t length;
        bool ends_record = false;
    };
    friend struct QueueLayout;
    /// Copies `bytes` behind the tail's; false when the tail is shared, indirect or full.
    bool extend_tail(base::Bytes bytes);
    /// Puts a piece at the end as it is.
    void link(rte_mbuf* mbuf, std::uint16_t offset, std::uint16_t length);
    /// Takes the first mbuf out of the list, its reference goes to the caller.
    rte_mbuf* unlink_front();

    static Node& node(rte_mbuf* mbuf) { return *static_cast<Node*>(rte_mbuf_to_priv(mbuf)); }

    rte_mbuf* head_ = nullptr;
    rte_mbuf* tail_ = nullptr;
    std::uint32_t bytes_ = 0;
    std::uint32_t buffers_ = 0;
    mutable rte_mbuf* cursor_ = nullptr;   // the piece that holds byte cursor_at_
    mutable std::uint32_t cursor_at_ = 0;  // bytes before cursor_'s first
};

/// The private area every pool of this process gives its mbufs: a queue node, or a node of the out-of-order
/// tree, which fits one cache line behind the mbuf's own two.
inline constexpr std::uint16_t kPrivateSize = 48;

template <typename Use>
void ByteQueue::for_each_piece(std::uint32_t from, std::uint32_t length, Use&& use) const {
    TERMINUS_ASSERT(from <= bytes_ && length <= bytes_ - from, "callers ask for bytes that are queued");
    if (cursor_ == nullptr || from < cursor_at_) {
        cursor_ = head_;
        cursor_at_ = 0;
    }
    if (length == 0) return;
    while (from - cursor_at_ >= node(cursor_).length) {
        cursor_at_ += node(cursor_).length;
        cursor_ = node(cursor_).next;
    }
    std::uint32_t skip = from - cursor_at_;
    for (rte_mbuf* piece = cursor_; length > 0;) {
        const Node& at = node(piece);
        const std::uint32_t available = at.length - skip;
        const std::uint32_t taken = available < length ? available : length;
        use(piece, static_cast<std::uint16_t>(at.offset + skip), static_cast<std::uint16_t>(taken));
        length -= taken;
        skip = 0;
        piece = at.next;
    }
}

template <typename Archive>
void ByteQueue::archive(Archive& a) {
    std::uint32_t left = a.count(buffers_, UINT32_MAX);
    ArchivedSlice slice;
    if constexpr (Archive::kReads) {
        for (; left > 0 && a.ok(); --left) {
            a(slice);
            a.require(slice.length > 0 && slice.length <= UINT32_MAX - bytes_);
            Buffer buffer = a.buffer(slice.offset, slice.length);
            if (!buffer) return;
            link(buffer.release(), 0, slice.length);
            if (slice.ends_record != 0) end_record();
        }
    } else {
        for (rte_mbuf* mbuf = head_; mbuf != nullptr; mbuf = node(mbuf).next) {
            const Node& piece = node(mbuf);
            a(ArchivedSlice{static_cast<std::uint16_t>(mbuf->data_off + piece.offset), piece.length,
                            piece.ends_record});
            a.bytes(rte_pktmbuf_mtod_offset(mbuf, const std::uint8_t*, piece.offset), piece.length);
        }
    }
}

}  // namespace terminus::packet
