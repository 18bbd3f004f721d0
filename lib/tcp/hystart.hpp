#pragma once

#include <cstdint>

#include "tcp/ack_sample.hpp"

namespace terminus::tcp {

/// HyStart++ (RFC 9406): watches the round trips of a connection's first slow start. When a round's least is
/// well above the round's before it, a queue is building: growth slows to a quarter (Conservative Slow Start)
/// for five rounds, and then ends; should the round trips fall again meanwhile, it was only jitter.
class HyStart {
 public:
    enum class Pace : std::uint8_t {
        Full,          ///< slow start
        Conservative,  ///< growth divided by kGrowthDivisor
        Ended,         ///< the window is to be the threshold
    };
    /// RFC 9406 4.3: CSS_GROWTH_DIVISOR.
    static constexpr std::uint32_t kGrowthDivisor = 4;
    /// RFC 9406 4.3: L of a sender that doesn't pace; segments of growth an ACK at most.
    static constexpr std::uint32_t kSegmentsPerAckMax = 8;

    /// One ACK of slow start; how fast the window may grow by it.
    Pace acknowledged(const AckSample& sample);

 private:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    void sample_rtt(base::Duration rtt);
    void begin_round(std::uint64_t delivered);
    [[nodiscard]] bool is_delayed() const;

    // Microseconds, kNone: not known; an hour fits, a nanosecond doesn't matter.
    std::uint32_t last_round_min_ = kNone;
    std::uint32_t this_round_min_ = kNone;
    std::uint32_t baseline_min_ = kNone;  // of Conservative Slow Start; kNone: not in it
    std::uint32_t round_end_ = 0;         // the sample's `delivered` at the round's start, modulo 2^32
    bool in_round_ = false;               // false: the next ACK begins the first
    std::uint8_t samples_ = 0;
    std::uint8_t conservative_rounds_ = 0;
};

}  // namespace terminus::tcp
