#include "tcp/delivery_rate.hpp"

#include <algorithm>

namespace terminus::tcp {

// draft-ietf-ccwg-bbr 4.1.2.2: what begins after silence measures from now on.
SendStamp DeliveryRate::stamp(base::Instant now, std::uint32_t pipe, std::uint32_t length) {
    if (pipe == 0) first_sent_at_ = delivered_at_ = now;
    return {.sent_at = now,
            .delivered_at = delivered_at_,
            .first_sent_at = first_sent_at_,
            .delivered = static_cast<std::uint32_t>(delivered_),
            .lost = lost_,
            .in_flight = pipe + length,
            .app_limited = app_limited_until_ != 0};
}

// draft-ietf-ccwg-bbr 4.1.2.3: the sample is that of the most recently sent record.
void DeliveryRate::delivered(Newest& newest, const SendStamp& stamp, std::uint32_t bytes, base::Instant now) {
    delivered_ += bytes;
    delivered_at_ = now;
    if (newest && stamp.sent_at < newest->sent_at) return;
    newest = stamp;
    first_sent_at_ = stamp.sent_at;
}

// draft-ietf-ccwg-bbr 4.1.2.3: the longer of sending and acknowledging time, so that compressed ACKs promise
// nothing; shorter than any round trip it is an artefact.
void DeliveryRate::finish(const Newest& newest, AckSample& sample, base::Duration min_rtt) {
    if (app_limited_until_ != 0 && delivered_ > app_limited_until_) app_limited_until_ = 0;
    sample.delivered = delivered_;
    sample.prior_delivered = delivered_;
    if (!newest) return;
    // The record has the low half of the total; it was less than 4 GB ago.
    const std::uint32_t since = static_cast<std::uint32_t>(delivered_) - newest->delivered;
    sample.prior_delivered = delivered_ - since;
    sample.sample_delivered = since;
    sample.sample_lost = lost_ - newest->lost;
    sample.tx_in_flight = newest->in_flight;
    sample.app_limited = newest->app_limited;
    const base::Duration sending = newest->sent_at - newest->first_sent_at;
    const base::Duration acknowledging = delivered_at_ - newest->delivered_at;
    const base::Duration interval = std::max(sending, acknowledging);
    if (interval <= base::Duration::zero() || interval < min_rtt) return;
    sample.interval = interval;
    // Below 2^64 by far: 4 GB times 10^9.
    sample.delivery_rate =
        std::uint64_t{since} * 1'000'000'000u / static_cast<std::uint64_t>(interval.count());
}

}  // namespace terminus::tcp
