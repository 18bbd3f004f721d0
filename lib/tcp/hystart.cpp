#include "tcp/hystart.hpp"

#include <algorithm>

namespace terminus::tcp {

// RFC 9406 4.3, in microseconds where they are times.
constexpr std::uint32_t kMinRttThreshold = 4'000;   // MIN_RTT_THRESH
constexpr std::uint32_t kMaxRttThreshold = 16'000;  // MAX_RTT_THRESH
constexpr std::uint32_t kMinRttDivisor = 8;         // MIN_RTT_DIVISOR
constexpr std::uint8_t kSamplesMin = 8;             // N_RTT_SAMPLE
constexpr std::uint8_t kConservativeRounds = 5;     // CSS_ROUNDS

HyStart::Pace HyStart::acknowledged(const AckSample& sample) {
    // A round ends with the first ACK for something sent after it began. No window comes near 2^31 bytes, so
    // the total's low half tells before from after.
    const std::uint32_t ahead = static_cast<std::uint32_t>(sample.prior_delivered) - round_end_;
    if (sample.newly_delivered > 0 && (!in_round_ || ahead < (1u << 31))) {
        // RFC 9406 4.2: the part of a round in which CSS began counts as one of its rounds.
        if (baseline_min_ != kNone && ++conservative_rounds_ >= kConservativeRounds) return Pace::Ended;
        begin_round(sample.delivered);
    }
    if (sample.rtt >= base::Duration::zero()) sample_rtt(sample.rtt);

    if (baseline_min_ == kNone) {
        if (is_delayed()) {
            baseline_min_ = this_round_min_;
            conservative_rounds_ = 0;
        }
    } else if (samples_ >= kSamplesMin && this_round_min_ < baseline_min_) {
        baseline_min_ = kNone;  // RFC 9406 4.2: the delay was spurious; slow start goes on
    }
    return baseline_min_ == kNone ? Pace::Full : Pace::Conservative;
}

void HyStart::sample_rtt(base::Duration rtt) {
    const auto us = static_cast<std::uint32_t>(std::min<std::int64_t>(rtt.count() / 1000, kNone - 1));
    this_round_min_ = std::min(this_round_min_, us);
    if (samples_ < kSamplesMin) ++samples_;
}

void HyStart::begin_round(std::uint64_t delivered) {
    in_round_ = true;
    round_end_ = static_cast<std::uint32_t>(delivered);
    last_round_min_ = this_round_min_;
    this_round_min_ = kNone;
    samples_ = 0;
}

// RFC 9406 4.2: an eighth more than the round before, between 4 and 16 ms.
bool HyStart::is_delayed() const {
    if (samples_ < kSamplesMin || this_round_min_ == kNone || last_round_min_ == kNone) return false;
    const std::uint32_t threshold =
        std::clamp(last_round_min_ / kMinRttDivisor, kMinRttThreshold, kMaxRttThreshold);
    return this_round_min_ >= last_round_min_ && this_round_min_ - last_round_min_ >= threshold;
}

}  // namespace terminus::tcp
