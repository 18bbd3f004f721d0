#include "stack/time_waits.hpp"

#include <memory>

namespace terminus::stack {

TimeWaits::TimeWaits(std::uint32_t capacity)
    : memory_(sizeof(Node) * capacity), nodes_(static_cast<Node*>(memory_.data())), capacity_(capacity) {}

std::uint32_t TimeWaits::allocate(const TimeWaitSlot& slot) {
    std::uint32_t index = free_head_;
    if (index != kNone) {
        free_head_ = nodes_[index].next;
    } else {
        TERMINUS_ASSERT(touched_ < capacity_, "callers ask size() first");
        index = touched_++;
    }
    std::construct_at(&nodes_[index], Node{slot, kNone, kNone});
    ++size_;
    std::uint32_t previous = last_;
    for (int passed = 0; passed < kPassesMax && previous != kNone; ++passed) {
        if (!nodes_[previous].slot.tcp.began_after(slot.tcp)) break;
        previous = nodes_[previous].previous;
    }
    link_after(index, previous);
    return index;
}

void TimeWaits::release(std::uint32_t index) {
    Node& node = live_node(index);
    unlink(index);
    node.previous = kFree;
    node.next = free_head_;
    free_head_ = index;
    --size_;
}

void TimeWaits::restarted(std::uint32_t index) {
    (void)live_node(index);
    unlink(index);
    link_after(index, last_);
}

// kNone: before all others.
void TimeWaits::link_after(std::uint32_t index, std::uint32_t previous) {
    Node& node = nodes_[index];
    node.previous = previous;
    std::uint32_t& from_previous = previous == kNone ? first_ : nodes_[previous].next;
    node.next = from_previous;
    from_previous = index;
    (node.next == kNone ? last_ : nodes_[node.next].previous) = index;
}

void TimeWaits::unlink(std::uint32_t index) {
    const Node& node = nodes_[index];
    (node.previous == kNone ? first_ : nodes_[node.previous].next) = node.next;
    (node.next == kNone ? last_ : nodes_[node.next].previous) = node.previous;
}

// Every node is in the line or free, once.
bool TimeWaits::is_sound() const {
    std::uint32_t in_line = 0;
    std::uint32_t previous = kNone;
    for (std::uint32_t index = first_; index != kNone; index = nodes_[index].next, ++in_line) {
        if (index >= touched_ || nodes_[index].previous != previous || in_line == touched_) return false;
        previous = index;
    }
    std::uint32_t free = 0;
    for (std::uint32_t index = free_head_; index != kNone; index = nodes_[index].next, ++free) {
        if (index >= touched_ || nodes_[index].previous != kFree || free == touched_) return false;
    }
    return previous == last_ && in_line == size_ && in_line + free == touched_;
}

}  // namespace terminus::stack
