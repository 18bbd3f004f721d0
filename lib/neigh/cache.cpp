#include "neigh/cache.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"

namespace terminus::neigh {

NeighbourCache::NeighbourCache(const base::SipKey& key, const NeighbourLimits& limits)
    : key_(key),
      limits_(limits),
      entries_(limits.entries_max),
      buckets_(std::bit_ceil(limits.entries_max), kNone) {
    TERMINUS_ASSERT(limits.entries_max > 0, "the config's least is one neighbour");
    TERMINUS_ASSERT(limits.probes > 0, "a neighbour is asked at least once");
    recent_.fill(kNone);
    free_.reserve(limits.entries_max);
    for (std::uint32_t index = limits.entries_max; index > 0; --index)
        free_.push_back(index - 1);
    transmit_.ring.resize(limits.entries_max);
    events_.ring.resize(limits.entries_max);
}

Lookup NeighbourCache::lookup(const wire::IpAddress& next_hop, std::uint16_t port, base::Instant now) {
    std::uint32_t index = find_recent(next_hop, port);
    if (index == kNone) {
        if (!make_room()) return {};
        index = create(next_hop, port);
        enter(index, NeighbourState::Incomplete, now);
        ask(index, now);
    }
    switch (entries_[index].state) {
        case NeighbourState::Incomplete:
            return {Lookup::Kind::Pending, {}, index};
        case NeighbourState::Failed:
            return {};
        case NeighbourState::Stale:
            enter(index, NeighbourState::Delay, now);
            break;
        case NeighbourState::Reachable:
        case NeighbourState::Delay:
        case NeighbourState::Probe:
            break;
    }
    return {Lookup::Kind::Resolved, entries_[index].mac, index};
}

void NeighbourCache::solicited_by(const wire::IpAddress& address, const wire::MacAddress& mac,
                                  std::uint16_t port, bool asked_us, base::Instant now) {
    if (mac.is_group() || mac.is_zero() || address.is_unspecified()) return;
    std::uint32_t index = find(address, port);
    if (index == kNone) {
        if (!asked_us || !make_room()) return;
        index = create(address, port);
        entries_[index].mac = mac;
        enter(index, NeighbourState::Stale, now);
        return;
    }
    const Entry& entry = entries_[index];
    const bool unknown = entry.state == NeighbourState::Incomplete || entry.state == NeighbourState::Failed;
    // RFC 4861 7.2.3: a question proves that they reach us, not that we reach them: Stale at best.
    if (unknown || entry.mac != mac) learn(index, mac, NeighbourState::Stale, now);
}

void NeighbourCache::advertised(const Advertised& claim, base::Instant now) {
    if (claim.mac && (claim.mac->is_group() || claim.mac->is_zero())) return;
    const std::uint32_t index = find(claim.address, claim.port);
    if (index == kNone) return;
    const NeighbourState state = entries_[index].state;
    if (state != NeighbourState::Incomplete && state != NeighbourState::Failed) {
        update(index, claim, now);
        return;
    }
    // RFC 4861 7.2.5: the first address to be heard is taken whatever the override flag says.
    if (!claim.mac) return;
    learn(index, *claim.mac, claim.solicited ? NeighbourState::Reachable : NeighbourState::Stale, now);
}

// RFC 4861 7.2.5, for a neighbour whose address is known.
void NeighbourCache::update(std::uint32_t index, const Advertised& claim, base::Instant now) {
    const Entry& entry = entries_[index];
    const bool differs = claim.mac && *claim.mac != entry.mac;
    if (differs && !claim.override) {
        if (entry.state == NeighbourState::Reachable) enter(index, NeighbourState::Stale, now);
        return;
    }
    if (differs) {
        learn(index, *claim.mac, claim.solicited ? NeighbourState::Reachable : NeighbourState::Stale, now);
    } else if (claim.solicited) {
        enter(index, NeighbourState::Reachable, now);
    }
}

void NeighbourCache::confirm(const wire::IpAddress& next_hop, std::uint16_t port, base::Instant now) {
    const std::uint32_t index = find(next_hop, port);
    if (index == kNone) return;
    const NeighbourState state = entries_[index].state;
    if (state == NeighbourState::Incomplete || state == NeighbourState::Failed) return;
    enter(index, NeighbourState::Reachable, now);
}

void NeighbourCache::advance(base::Instant now) {
    for (Ends& list : lists_) {
        for (int handled = 0; handled < kAdvanceMax; ++handled) {
            if (list.first == kNone || entries_[list.first].deadline > now) break;
            deadline_reached(list.first, now);
        }
    }
}

void NeighbourCache::deadline_reached(std::uint32_t index, base::Instant now) {
    Entry& entry = entries_[index];
    switch (entry.state) {
        case NeighbourState::Incomplete:
            if (entry.probes_sent < limits_.probes) {
                ask(index, now);
                return;
            }
            ++counters_.failures;
            enter(index, NeighbourState::Failed, now);
            if (!entry.event_queued) events_.push(index);
            entry.event_queued = true;
            return;
        case NeighbourState::Reachable:
            enter(index, NeighbourState::Stale, now);
            return;
        case NeighbourState::Delay:
            enter(index, NeighbourState::Probe, now);
            ask(index, now);
            return;
        case NeighbourState::Probe:
            if (entry.probes_sent < limits_.probes) {
                ask(index, now);
                return;
            }
            // RFC 4861 7.3.3: forgotten, so that the next packet asks everybody: the address may have moved.
            ++counters_.failures;
            if (entry.event_queued) {
                enter(index, NeighbourState::Failed, now);  // the slot stays until the event has been polled
                return;
            }
            forget(index);
            return;
        case NeighbourState::Failed:
            if (entry.event_queued) {
                // The stack has frames under this id until it polls; look again after another hold-down.
                enter(index, NeighbourState::Failed, now);
                return;
            }
            forget(index);
            return;
        case NeighbourState::Stale:
            TERMINUS_ASSERT(false, "a stale entry's deadline is never");
    }
}

base::Instant NeighbourCache::next_deadline() const {
    base::Instant earliest = base::kNever;
    for (const Ends& list : lists_) {
        if (list.first != kNone) earliest = std::min(earliest, entries_[list.first].deadline);
    }
    return earliest;
}

std::optional<Solicitation> NeighbourCache::poll_transmit() {
    while (transmit_.count > 0) {
        Entry& entry = entries_[transmit_.pop()];
        entry.in_transmit_ring = false;
        if (!entry.wants_transmit) continue;  // answered, or forgotten, before the question went out
        entry.wants_transmit = false;
        ++counters_.solicitations;
        Solicitation question{entry.address, entry.port, std::nullopt};
        if (entry.state == NeighbourState::Probe) question.unicast_to = entry.mac;
        return question;
    }
    return std::nullopt;
}

std::optional<Resolution> NeighbourCache::poll_resolved() {
    if (events_.count == 0) return std::nullopt;
    const std::uint32_t index = events_.pop();
    Entry& entry = entries_[index];
    entry.event_queued = false;
    Resolution resolution{index, entry.address, entry.port, std::nullopt};
    if (entry.state != NeighbourState::Failed) resolution.mac = entry.mac;
    return resolution;
}

std::optional<NeighbourState> NeighbourCache::state(const wire::IpAddress& address,
                                                    std::uint16_t port) const {
    const std::uint32_t index = find(address, port);
    return index == kNone ? std::nullopt : std::optional(entries_[index].state);
}

// A new address for a neighbour. Whoever waited for the first one is told.
void NeighbourCache::learn(std::uint32_t index, const wire::MacAddress& mac, NeighbourState next,
                           base::Instant now) {
    Entry& entry = entries_[index];
    const bool waited_for = entry.state == NeighbourState::Incomplete;
    if (!waited_for) ++version_;
    entry.mac = mac;
    enter(index, next, now);
    if (!waited_for) return;
    TERMINUS_ASSERT(!entry.event_queued, "an incomplete entry's only event is the end of being incomplete");
    events_.push(index);
    entry.event_queued = true;
}

void NeighbourCache::ask(std::uint32_t index, base::Instant now) {
    Entry& entry = entries_[index];
    ++entry.probes_sent;
    unlink(index);
    entry.deadline = now + limits_.retransmit;
    link(index);
    entry.wants_transmit = true;
    if (!entry.in_transmit_ring) transmit_.push(index);
    entry.in_transmit_ring = true;
}

}  // namespace terminus::neigh
