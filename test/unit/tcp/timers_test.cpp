#include "tcp/timers.hpp"

#include <catch2/catch.hpp>

#include "tcp/challenge.hpp"

using namespace terminus;
using namespace std::chrono_literals;
using base::Instant;
using stats::Timer;

TEST_CASE("the earliest of the deadlines is what the wheel is told") {
    tcp::Deadlines deadlines;
    CHECK(deadlines.earliest() == base::kNever);
    deadlines.arm(Timer::Keepalive, Instant{2h});
    CHECK(deadlines.earliest() == Instant{2h});
    deadlines.arm(Timer::DelayedAck, Instant{1h});
    CHECK(deadlines.next() == Timer::DelayedAck);
    CHECK(deadlines.earliest() == Instant{1h});
    CHECK_FALSE(deadlines.is_due(Timer::DelayedAck, Instant{1h} - 1ns));
    CHECK(deadlines.is_due(Timer::DelayedAck, Instant{1h}));
    deadlines.cancel(Timer::DelayedAck);
    CHECK_FALSE(deadlines.is_armed(Timer::DelayedAck));
    CHECK(deadlines.next() == Timer::Keepalive);
    deadlines.cancel_all();
    CHECK(deadlines.earliest() == base::kNever);
}

// RFC 5961 7.
TEST_CASE("challenges are admitted up to the limit in each second, then again") {
    tcp::ChallengeLimiter limiter;
    const Instant start{5h};
    CHECK(limiter.admit(start, 2));
    CHECK(limiter.admit(start + 1ms, 2));
    CHECK_FALSE(limiter.admit(start + 2ms, 2));
    CHECK_FALSE(limiter.admit(start + 999ms, 2));
    CHECK(limiter.admit(start + 1s, 2));
    CHECK(limiter.admit(start + 1s, 2));
    CHECK_FALSE(limiter.admit(start + 1s, 2));
    CHECK_FALSE(limiter.admit(start + 3h, 0));
}
