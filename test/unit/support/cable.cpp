#include "support/cable.hpp"

#include <algorithm>

#include "support/pool.hpp"

namespace terminus::test {

Cable::Cable(const Settings& settings, const wire::MacAddress& left, const wire::MacAddress& right)
    : settings_(settings), rng_(settings.seed), left_(*this, left), right_(*this, right) {
    left_.peer = &right_;
    right_.peer = &left_;
}

base::Instant Cable::next_arrival() const {
    base::Instant next = base::kNever;
    for (const End* end : {&left_, &right_}) {
        if (!end->incoming.empty()) next = std::min(next, end->incoming.begin()->first);
    }
    return next;
}

Cable::End::End(Cable& cable, const wire::MacAddress& mac)
    : Port({.tx_multi_segment = true, .tx_indirect_buffers = true, .tx_segments_max = 16}, mac, 1500),
      cable_(cable) {}

void Cable::End::receive(packet::Batch& into) {
    while (!into.full() && !incoming.empty() && incoming.begin()->first <= cable_.now_) {
        into.push_back(std::move(incoming.begin()->second));
        incoming.erase(incoming.begin());
    }
}

void Cable::End::transmit(packet::Batch& frames) {
    for (std::uint16_t i = 0; i < frames.size(); ++i) {
        const packet::Buffer frame = frames.take(i);
        if (cable_.is_cut_ || cable_.rng_.below(1000) < cable_.settings_.loss_permille) {
            ++cable_.lost_;
            continue;
        }
        rte_mbuf* const copy = rte_pktmbuf_copy(frame.get(), pool(), 0, UINT32_MAX);
        if (copy == nullptr) {
            ++cable_.lost_;
            continue;
        }
        base::Duration delay = cable_.settings_.delay;
        if (cable_.settings_.jitter > base::Duration::zero()) {
            delay += base::Duration(
                cable_.rng_.below(static_cast<std::uint32_t>(cable_.settings_.jitter.count())));
        }
        peer->incoming.emplace(cable_.now_ + delay, packet::Buffer(copy));
    }
    frames.clear();
}

}  // namespace terminus::test
