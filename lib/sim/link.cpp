#include "sim/link.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "sim/frame_copy.hpp"
#include "sim/impairment.hpp"

namespace terminus::sim {
namespace {

LinkSettings with_other_luck(LinkSettings settings) {
    settings.seed ^= 0x9e3779b97f4a7c15;  // any other seed does: the generator spreads it
    return settings;
}

/// How long the frame keeps the wire busy: its bytes, and preamble, check sequence and gap (IEEE 802.3).
base::Duration time_on_wire(const packet::Buffer& frame, std::uint64_t bits_per_second) {
    constexpr std::uint64_t kEthernetOverhead = 24;
    if (bits_per_second == 0) return base::Duration::zero();
    const std::uint64_t bits = (std::max<std::uint64_t>(frame.length(), 60) + kEthernetOverhead) * 8;
    return base::Duration(static_cast<std::int64_t>(bits * 1'000'000'000 / bits_per_second));
}

}  // namespace

Link::Link(MemoryPort& a, MemoryPort& b, rte_mempool* pool, const LinkSettings& a_to_b,
           const LinkSettings& b_to_a)
    : pool_(pool), sides_{OneWay(a, b, a_to_b), OneWay(b, a, b_to_a)} {}

Link::Link(MemoryPort& a, MemoryPort& b, rte_mempool* pool, const LinkSettings& both)
    : Link(a, b, pool, both, with_other_luck(both)) {}

void Link::advance(base::Instant now) {
    TERMINUS_ASSERT(now >= now_, "virtual time never steps back");
    now_ = now;
    for (OneWay& way : sides_)
        collect(way);
    for (OneWay& way : sides_)
        deliver(way);
}

base::Instant Link::next_delivery() const {
    base::Instant next = base::kNever;
    for (const OneWay& way : sides_) {
        if (!way.wire.empty()) next = std::min(next, way.wire.begin()->first);
    }
    return next;
}

void Link::collect(OneWay& way) {
    while (const std::optional<packet::Buffer> frame = way.from.take_transmitted()) {
        ++way.counters.sent;
        const Direction direction = &way == &side(Direction::AToB) ? Direction::AToB : Direction::BToA;
        if (observer_ != nullptr) observer_->sent(direction, *frame, now_);
        put_on_wire(way, *frame);
    }
}

// Nothing is drawn for an impairment that is not asked for, so that another one's luck stays what it was.
bool Link::is_lost(OneWay& way) {
    const LinkSettings& settings = way.settings;
    if (is_cut_ || !way.from.link_is_up() || !way.to.link_is_up()) return true;
    if (way.rng.below(1000) < settings.loss_permille) return true;
    if (way.burst_left > 0) {
        --way.burst_left;
        return true;
    }
    if (settings.burst_permille == 0 || way.rng.below(1000) >= settings.burst_permille) return false;
    way.burst_left = way.rng.below(std::max(settings.burst_max, 1u));
    return true;
}

// The path's router tells the sender, from the receiver's side of the wire.
void Link::refuse(OneWay& way, const packet::Buffer& frame) {
    ++way.counters.too_big;
    if (way.settings.is_black_hole) return;
    OneWay& back = &way == &side(Direction::AToB) ? side(Direction::BToA) : side(Direction::AToB);
    const packet::Buffer finished = copy_frame(frame, pool_, 0);
    if (!finished) return;
    packet::Buffer answer = too_big_answer(finished, way.settings.path_mtu, pool_);
    if (answer) back.wire.emplace(now_ + back.settings.delay, std::move(answer));
}

void Link::put_on_wire(OneWay& way, const packet::Buffer& frame) {
    const LinkSettings& settings = way.settings;
    if (is_lost(way)) {
        ++way.counters.lost;
        return;
    }
    if (settings.path_mtu != 0 && ip_length(frame) > settings.path_mtu) return refuse(way, frame);
    const base::Duration busy = time_on_wire(frame, settings.bits_per_second);
    while (!way.leaving.empty() && way.leaving.front() <= now_)
        way.leaving.pop_front();
    if (way.leaving.size() > settings.queue_max) {  // one of them is on the wire
        ++way.counters.overflowed;
        return;
    }
    way.wire_free_at = std::max(way.wire_free_at, now_) + busy;
    if (busy > base::Duration::zero()) way.leaving.push_back(way.wire_free_at);
    base::Instant arrival = way.wire_free_at + settings.delay;
    if (way.rng.below(1000) < settings.reorder_permille) {
        ++way.counters.reordered;
        arrival += settings.reorder_delay;
    }
    if (settings.jitter > base::Duration::zero())
        arrival += base::Duration(way.rng.next() % static_cast<std::uint64_t>(settings.jitter.count() + 1));
    schedule(way, frame, arrival);
    if (way.rng.below(1000) < settings.duplicate_permille) {
        ++way.counters.duplicated;
        schedule(way, frame, arrival);
    }
}

void Link::schedule(OneWay& way, const packet::Buffer& frame, base::Instant arrival) {
    packet::Buffer copy = copy_frame(frame, pool_, way.settings.segment_bytes);
    if (!copy) {
        ++way.counters.no_buffer;
        return;
    }
    if (way.settings.corrupt_permille != 0 && way.rng.below(1000) < way.settings.corrupt_permille &&
        flip_bit(copy, static_cast<std::uint32_t>(way.rng.next() >> 32))) {
        ++way.counters.corrupted;
    }
    way.wire.emplace(arrival, std::move(copy));
}

void Link::deliver(OneWay& way) {
    while (!way.wire.empty() && way.wire.begin()->first <= now_) {
        packet::Buffer frame = std::move(way.wire.begin()->second);
        way.wire.erase(way.wire.begin());
        if (way.receive_pool != nullptr) {
            frame = copy_frame(frame, way.receive_pool, way.settings.segment_bytes);
            if (!frame) {
                ++way.counters.no_buffer;
                continue;
            }
        }
        ++way.counters.delivered;
        way.counters.delivered_bytes += frame.length();
        way.to.arrive(std::move(frame));
    }
}

}  // namespace terminus::sim
