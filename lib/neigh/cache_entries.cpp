// The cache's containers: slots, hash chains, deadline lists and rings. What they mean is in cache.cpp.
#include <algorithm>

#include "base/assert.hpp"
#include "neigh/cache.hpp"

namespace terminus::neigh {

std::size_t NeighbourCache::bucket_index(const wire::IpAddress& address, std::uint16_t port) const {
    // Keyed, so that nobody on the link can choose addresses that all fall into one chain.
    std::array<std::uint8_t, 18> input;
    std::memcpy(input.data(), address.bytes().data(), 16);
    std::memcpy(&input[16], &port, sizeof port);
    return base::siphash(key_, input) & (buckets_.size() - 1);
}

std::uint32_t NeighbourCache::find(const wire::IpAddress& address, std::uint16_t port) const {
    std::uint32_t index = buckets_[bucket_index(address, port)];
    while (index != kNone && (entries_[index].address != address || entries_[index].port != port)) {
        index = entries_[index].next_in_bucket;
    }
    return index;
}

// find(), without its keyed hash where the last frame of this kind went to the same place.
std::uint32_t NeighbourCache::find_recent(const wire::IpAddress& address, std::uint16_t port) {
    std::uint32_t& recent = recent_[address.bytes()[15] % kRecent];
    if (recent == kNone || entries_[recent].address != address || entries_[recent].port != port)
        recent = find(address, port);
    return recent;
}

// Refuse the new, keep the old (HARDENING 26): only what has no proven use goes, the longest in its state
// first.
bool NeighbourCache::make_room() {
    if (!free_.empty()) return true;
    std::uint32_t victim = kNone;
    for (const NeighbourState state : {NeighbourState::Failed, NeighbourState::Stale}) {
        const std::uint32_t oldest = ends(state).first;
        if (oldest == kNone || entries_[oldest].event_queued) continue;
        if (victim == kNone || entries_[oldest].entered < entries_[victim].entered) victim = oldest;
    }
    if (victim == kNone) {
        ++counters_.refused;
        return false;
    }
    ++counters_.evictions;
    forget(victim);
    return true;
}

std::uint32_t NeighbourCache::create(const wire::IpAddress& address, std::uint16_t port) {
    TERMINUS_ASSERT(!free_.empty(), "make_room() said so");
    const std::uint32_t index = free_.back();
    free_.pop_back();
    ++size_;
    Entry& entry = entries_[index];
    const bool in_transmit_ring = entry.in_transmit_ring;
    entry = Entry{};
    entry.in_transmit_ring = in_transmit_ring;
    entry.address = address;
    entry.port = port;
    std::uint32_t& bucket = buckets_[bucket_index(address, port)];
    entry.next_in_bucket = bucket;
    bucket = index;
    link(index);
    return index;
}

void NeighbourCache::forget(std::uint32_t index) {
    Entry& entry = entries_[index];
    TERMINUS_ASSERT(!entry.event_queued, "a slot whose event is unpolled is kept");
    unlink(index);
    std::uint32_t* at = &buckets_[bucket_index(entry.address, entry.port)];
    while (*at != index)
        at = &entries_[*at].next_in_bucket;
    *at = entry.next_in_bucket;
    entry.wants_transmit = false;
    std::replace(recent_.begin(), recent_.end(), index, kNone);
    free_.push_back(index);
    --size_;
    ++version_;
}

void NeighbourCache::enter(std::uint32_t index, NeighbourState next, base::Instant now) {
    Entry& entry = entries_[index];
    unlink(index);
    entry.state = next;
    entry.probes_sent = 0;
    entry.wants_transmit = false;
    entry.entered = now;
    entry.deadline = next == NeighbourState::Stale ? base::kNever : now + wait_of(next);
    link(index);
}

base::Duration NeighbourCache::wait_of(NeighbourState state) const {
    switch (state) {
        case NeighbourState::Incomplete:
        case NeighbourState::Probe:
            return limits_.retransmit;
        case NeighbourState::Reachable:
            return limits_.reachable;
        case NeighbourState::Delay:
            return limits_.delay;
        case NeighbourState::Failed:
            return limits_.hold_down;
        case NeighbourState::Stale:
            break;
    }
    TERMINUS_ASSERT(false, "a stale entry waits for nothing but use");
    return {};
}

NeighbourCache::List NeighbourCache::list_of(NeighbourState state) {
    switch (state) {
        case NeighbourState::Incomplete:
        case NeighbourState::Probe:
            return List::Asking;
        case NeighbourState::Reachable:
            return List::Reachable;
        case NeighbourState::Delay:
            return List::Delay;
        case NeighbourState::Stale:
            return List::Stale;
        case NeighbourState::Failed:
            break;
    }
    return List::Failed;
}

// At the end of its state's list: time does not go back, so the end is the latest deadline.
void NeighbourCache::link(std::uint32_t index) {
    Entry& entry = entries_[index];
    Ends& list = ends(entry.state);
    entry.previous = list.last;
    entry.next = kNone;
    (list.last == kNone ? list.first : entries_[list.last].next) = index;
    list.last = index;
}

void NeighbourCache::unlink(std::uint32_t index) {
    const Entry& entry = entries_[index];
    Ends& list = ends(entry.state);
    (entry.previous == kNone ? list.first : entries_[entry.previous].next) = entry.next;
    (entry.next == kNone ? list.last : entries_[entry.next].previous) = entry.previous;
}

void NeighbourCache::Queue::push(std::uint32_t index) {
    TERMINUS_ASSERT(count < ring.size(), "each entry is queued at most once");
    ring[(head + count) % ring.size()] = index;
    ++count;
}

std::uint32_t NeighbourCache::Queue::pop() {
    TERMINUS_ASSERT(count > 0, "callers looked");
    const std::uint32_t index = ring[head];
    head = (head + 1) % ring.size();
    --count;
    return index;
}

// Of what was read: every index is an entry's.
bool NeighbourCache::is_sound() const {
    const auto is_entry = [this](std::uint32_t index) { return index < entries_.size(); };
    const auto is_link = [&](std::uint32_t index) { return index == kNone || is_entry(index); };
    const auto is_sound_ring = [&](const Queue& queue) {
        return queue.head < queue.ring.size() && queue.count <= queue.ring.size() &&
               std::all_of(queue.ring.begin(), queue.ring.end(), is_entry);
    };
    const auto are_links = [&](const Ends& list) { return is_link(list.first) && is_link(list.last); };
    return std::all_of(entries_.begin(), entries_.end(),
                       [&](const Entry& entry) {
                           return is_link(entry.next_in_bucket) && is_link(entry.previous) &&
                                  is_link(entry.next);
                       }) &&
           std::all_of(buckets_.begin(), buckets_.end(), is_link) &&
           std::all_of(free_.begin(), free_.end(), is_entry) &&
           std::all_of(recent_.begin(), recent_.end(), is_link) &&
           std::all_of(lists_.begin(), lists_.end(), are_links) && is_sound_ring(transmit_) &&
           is_sound_ring(events_);
}

}  // namespace terminus::neigh
