#include "packet/out_of_order.hpp"

#include <rte_mbuf.h>

#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "packet/byte_queue.hpp"

namespace terminus::packet {

struct OutOfOrder::Node {
    Node* left;
    Node* right;
    wire::SeqNum seq;
    std::uint16_t offset;
    std::uint16_t length;

    [[nodiscard]] wire::SeqNum end() const { return seq + length; }
};

OutOfOrder::Node* OutOfOrder::node_of(rte_mbuf* mbuf) {
    static_assert(sizeof(Node) <= packet::kPrivateSize);
    static_assert(std::is_trivially_destructible_v<Node>);
    return static_cast<Node*>(rte_mbuf_to_priv(mbuf));
}

// The private area begins where the mbuf ends (rte_mbuf_to_priv).
rte_mbuf* OutOfOrder::mbuf_of(Node* node) {
    return static_cast<rte_mbuf*>(static_cast<void*>(node)) - 1;
}

// Sleator and Tarjan 1985, top-down: afterwards the root is the node with `key`, or a neighbour of where it
// would be.
OutOfOrder::Node* OutOfOrder::splay(Node* tree, wire::SeqNum key) {
    if (tree == nullptr) return nullptr;
    Node* left_tree = nullptr;
    Node* right_tree = nullptr;
    Node** left_end = &left_tree;    // where the next smaller tree hangs
    Node** right_end = &right_tree;  // where the next greater one hangs
    while (key != tree->seq) {
        if (key.before(tree->seq)) {
            if (tree->left == nullptr) break;
            if (key.before(tree->left->seq)) {
                Node* up = tree->left;
                tree->left = std::exchange(up->right, tree);
                tree = up;
                if (tree->left == nullptr) break;
            }
            *right_end = tree;
            right_end = &tree->left;
            tree = tree->left;
        } else {
            if (tree->right == nullptr) break;
            if (key.after(tree->right->seq)) {
                Node* up = tree->right;
                tree->right = std::exchange(up->left, tree);
                tree = up;
                if (tree->right == nullptr) break;
            }
            *left_end = tree;
            left_end = &tree->right;
            tree = tree->right;
        }
    }
    *left_end = tree->left;
    *right_end = tree->right;
    tree->left = left_tree;
    tree->right = right_tree;
    return tree;
}

void OutOfOrder::forget(const Node* node) {
    TERMINUS_ASSERT(count_ > 0 && bytes_ >= node->length, "every node was counted when it was inserted");
    --count_;
    bytes_ -= node->length;
}

OutOfOrder::Verdict OutOfOrder::insert(wire::SeqNum seq, packet::Slice slice, std::uint32_t count_max) {
    TERMINUS_ASSERT(!slice.empty(), "a segment without text is never kept");
    // Split: `before` holds what begins before seq (its root the last of them), `after` the rest.
    Node* before = splay(root_, seq);
    Node* after = nullptr;
    if (before != nullptr) {
        if (before->seq.before(seq)) {
            after = std::exchange(before->right, nullptr);
        } else {
            after = before;
            before = splay(std::exchange(after->left, nullptr), seq);
        }
    }
    if (before != nullptr && before->end().after(seq)) {
        const std::uint32_t overlap = before->end() - seq;
        if (overlap >= slice.length()) {
            before->right = after;
            root_ = before;
            return Verdict::Duplicate;
        }
        slice.trim_front(static_cast<std::uint16_t>(overlap));
        seq += overlap;
    }
    bool duplicate = false;
    for (after = splay(after, seq); after != nullptr && after->seq.before(seq + slice.length());
         after = splay(after, seq)) {
        TERMINUS_ASSERT(after->left == nullptr, "nothing in this tree begins before seq");
        if (after->end().after(seq + slice.length()) ||
            (after->seq == seq && after->length == slice.length())) {
            slice.truncate(static_cast<std::uint16_t>(after->seq - seq));
            duplicate = slice.empty();
            break;
        }
        Node* covered = std::exchange(after, after->right);
        forget(covered);
        rte_pktmbuf_free(mbuf_of(covered));
    }
    if (duplicate || count_ >= count_max) {
        if (before != nullptr) before->right = after;
        root_ = before != nullptr ? before : after;
        return duplicate ? Verdict::Duplicate : Verdict::Full;
    }
    const std::uint16_t offset = slice.offset();
    const std::uint16_t length = slice.length();
    root_ = node_of(slice.buffer().release());
    *root_ = Node{before, after, seq, offset, length};
    ++count_;
    bytes_ += length;
    return Verdict::Held;
}

std::optional<OutOfOrder::Piece> OutOfOrder::pop_if_at_or_before(wire::SeqNum nxt) {
    if (root_ == nullptr) return std::nullopt;
    // Everything held begins within a window of 2^30 after nxt, or was overtaken by it and is at most one
    // window old.
    root_ = splay(root_, nxt - (1u << 30));
    TERMINUS_ASSERT(root_->left == nullptr, "the splayed key is before everything held");
    if (root_->seq.after(nxt)) return std::nullopt;
    Node* first = std::exchange(root_, root_->right);
    forget(first);
    return Piece{first->seq, packet::Slice(packet::Buffer(mbuf_of(first)), first->offset, first->length)};
}

void OutOfOrder::clear() {
    while (root_ != nullptr) {
        if (Node* up = root_->left; up != nullptr) {  // rotate right until the root is the first: O(n) in all
            root_->left = std::exchange(up->right, root_);
            root_ = up;
            continue;
        }
        Node* first = std::exchange(root_, root_->right);
        rte_pktmbuf_free(mbuf_of(first));
    }
    count_ = 0;
    bytes_ = 0;
}

}  // namespace terminus::packet
