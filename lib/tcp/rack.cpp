#include "tcp/rack.hpp"

#include <algorithm>

namespace terminus::tcp {

// Linux's tcp_max_reordering.
constexpr std::uint32_t kDegreeMax = 300;

// RFC 8985 6.2 step 2: RACK.xmit_ts, RACK.end_seq and RACK.rtt follow the most recently sent segment.
void Rack::delivered(base::Instant sent_at, wire::SeqNum end, base::Duration rtt) {
    if (has_delivery() && !(sent_at > sent_at_ || (sent_at == sent_at_ && end.after(end_)))) return;
    sent_at_ = sent_at;
    end_ = end;
    rtt_ = std::max<base::Duration>(rtt, base::Duration(1));
}

// RFC 8985 6.2 step 3.
bool Rack::note_order(wire::SeqNum begin, wire::SeqNum end, bool ever_retransmitted) {
    highest_ = wire::latest(highest_, end);
    if (end.at_or_after(forward_ack_) || ever_retransmitted) return false;
    if (begin.before(reordered_from_)) reordered_from_ = begin;
    return true;
}

void Rack::order_noted(std::uint32_t mss) {
    if (reordered_from_.before(forward_ack_)) {
        ++reorderings_;
        const std::uint32_t segments = (highest_ - reordered_from_ + mss - 1) / mss;
        degree_ = std::max(degree_, static_cast<std::uint16_t>(std::min(segments, kDegreeMax)));
    }
    forward_ack_ = reordered_from_ = highest_;
}

// RFC 8985 6.2 step 4: RACK.reo_wnd_mult grows by one for a round trip with D-SACKs.
void Rack::duplicate_reported(wire::SeqNum nxt) {
    if (in_dsack_round_) return;
    in_dsack_round_ = true;
    dsack_round_end_ = nxt;
    if (multiplier_ < UINT8_MAX) ++multiplier_;
    persist_ = kPersist;
}

void Rack::recovery_left() {
    if (persist_ > 0 && --persist_ == 0) multiplier_ = 1;
}

// RFC 8985 6.2 step 4: none at all while no reordering was ever seen and loss is evident, else a quarter of
// the smallest round trip times the multiplier, at most the smoothed one.
base::Duration Rack::reordering_window(base::Duration min_rtt, base::Duration smoothed,
                                       bool loss_is_evident) const {
    if (!reordering_seen() && loss_is_evident) return base::Duration::zero();
    if (min_rtt < base::Duration::zero()) return base::Duration::zero();
    return std::min(min_rtt / 4 * multiplier_, smoothed);
}

}  // namespace terminus::tcp
