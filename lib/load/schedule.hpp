#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace terminus::load {

/// When things are to begin, evenly, whether or not what began before has ended: an open loop. What could not
/// begin in time begins later, and its latency counts from when it was due, so that a stall shows in all that
/// it held up (no coordinated omission).
class Schedule {
 public:
    /// `rate` a second, at least 1; the first is due at `start`.
    Schedule(std::uint64_t rate, base::Instant start) : rate_(rate), second_(start) {}

    [[nodiscard]] base::Instant due() const {
        return second_ + base::Duration(static_cast<std::int64_t>(number_ * 1'000'000'000 / rate_));
    }
    void advance() {
        if (++number_ < rate_) return;
        number_ = 0;  // second by second, so that no product grows beyond its type and no error adds up
        second_ += std::chrono::seconds(1);
    }

 private:
    std::uint64_t rate_;
    base::Instant second_;
    std::uint64_t number_ = 0;
};

}  // namespace terminus::load
