#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "tcp/tunables.hpp"
#include "wire/seq.hpp"

namespace terminus::tcp {

/// RFC 6298: the smoothed round trip, its variance and the retransmission time-out; integers throughout, so
/// that every build computes the same. One segment at a time is timed to the nanosecond; the timestamp option
/// speaks only where Karn's rule silences that clock.
class RttEstimator {
 public:
    explicit RttEstimator(const Tunables& tunables) : rto_(tunables.rto_initial) {}

    /// Times the segment that ends before `end`, unless one is being timed.
    void transmitted(wire::SeqNum end, base::Instant now);
    /// Karn's rule: what is being timed is now ambiguous (RFC 6298 3).
    void retransmitted() {
        timing_ = false;
        ambiguous_ = true;
    }
    /// `ack` is new. `echoed` is the age of the timestamp that came back with it, or negative when there is
    /// none.
    void acknowledged(wire::SeqNum ack, base::Duration echoed, base::Instant now, const Tunables& tunables);
    /// RFC 6298 5.5.
    void back_off(const Tunables& tunables);
    /// RFC 6298 5.7: a handshake that needed retransmissions and gave no sample starts data at 3 s.
    void restart_after_lossy_handshake(const Tunables& tunables);

    [[nodiscard]] base::Duration rto() const { return rto_; }
    /// Zero before the first sample.
    [[nodiscard]] base::Duration smoothed() const { return base::Duration(smoothed_eighths_ / 8); }
    [[nodiscard]] bool has_sample() const { return sampled_; }

 private:
    void sample(base::Duration rtt, const Tunables& tunables);

    base::Duration rto_;
    std::int64_t smoothed_eighths_ = 0;   // ns, times 8
    std::int64_t variance_quarters_ = 0;  // ns, times 4
    base::Instant timed_at_{};
    wire::SeqNum timed_end_;
    bool timing_ = false;
    bool ambiguous_ = false;
    bool sampled_ = false;
};

}  // namespace terminus::tcp
