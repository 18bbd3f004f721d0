#include "wire.hpp"

#include <algorithm>
#include <utility>

namespace terminus::relay {
namespace {

base::Duration time_on_wire(std::size_t bytes, std::uint64_t bits_per_second) {
    if (bits_per_second == 0) return base::Duration::zero();
    return base::Duration(static_cast<std::int64_t>(bytes * 8 * 1'000'000'000 / bits_per_second));
}

}  // namespace

void Wire::take(Frame frame, base::Instant now) {
    ++counters_.taken;
    if (rng_.below(1000) < impairment_.loss_permille) {
        ++counters_.lost;
        return;
    }
    const base::Duration busy = time_on_wire(frame.size(), impairment_.bits_per_second);
    if (free_at_ > now + busy * impairment_.queue_max) {
        ++counters_.overflowed;
        return;
    }
    free_at_ = std::max(free_at_, now) + busy;
    base::Instant arrival = free_at_ + impairment_.delay;
    if (rng_.below(1000) < impairment_.reorder_permille) {
        ++counters_.reordered;
        arrival += impairment_.reorder_delay;
    }
    under_way_.emplace(arrival, std::move(frame));
}

std::optional<Frame> Wire::deliver(base::Instant now) {
    if (under_way_.empty() || under_way_.begin()->first > now) return std::nullopt;
    Frame frame = std::move(under_way_.begin()->second);
    under_way_.erase(under_way_.begin());
    ++counters_.delivered;
    return frame;
}

base::Instant Wire::next_arrival() const {
    return under_way_.empty() ? base::kNever : under_way_.begin()->first;
}

}  // namespace terminus::relay
