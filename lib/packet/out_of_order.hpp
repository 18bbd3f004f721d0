#pragma once

#include <cstdint>
#include <optional>

#include "packet/slice.hpp"
#include "wire/seq.hpp"

namespace terminus::packet {

/// The segments that arrived ahead of a gap: disjoint slices in a splay tree whose nodes live in the mbufs'
/// private area, so it allocates nothing. Every operation is O(log n) amortised whatever order an attacker
/// chooses, and O(1) for runs (HARDENING 20, SegmentSmack). All numbers held lie within one receive window
/// (below 2^30 apart).
class OutOfOrder {
 public:
    enum class Verdict : std::uint8_t { Held, Duplicate, Full };
    struct Piece {
        wire::SeqNum seq;
        packet::Slice slice;
    };

    OutOfOrder() = default;
    OutOfOrder(const OutOfOrder&) = delete;
    OutOfOrder& operator=(const OutOfOrder&) = delete;
    ~OutOfOrder() { clear(); }

    /// Takes what of [seq, seq + length) is not held. Held segments that lie wholly inside are replaced, so
    /// one buffer never becomes two slices. Full: `count_max` are held already.
    Verdict insert(wire::SeqNum seq, packet::Slice slice, std::uint32_t count_max);
    /// Removes the first piece if it begins at or before `nxt`; it may end before it, too.
    [[nodiscard]] std::optional<Piece> pop_if_at_or_before(wire::SeqNum nxt);
    void clear();

    [[nodiscard]] bool empty() const { return count_ == 0; }
    /// Buffers held.
    [[nodiscard]] std::uint32_t count() const { return count_; }
    [[nodiscard]] std::uint32_t size_bytes() const { return bytes_; }

 private:
    struct Node;
    static Node* splay(Node* tree, wire::SeqNum key);
    static rte_mbuf* mbuf_of(Node* node);
    static Node* node_of(rte_mbuf* mbuf);
    void forget(const Node* node);

    Node* root_ = nullptr;
    std::uint32_t count_ = 0;
    std::uint32_t bytes_ = 0;
};

}  // namespace terminus::packet
