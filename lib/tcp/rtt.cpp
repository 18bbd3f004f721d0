#include "tcp/rtt.hpp"

#include <algorithm>

namespace terminus::tcp {

// RFC 6298 2.2 and 2.3.
void RttEstimator::sample(base::Duration rtt, wire::SeqNum una, wire::SeqNum nxt, const Tunables& tunables) {
    const std::int64_t ns = std::max<std::int64_t>(rtt.count(), 1);
    const std::int64_t floor = tunables.rto_min.count();
    if (!sampled_) {
        sampled_ = true;
        smoothed_eighths_ = ns * 8;
        mean_deviation_quarters_ = ns * 2;
        variance_quarters_ = std::max(mean_deviation_quarters_, floor);
        round_max_quarters_ = floor;
        round_end_ = nxt;
        return compute(tunables);
    }
    // The variance first, with the old mean.
    const std::int64_t error = ns - smoothed_eighths_ / 8;
    smoothed_eighths_ += error;
    std::int64_t change = (error < 0 ? -error : error) - mean_deviation_quarters_ / 4;
    // A round trip that got shorter is no reason to wait longer (Linux, after Eifel's authors): an eighth of
    // it.
    if (error < 0 && change > 0) change /= 8;
    mean_deviation_quarters_ += change;
    round_max_quarters_ = std::max(round_max_quarters_, mean_deviation_quarters_);
    variance_quarters_ = std::max(variance_quarters_, round_max_quarters_);
    if (una.after(round_end_)) {
        if (round_max_quarters_ < variance_quarters_)
            variance_quarters_ -= (variance_quarters_ - round_max_quarters_) / 4;
        round_end_ = nxt;
        round_max_quarters_ = floor;
    }
    compute(tunables);
}

/// RTO = SRTT + max(RTTVAR * 4, rto_min): the floor is of the variance, so that a path whose round trip
/// equals it doesn't time out at every delayed ACK (Linux).
void RttEstimator::compute(const Tunables& tunables) {
    const base::Duration rto(smoothed_eighths_ / 8 + std::max(variance_quarters_, tunables.rto_min.count()));
    rto_ = std::min(rto, tunables.rto_max);
}

// RFC 9293 3.8.2, MUST-19: exponential back-off.
void RttEstimator::back_off(const Tunables& tunables) {
    rto_ = std::min(rto_ * 2, tunables.rto_max);
}

void RttEstimator::restart_after_lossy_handshake(const Tunables& tunables) {
    if (!sampled_) rto_ = std::min(std::max<base::Duration>(3s, tunables.rto_min), tunables.rto_max);
}

}  // namespace terminus::tcp
