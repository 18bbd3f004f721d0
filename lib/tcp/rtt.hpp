#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "tcp/tunables.hpp"
#include "wire/seq.hpp"

namespace terminus::tcp {

/// RFC 6298: the smoothed round trip, its variance and the retransmission time-out; integers throughout, so
/// that every build computes the same. Every ACK is a measurement, many a round trip, so the variance falls
/// only once a round trip (as in Linux): a window's worth of equal measurements must not make the time-out
/// forget a jitter.
class RttEstimator {
 public:
    explicit RttEstimator(const Tunables& tunables) : rto_(tunables.rto_initial) {}

    /// A round trip was measured, by a segment sent once (Karn, RFC 6298 3) or by an echoed timestamp (RFC
    /// 7323 4.1). Ends a back-off. `una` and `nxt` after the ACK.
    void sample(base::Duration rtt, wire::SeqNum una, wire::SeqNum nxt, const Tunables& tunables);
    /// RFC 6298 5.5: doubles, until the next sample.
    void back_off(const Tunables& tunables);
    /// A time-out turned out spurious: its doubling is taken back.
    void undo_back_off(const Tunables& tunables) {
        if (sampled_) compute(tunables);
    }
    /// RFC 6298 5.7: a handshake that needed retransmissions and gave no sample starts data at 3 s.
    void restart_after_lossy_handshake(const Tunables& tunables);

    [[nodiscard]] base::Duration rto() const { return rto_; }
    /// Zero before the first sample.
    [[nodiscard]] base::Duration smoothed() const { return base::Duration(smoothed_eighths_ / 8); }
    /// RTTVAR; zero before the first sample.
    [[nodiscard]] base::Duration variation() const { return base::Duration(mean_deviation_quarters_ / 4); }
    [[nodiscard]] bool has_sample() const { return sampled_; }

 private:
    void compute(const Tunables& tunables);

    base::Duration rto_;
    std::int64_t smoothed_eighths_ = 0;         // ns, times 8
    std::int64_t mean_deviation_quarters_ = 0;  // ns, times 4: of the measurements
    std::int64_t round_max_quarters_ = 0;       // its largest in this round trip
    std::int64_t variance_quarters_ = 0;        // what the time-out uses
    wire::SeqNum round_end_;
    bool sampled_ = false;
};

}  // namespace terminus::tcp
