#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.hpp"
#include "disturbance.hpp"

namespace terminus::bench {

/// A server that takes as long for a request as the worker does, half of it on the way there and half on the
/// way back, by a loop that touches no memory and has no timers. What delays its requests is the queue, as
/// long as it is at such a load, and the machine.
class StandIn {
 public:
    /// Cycles of the time stamp counter for each request.
    explicit StandIn(double cycles_each);

    /// `count` requests, `interval` cycles apart on average and at random: the delays of each way, in cycles.
    /// As for the worker, what an interruption delays is left out.
    [[nodiscard]] std::vector<std::uint64_t> run(std::uint32_t count, double interval);

 private:
    std::uint64_t iterations_;  // of the loop, for one way
    base::Rng rng_{1};
};

/// The next gap between arrivals that are `interval` apart on average, exponentially distributed.
[[nodiscard]] double exponential_gap(base::Rng& rng, double interval);

}  // namespace terminus::bench
