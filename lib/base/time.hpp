#pragma once

#include <chrono>
#include <cstdint>

namespace terminus::base {

using namespace std::chrono_literals;

/// A span of time in 64-bit nanoseconds.
using Duration = std::chrono::nanoseconds;

/// The clock of everything below `worker`: it has no now(). Time comes in as an argument, so that the same
/// code runs on a NIC, on a capture, in a simulation and in a fuzzer.
struct VirtualClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<VirtualClock>;
    static constexpr bool is_steady = true;
};

/// A point in time: nanoseconds since an epoch that only `worker` knows. Never compared across processes.
using Instant = VirtualClock::time_point;

/// The deadline of a timer that is not armed: later than every real one.
inline constexpr Instant kNever = Instant::max();

/// An instant from plain nanoseconds; for tests and for `worker`'s one reading of the clock.
constexpr Instant instant_from_ns(std::int64_t ns) {
    return Instant{Duration{ns}};
}

}  // namespace terminus::base
