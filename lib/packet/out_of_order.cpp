#include "packet/out_of_order.hpp"

#include <rte_mbuf.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "packet/byte_queue.hpp"

namespace terminus::packet {

OutOfOrder::Node* OutOfOrder::node_of(rte_mbuf* mbuf) {
    static_assert(sizeof(Node) <= packet::kPrivateSize);
    static_assert(std::is_trivially_destructible_v<Node>);
    return static_cast<Node*>(rte_mbuf_to_priv(mbuf));
}

// The private area begins where the mbuf ends (rte_mbuf_to_priv).
rte_mbuf* OutOfOrder::mbuf_of(Node* node) {
    return static_cast<rte_mbuf*>(static_cast<void*>(node)) - 1;
}

// Sleator and Tarjan 1985, top-down: afterwards the root is the run that begins at `key`, or a neighbour of
// where it would be.
OutOfOrder::Node* OutOfOrder::splay(Node* tree, wire::SeqNum key, std::uint32_t& visited) {
    if (tree == nullptr) return nullptr;
    Node* left_tree = nullptr;
    Node* right_tree = nullptr;
    Node** left_end = &left_tree;    // where the next smaller tree hangs
    Node** right_end = &right_tree;  // where the next greater one hangs
    for (++visited; key != tree->begin; ++visited) {
        if (key.before(tree->begin)) {
            if (tree->left == nullptr) break;
            if (key.before(tree->left->begin)) {
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
            if (key.after(tree->right->begin)) {
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

/// A run of one slice, counted.
OutOfOrder::Node* OutOfOrder::adopt(wire::SeqNum seq, Slice& slice) {
    const std::uint16_t offset = slice.offset();
    const std::uint16_t length = slice.length();
    Node* node = node_of(slice.buffer().release());
    *node = Node{nullptr, offset, length, seq, seq + length, node, nullptr, nullptr};
    ++buffers_;
    bytes_ += length;
    return node;
}

/// Lengthens a run at its end. Ten bytes don't pin a buffer of 2 KiB when the one before has room for them.
void OutOfOrder::append_to(Node* run, wire::SeqNum seq, Slice& slice) {
    Node* last = run->last;
    const std::uint16_t length = slice.length();
    if (length <= ByteQueue::kCopyMax &&
        write_behind(mbuf_of(last), std::uint32_t{last->offset} + last->length, slice.bytes())) {
        last->length = static_cast<std::uint16_t>(last->length + length);
        bytes_ += length;
    } else {
        last->next = run->last = adopt(seq, slice);
    }
    run->end += length;
}

void OutOfOrder::free_run(Node* run) {
    TERMINUS_ASSERT(runs_ > 0, "every run was counted when it was made");
    --runs_;
    while (run != nullptr) {
        TERMINUS_ASSERT(buffers_ > 0 && bytes_ >= run->length, "every slice was counted when it was adopted");
        --buffers_;
        bytes_ -= run->length;
        Node* next = run->next;
        rte_pktmbuf_free(mbuf_of(run));
        run = next;
    }
}

bool OutOfOrder::has_room(const Limits& limits, std::uint32_t bytes, bool new_run) const {
    return buffers_ < limits.buffers && has_room_for_bytes(limits, bytes) &&
           (!new_run || runs_ < limits.runs);
}

/// Joins the two trees that insert() has split.
OutOfOrder::Inserted OutOfOrder::refuse(Node* before, Node* after, Inserted result) {
    if (before != nullptr) before->right = after;
    root_ = before != nullptr ? before : after;
    result.verdict = Verdict::Full;
    return result;
}

OutOfOrder::Inserted OutOfOrder::insert(wire::SeqNum seq, packet::Slice slice, const Limits& limits) {
    TERMINUS_ASSERT(!slice.empty(), "a segment without text is never kept");
    Inserted result;
    const wire::SeqNum end = seq + slice.length();
    // Split: `before` holds the runs that begin at seq or before it (its root the last of them), `after` the
    // rest.
    Node* before = splay(root_, seq, result.visited);
    Node* after = nullptr;
    if (before != nullptr) {
        if (before->begin.at_or_before(seq)) {
            after = std::exchange(before->right, nullptr);
        } else {
            after = before;
            before = splay(std::exchange(after->left, nullptr), seq, result.visited);
        }
    }
    if (before != nullptr && before->end.after(seq)) {
        result.duplicate = {seq, end.before(before->end) ? end : before->end};
        if (end.at_or_before(before->end)) {
            before->right = after;
            root_ = before;
            result.verdict = Verdict::Duplicate;
            result.run = before->range();
            return result;
        }
        slice.trim_front(static_cast<std::uint16_t>(before->end - seq));
        seq = before->end;
    }
    bool replaced = false;
    for (after = splay(after, seq, result.visited); after != nullptr && after->begin.before(end);
         after = splay(after, seq, result.visited)) {
        TERMINUS_ASSERT(after->left == nullptr, "nothing in this tree begins before seq");
        const bool inside = after->end.before(end);
        if (result.duplicate.empty()) result.duplicate = {after->begin, inside ? after->end : end};
        if (!inside) {
            slice.truncate(static_cast<std::uint16_t>(after->begin - seq));
            break;
        }
        // What the runs inside it hold is not taken off: to know it, all of them would have to be walked.
        if (!replaced && !has_room_for_bytes(limits, slice.length())) return refuse(before, after, result);
        Node* covered = std::exchange(after, after->right);
        free_run(covered);
        replaced = true;
    }

    const bool follows = before != nullptr && before->end == seq;
    const bool leads = after != nullptr && after->begin == seq + slice.length();
    if (!replaced && !has_room(limits, slice.length(), !follows && !leads))
        return refuse(before, after, result);
    if (follows) {
        append_to(before, seq, slice);
        if (leads) {  // the hole is filled: two runs become one
            before->last->next = after;
            before->last = after->last;
            before->end = after->end;
            after = after->right;
            --runs_;
        }
        before->right = after;
        root_ = before;
    } else {
        root_ = adopt(seq, slice);
        root_->left = before;
        root_->right = after;
        if (leads) {
            root_->next = after;
            root_->last = after->last;
            root_->end = after->end;
            root_->right = after->right;
        } else {
            ++runs_;
        }
    }
    result.run = root_->range();
    return result;
}

OutOfOrder::Range OutOfOrder::first_run() {
    TERMINUS_ASSERT(root_ != nullptr, "callers ask empty() first");
    std::uint32_t visited = 0;
    // Half the receive window's bound before any run is before all of them.
    root_ = splay(root_, root_->begin - (1u << 30), visited);
    TERMINUS_ASSERT(root_->left == nullptr, "the splayed key is before everything held");
    return root_->range();
}

std::optional<OutOfOrder::Piece> OutOfOrder::pop_if_at_or_before(wire::SeqNum nxt) {
    if (root_ == nullptr || first_run().begin.after(nxt)) return std::nullopt;
    Node* first = root_;
    if (Node* second = first->next; second != nullptr) {
        second->begin = first->begin + first->length;
        second->end = first->end;
        second->last = first->last;
        second->left = nullptr;
        second->right = first->right;
        root_ = second;
    } else {
        root_ = first->right;
        --runs_;
    }
    --buffers_;
    bytes_ -= first->length;
    return Piece{first->begin, packet::Slice(packet::Buffer(mbuf_of(first)), first->offset, first->length)};
}

// Day 1965: rotates left children up until there is none, so that all runs hang in order to the right.
// Nothing that the queue does depends on the shape of its tree.
OutOfOrder::Node* OutOfOrder::flatten() {
    Node** place = &root_;
    while (*place != nullptr) {
        if (Node* up = (*place)->left; up != nullptr) {
            (*place)->left = std::exchange(up->right, *place);
            *place = up;
        } else {
            place = &(*place)->right;
        }
    }
    return root_;
}

bool OutOfOrder::add_to_last_run(Node* last, Slice slice) {
    if (slice.length() >= kSpanMax - (last->end - last->begin)) return false;
    last->last->next = adopt(last->end, slice);
    last->last = last->last->next;
    last->end += last->last->length;
    return true;
}

OutOfOrder::Node* OutOfOrder::add_run(Node* last, wire::SeqNum begin, Slice slice) {
    if (last != nullptr && !(begin.after(last->end) && begin - root_->begin < kSpanMax)) return nullptr;
    Node* const run = adopt(begin, slice);
    (last != nullptr ? last->right : root_) = run;
    ++runs_;
    return run;
}

OutOfOrder::Range OutOfOrder::drop_last_run() {
    TERMINUS_ASSERT(root_ != nullptr, "callers ask empty() first");
    std::uint32_t visited = 0;
    Node* last = splay(root_, root_->begin + (1u << 30), visited);
    TERMINUS_ASSERT(last->right == nullptr, "the splayed key is after everything held");
    root_ = last->left;
    const Range range = last->range();
    free_run(last);
    return range;
}

void OutOfOrder::clear() {
    while (root_ != nullptr) {
        if (Node* up = root_->left; up != nullptr) {  // rotate right until the root is the first: O(n) in all
            root_->left = std::exchange(up->right, root_);
            root_ = up;
            continue;
        }
        Node* first = std::exchange(root_, root_->right);
        free_run(first);
    }
    TERMINUS_ASSERT(buffers_ == 0 && runs_ == 0 && bytes_ == 0, "the counts follow every slice in and out");
}

}  // namespace terminus::packet
