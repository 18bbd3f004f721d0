#include "timer/wheel.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"

namespace terminus::timer {

namespace {

// The epoch is `worker`'s; before it there is nothing to tell apart.
std::uint64_t tick_of(Instant instant) {
    const std::int64_t ns = instant.time_since_epoch().count();
    return ns < 0 ? 0 : static_cast<std::uint64_t>(ns) >> Wheel::kTickBits;
}

Instant instant_of(std::uint64_t tick) {
    constexpr std::uint64_t kLastTick = static_cast<std::uint64_t>(INT64_MAX) >> Wheel::kTickBits;
    if (tick > kLastTick) return base::kNever;
    return base::instant_from_ns(static_cast<std::int64_t>(tick << Wheel::kTickBits));
}

}  // namespace

Wheel::Wheel(std::uint32_t capacity, Instant start)
    : memory_(sizeof(Node) * std::size_t{capacity}),
      nodes_(static_cast<Node*>(memory_.data())),
      capacity_(capacity),
      current_(tick_of(start)) {
    TERMINUS_ASSERT(capacity < kNoTimer, "the last index is the mark of no timer");
    heads_.fill(kNoTimer);
}

TimerId Wheel::arm(Instant deadline, Target target) {
    TimerId id = free_head_;
    if (id != kNoTimer) {
        free_head_ = nodes_[id].next;
    } else if (touched_ < capacity_) {
        id = touched_++;
    } else {
        return kNoTimer;
    }
    nodes_[id].tick = tick_of(deadline) + 1;
    nodes_[id].target = target;
    link(id);
    ++size_;
    return id;
}

void Wheel::rearm(TimerId id, Instant deadline) {
    Node& node = armed(id);
    const std::uint64_t tick = tick_of(deadline) + 1;
    if (node.tick == tick) return;
    unlink(id);
    node.tick = tick;
    link(id);
}

void Wheel::cancel(TimerId id) {
    armed(id);
    release(id);
}

Instant Wheel::deadline(TimerId id) const {
    return instant_of(armed(id).tick - 1);
}

Target Wheel::target(TimerId id) const {
    return armed(id).target;
}

Instant Wheel::next_wakeup() const {
    if (size_ == 0) return base::kNever;
    if (cascade_level_ > 0 || heads_[current_slot(0)] != kNoTimer) return instant_of(current_);
    return instant_of(next_visit());
}

Instant Wheel::done_until() const {
    return instant_of(current_);
}

// A clock that steps back takes the wheel with it and moves no timer: each slot is met again no later than
// the ticks in it, and a timer met too soon is placed anew. What was overdue may come up to one turn of level
// 0 late.
std::uint64_t Wheel::begin_advance(Instant now) {
    const std::uint64_t now_tick = tick_of(now);
    if (now_tick < current_) {
        current_ = now_tick;
        cascade_level_ = 0;
    }
    return now_tick;
}

// The next due timer, freed; nothing when none is due or the moves are spent.
std::optional<Target> Wheel::take_due(std::uint64_t now_tick, std::uint64_t& moves) {
    for (;;) {
        if (!cascade(moves)) return std::nullopt;
        const std::uint32_t slot = current_slot(0);
        while (heads_[slot] != kNoTimer) {
            const TimerId id = heads_[slot];
            if (nodes_[id].tick <= current_) {
                const Target target = nodes_[id].target;
                release(id);
                return target;
            }
            // Only after a step back of the clock: this slot was filled for a later turn of the level.
            if (moves == 0) return std::nullopt;
            --moves;
            place_anew(id);
        }
        if (current_ == now_tick) return std::nullopt;
        const std::uint64_t next = size_ == 0 ? UINT64_MAX : next_visit();
        if (next > now_tick) {
            // Nothing is to be visited on the way, so all levels may skip it.
            current_ = now_tick;
            return std::nullopt;
        }
        enter(next);
    }
}

std::optional<Target> Wheel::second_next() const {
    const TimerId next = heads_[current_slot(0)];
    if (next == kNoTimer) return std::nullopt;
    const Node& second = nodes_[nodes_[next].next];
    prefetch(second.next);
    return second.target;
}

// Arrives at a tick: the levels of which it begins a new unit have that slot to empty.
void Wheel::enter(std::uint64_t tick) {
    TERMINUS_ASSERT(tick > current_ && cascade_level_ == 0,
                    "ticks are entered in order, each when all before are done");
    current_ = tick;
    for (unsigned level = 1; level < kLevels && tick % (std::uint64_t{1} << kShift[level]) == 0; ++level)
        cascade_level_ = level;
}

// Empties the slots that the wheel has entered, from the top so that timers fall through. False when the
// moves are spent before that; the next call goes on.
bool Wheel::cascade(std::uint64_t& moves) {
    while (cascade_level_ > 0) {
        const std::uint32_t slot = current_slot(cascade_level_);
        while (heads_[slot] != kNoTimer) {
            if (moves == 0) return false;
            --moves;
            place_anew(heads_[slot]);
        }
        --cascade_level_;
    }
    return true;
}

// Some of the slots that are entered next: what is in them is within the next span of the level below, which
// has its slots already.
void Wheel::move_ahead() {
    std::uint32_t moves = kMovesAhead;
    for (unsigned level = 1; level < kLevels; ++level) {
        const std::uint32_t slot = slot_of(unit_of(current_, level) + 1, level);
        for (; heads_[slot] != kNoTimer; --moves) {
            if (moves == 0) return;
            place_anew(heads_[slot]);
        }
    }
}

void Wheel::place_anew(TimerId id) {
    const std::uint32_t slot = nodes_[id].slot;
    unlink(id);
    prefetch(nodes_[nodes_[id].next].next);  // it is the one after the next to be placed
    link(id);
    TERMINUS_ASSERT(nodes_[id].slot != slot, "a slot is emptied when its timers belong elsewhere");
}

// The first tick after current_ at which a slot with a timer in it is entered.
std::uint64_t Wheel::next_visit() const {
    std::uint64_t first = UINT64_MAX;
    for (unsigned level = 0; level < kLevels; ++level) {
        const std::uint32_t distance = distance_to_occupied(level);
        if (distance == 0) continue;
        first = std::min(first, (unit_of(current_, level) + distance) << kShift[level]);
        // What is above is visited when a unit of its own begins, and none does before that.
        if (unit_of(first, level + 1) == unit_of(current_, level + 1)) break;
    }
    return first;
}

// How many units ahead the next occupied slot is, up to a whole turn, which is the present one again; 0 when
// the level is empty.
std::uint32_t Wheel::distance_to_occupied(unsigned level) const {
    const std::uint32_t slots = 2u << kBits[level];
    const std::uint64_t* const words = &occupied_[kFirstSlot[level] / 64];
    const std::uint32_t count = slots / 64;
    const std::uint32_t start = slot_of(unit_of(current_, level) + 1, level) - kFirstSlot[level];
    // The first word is looked at twice: its bits from `start` at first, those before at last.
    for (std::uint32_t step = 0; step <= count; ++step) {
        const std::uint32_t index = (start / 64 + step) % count;
        std::uint64_t word = words[index];
        const std::uint64_t from_start = ~std::uint64_t{0} << (start % 64);
        if (step == 0) word &= from_start;
        if (step == count) word &= ~from_start;
        if (word == 0) continue;
        const std::uint32_t found = index * 64 + static_cast<std::uint32_t>(std::countr_zero(word));
        return (found - start + slots) % slots + 1;
    }
    return 0;
}

std::uint32_t Wheel::slot_for(std::uint64_t tick) const {
    tick = std::max(tick, current_);
    for (unsigned level = 0; level + 1 < kLevels; ++level) {
        if (unit_of(tick, level + 1) - unit_of(current_, level + 1) <= 1)
            return slot_of(unit_of(tick, level), level);
    }
    // The last level has none above it: what is beyond it waits in the slot that is entered last, to be
    // placed anew from there.
    constexpr unsigned kLast = kLevels - 1;
    const std::uint64_t furthest = unit_of(current_, kLast) + (2u << kBits[kLast]) - 1;
    return slot_of(std::min(unit_of(tick, kLast), furthest), kLast);
}

std::uint32_t Wheel::current_slot(unsigned level) const {
    return slot_of(unit_of(current_, level), level);
}

void Wheel::link(TimerId id) {
    Node& node = nodes_[id];
    const std::uint32_t slot = slot_for(node.tick);
    node.slot = slot;
    TimerId& head = heads_[slot];
    if (head == kNoTimer) {
        head = node.next = node.prev = id;
        occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
        return;
    }
    node.next = head;
    node.prev = nodes_[head].prev;
    nodes_[node.prev].next = id;
    nodes_[head].prev = id;
}

void Wheel::unlink(TimerId id) {
    const Node& node = nodes_[id];
    const std::uint32_t slot = node.slot;
    if (node.next == id) {
        heads_[slot] = kNoTimer;
        occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
        return;
    }
    nodes_[node.prev].next = node.next;
    nodes_[node.next].prev = node.prev;
    if (heads_[slot] == id) heads_[slot] = node.next;
}

void Wheel::release(TimerId id) {
    unlink(id);
    nodes_[id].slot = kFree;
    nodes_[id].next = free_head_;
    free_head_ = id;
    --size_;
}

Wheel::Node& Wheel::armed(TimerId id) const {
    TERMINUS_ASSERT(id < touched_ && nodes_[id].slot != kFree,
                    "an id is used only until its timer fires or is cancelled");
    return nodes_[id];
}

// Of what was read: every id is of a node that has been used.
bool Wheel::is_sound() const {
    const auto is_used = [this](TimerId id) { return id == kNoTimer || id < touched_; };
    bool sound = size_ <= touched_ && cascade_level_ < kLevels && is_used(free_head_) &&
                 std::all_of(heads_.begin(), heads_.end(), is_used);
    std::uint32_t free = 0;
    for (TimerId id = 0; id < touched_ && sound; ++id) {
        const Node& node = nodes_[id];
        free += node.slot == kFree ? 1 : 0;
        const bool is_linked = node.slot < heads_.size() && node.next < touched_ && node.prev < touched_;
        sound = node.slot == kFree ? is_used(node.next) : is_linked;
    }
    return sound && size_ + free == touched_;
}

}  // namespace terminus::timer
