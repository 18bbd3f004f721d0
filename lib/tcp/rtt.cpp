#include "tcp/rtt.hpp"

#include <algorithm>

namespace terminus::tcp {

// RFC 6298's G: below a microsecond the variance of a quiet path would leave no margin at all.
constexpr std::int64_t kGranularityNs = 1000;

void RttEstimator::transmitted(wire::SeqNum end, base::Instant now) {
    if (timing_) return;
    timing_ = true;
    timed_end_ = end;
    timed_at_ = now;
}

void RttEstimator::acknowledged(wire::SeqNum ack, base::Duration echoed, base::Instant now,
                                const Tunables& tunables) {
    if (timing_ && ack.at_or_after(timed_end_)) {
        timing_ = false;
        ambiguous_ = false;
        sample(now - timed_at_, tunables);
        return;
    }
    // RFC 7323 4.1: the echoed timestamp says which transmission is being acknowledged.
    if (ambiguous_ && echoed >= base::Duration::zero()) {
        ambiguous_ = false;
        sample(echoed, tunables);
    }
}

void RttEstimator::sample(base::Duration rtt, const Tunables& tunables) {
    const std::int64_t ns = std::max<std::int64_t>(rtt.count(), 1);
    if (!sampled_) {  // RFC 6298 2.2
        sampled_ = true;
        smoothed_eighths_ = ns * 8;
        variance_quarters_ = ns * 2;
    } else {  // RFC 6298 2.3: the variance first, with the old mean
        const std::int64_t error = ns - smoothed_eighths_ / 8;
        variance_quarters_ += (error < 0 ? -error : error) - variance_quarters_ / 4;
        smoothed_eighths_ += error;
    }
    const base::Duration rto(smoothed_eighths_ / 8 + std::max(kGranularityNs, variance_quarters_));
    rto_ = std::min(std::max(rto, tunables.rto_min), tunables.rto_max);
}

void RttEstimator::back_off(const Tunables& tunables) {
    rto_ = std::min(rto_ * 2, tunables.rto_max);
}

void RttEstimator::restart_after_lossy_handshake(const Tunables& tunables) {
    if (!sampled_) rto_ = std::min(std::max<base::Duration>(3s, tunables.rto_min), tunables.rto_max);
}

}  // namespace terminus::tcp
