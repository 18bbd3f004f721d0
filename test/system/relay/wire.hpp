#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"

namespace terminus::relay {

using Frame = std::vector<std::byte>;

/// How one direction treats frames.
struct Impairment {
    base::Duration delay{};
    std::uint64_t bits_per_second = 0;  ///< 0: frames take no time of their own
    std::uint32_t queue_max = 1000;     ///< frames that wait for the wire
    std::uint32_t loss_permille = 0;
    std::uint32_t reorder_permille = 0;  ///< of frames that come `reorder_delay` late
    base::Duration reorder_delay{};
    std::uint64_t seed = 1;
};

struct Counters {
    std::uint64_t taken = 0;
    std::uint64_t delivered = 0;
    std::uint64_t lost = 0;
    std::uint64_t reordered = 0;
    std::uint64_t overflowed = 0;
};

/// One direction of a wire: takes frames, and hands them out when their time has come.
class Wire {
 public:
    explicit Wire(const Impairment& impairment) : impairment_(impairment), rng_(impairment.seed) {}

    void take(Frame frame, base::Instant now);
    /// The next frame that has arrived by `now`.
    [[nodiscard]] std::optional<Frame> deliver(base::Instant now);
    /// When the next frame arrives; base::kNever when none is under way.
    [[nodiscard]] base::Instant next_arrival() const;
    [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
    Impairment impairment_;
    base::Rng rng_;
    base::Instant free_at_{};                        ///< when the last frame has left
    std::multimap<base::Instant, Frame> under_way_;  ///< by arrival; equal times in order of coming
    Counters counters_;
};

}  // namespace terminus::relay
