#pragma once

#include <array>
#include <cstddef>

#include "base/time.hpp"
#include "stats/reasons.hpp"

namespace terminus::tcp {

/// The seven deadlines of a connection (DESIGN 3.3). The wheel holds one entry for all of them: earliest().
class Deadlines {
 public:
    static constexpr std::size_t kCount = std::size(stats::kTimers);

    Deadlines() { cancel_all(); }

    void arm(stats::Timer timer, base::Instant when) { at_[index(timer)] = when; }
    void cancel(stats::Timer timer) { at_[index(timer)] = base::kNever; }
    void cancel_all() { at_.fill(base::kNever); }

    [[nodiscard]] bool is_armed(stats::Timer timer) const { return at_[index(timer)] != base::kNever; }
    [[nodiscard]] base::Instant at(stats::Timer timer) const { return at_[index(timer)]; }
    [[nodiscard]] bool is_due(stats::Timer timer, base::Instant now) const {
        return at_[index(timer)] <= now;
    }

    [[nodiscard]] base::Instant earliest() const { return at_[index(next())]; }
    /// The timer that fires first; meaningless when none is armed.
    [[nodiscard]] stats::Timer next() const {
        std::size_t first = 0;
        for (std::size_t i = 1; i < kCount; ++i) {
            if (at_[i] < at_[first]) first = i;
        }
        return static_cast<stats::Timer>(first);
    }

 private:
    static constexpr std::size_t index(stats::Timer timer) { return static_cast<std::size_t>(timer); }

    std::array<base::Instant, kCount> at_;
};

}  // namespace terminus::tcp
