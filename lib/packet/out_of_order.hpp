#pragma once

#include <cstdint>
#include <optional>

#include "packet/archive.hpp"
#include "packet/slice.hpp"
#include "wire/seq.hpp"

namespace terminus::packet {

/// The segments that arrived ahead of a gap, as runs: stretches without a hole, each a list of slices. The
/// runs are a splay tree whose nodes live in the mbufs' private area, so nothing is allocated. Every
/// operation is O(log runs) amortised whatever order an attacker chooses, and O(1) where the last one was
/// (HARDENING 20, SegmentSmack). All numbers held lie within one receive window (below 2^30 apart).
class OutOfOrder {
 public:
    enum class Verdict : std::uint8_t { Held, Duplicate, Full };
    /// [begin, end) of the sequence space.
    struct Range {
        wire::SeqNum begin;
        wire::SeqNum end;
        [[nodiscard]] bool empty() const { return begin == end; }
        friend constexpr bool operator==(Range, Range) = default;
    };
    /// What may be held. One that replaces a run needs no buffer and no run more, but bytes.
    struct Limits {
        std::uint32_t buffers = UINT32_MAX;
        std::uint32_t runs = UINT32_MAX;
        std::uint32_t bytes = UINT32_MAX;
    };
    struct Inserted {
        Verdict verdict = Verdict::Held;
        Range run{};                ///< the run that now holds the segment; not set with Full
        Range duplicate{};          ///< the first stretch of it that was held already, or empty
        std::uint32_t visited = 0;  ///< tree nodes looked at: what the segment cost
    };
    struct Piece {
        wire::SeqNum seq;
        packet::Slice slice;
    };

    OutOfOrder() = default;
    OutOfOrder(const OutOfOrder&) = delete;
    OutOfOrder& operator=(const OutOfOrder&) = delete;
    ~OutOfOrder() { clear(); }

    /// Takes what of [seq, seq + length) is not held. Held runs that lie wholly inside are replaced, so one
    /// buffer never becomes two slices; a small slice is copied behind the one before it
    /// (ByteQueue::kCopyMax). Full: nothing is taken, and nothing is given up.
    Inserted insert(wire::SeqNum seq, packet::Slice slice, const Limits& limits);
    /// Removes the first piece if it begins at or before `nxt`; it may end before it, too.
    [[nodiscard]] std::optional<Piece> pop_if_at_or_before(wire::SeqNum nxt);
    /// The first run; not of an empty queue.
    [[nodiscard]] Range first_run();
    /// Frees the last run and says what it was; not of an empty queue.
    Range drop_last_run();
    void clear();

    [[nodiscard]] bool empty() const { return buffers_ == 0; }
    /// Buffers held.
    [[nodiscard]] std::uint32_t count() const { return buffers_; }
    /// Runs held: as many holes lie before and between them.
    [[nodiscard]] std::uint32_t run_count() const { return runs_; }
    [[nodiscard]] std::uint32_t size_bytes() const { return bytes_; }

    /// The same slices in as many buffers; into an empty queue.
    template <typename Archive>
    void archive(Archive& a);

 private:
    /// One slice, and in the first slice of a run the run.
    struct Node {
        Node* next;
        std::uint16_t offset;
        std::uint16_t length;

        // Of the first only.
        wire::SeqNum begin;
        wire::SeqNum end;
        Node* last;
        Node* left;
        Node* right;

        [[nodiscard]] Range range() const { return {begin, end}; }
    };
    /// All numbers held are nearer to each other.
    static constexpr std::uint32_t kSpanMax = 1u << 30;

    static Node* splay(Node* tree, wire::SeqNum key, std::uint32_t& visited);
    static rte_mbuf* mbuf_of(Node* node);
    static Node* node_of(rte_mbuf* mbuf);
    Node* adopt(wire::SeqNum seq, Slice& slice);
    void append_to(Node* run, wire::SeqNum seq, Slice& slice);
    void free_run(Node* run);
    [[nodiscard]] bool has_room_for_bytes(const Limits& limits, std::uint32_t bytes) const {
        return bytes_ < limits.bytes && bytes <= limits.bytes - bytes_;
    }
    [[nodiscard]] bool has_room(const Limits& limits, std::uint32_t bytes, bool new_run) const;
    Inserted refuse(Node* before, Node* after, Inserted result);
    Node* flatten();
    Node* add_run(Node* last, wire::SeqNum begin, Slice slice);
    bool add_to_last_run(Node* last, Slice slice);

    Node* root_ = nullptr;
    std::uint32_t buffers_ = 0;
    std::uint32_t runs_ = 0;
    std::uint32_t bytes_ = 0;
};

template <typename Archive>
void OutOfOrder::archive(Archive& a) {
    std::uint32_t runs = a.count(runs_, UINT32_MAX);
    Node* run = Archive::kReads ? nullptr : flatten();
    for (; runs > 0 && a.ok(); --runs) {
        wire::SeqNum begin;
        std::uint32_t slices = 0;
        if constexpr (Archive::kReads) {
            a(begin, slices);
            a.require(slices > 0);
            for (std::uint32_t i = 0; i < slices && a.ok(); ++i) {
                ArchivedSlice slice;
                a(slice);
                a.require(slice.length > 0);
                Buffer buffer = a.buffer(slice.offset, slice.length);
                if (!buffer) return;
                Slice piece(std::move(buffer), 0, slice.length);
                if (i > 0) {
                    a.require(add_to_last_run(run, std::move(piece)));
                } else {
                    run = add_run(run, begin, std::move(piece));
                    a.require(run != nullptr);
                }
            }
        } else {
            for (const Node* at = run; at != nullptr; at = at->next)
                ++slices;
            a(run->begin, slices);
            for (Node* at = run; at != nullptr; at = at->next) {
                const rte_mbuf* const mbuf = mbuf_of(at);
                a(ArchivedSlice{static_cast<std::uint16_t>(mbuf->data_off + at->offset), at->length});
                a.bytes(rte_pktmbuf_mtod_offset(mbuf, const std::uint8_t*, at->offset), at->length);
            }
            run = run->right;
        }
    }
}

}  // namespace terminus::packet
