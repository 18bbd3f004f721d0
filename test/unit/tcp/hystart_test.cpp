#include "tcp/hystart.hpp"

#include <catch2/catch.hpp>

using namespace terminus::tcp;
using namespace std::chrono_literals;
using terminus::base::Duration;

namespace {

constexpr std::uint32_t kMss = 1000;

/// Rounds of ten segments whose round trips are the test's.
struct Rounds {
    HyStart::Pace ack(Duration rtt) {
        AckSample sample;
        sample.mss = kMss;
        sample.acked = sample.newly_delivered = kMss;
        delivered += kMss;
        sample.delivered = delivered;
        sample.prior_delivered = delivered - std::min<std::uint64_t>(delivered, 10 * kMss);
        sample.rtt = rtt;
        return pace = hystart.acknowledged(sample);
    }
    HyStart::Pace round(Duration rtt) {
        for (int i = 0; i < 10; ++i)
            ack(rtt);
        return pace;
    }

    HyStart hystart;
    HyStart::Pace pace = HyStart::Pace::Full;
    std::uint64_t delivered = 0;
};

}  // namespace

// RFC 9406 4.2.
TEST_CASE("slow start goes on while round trips stay what they were") {
    Rounds rounds;
    for (int i = 0; i < 20; ++i)
        CHECK(rounds.round(40ms) == HyStart::Pace::Full);
}

// RFC 9406 4.2 and 4.3: RttThresh is an eighth of the last round's minimum, from 4 to 16 ms.
TEST_CASE("growth becomes conservative when a round's least trip is an eighth above the last one's") {
    const auto [before, threshold] = GENERATE(table<Duration, Duration>({
        {40ms, 5ms},    // an eighth
        {8ms, 4ms},     // not less than 4 ms
        {400ms, 16ms},  // not more than 16 ms
    }));
    Rounds rounds;
    rounds.round(before);
    SECTION("not below") {
        CHECK(rounds.round(before + threshold - 1us) == HyStart::Pace::Full);
    }
    SECTION("at it") {
        CHECK(rounds.round(before + threshold) == HyStart::Pace::Conservative);
    }
}

// RFC 9406 4.3: N_RTT_SAMPLE.
TEST_CASE("seven samples don't make a round's least trip, eight do") {
    Rounds rounds;
    rounds.round(40ms);
    for (int i = 0; i < 7; ++i)
        CHECK(rounds.ack(60ms) == HyStart::Pace::Full);
    CHECK(rounds.ack(60ms) == HyStart::Pace::Conservative);
}

TEST_CASE("one short trip in a round says that the path is free") {
    Rounds rounds;
    rounds.round(40ms);
    rounds.ack(41ms);
    for (int i = 0; i < 9; ++i)
        CHECK(rounds.ack(80ms) == HyStart::Pace::Full);
}

// RFC 9406 4.2 and 4.3: CSS_ROUNDS, the one it began in included.
TEST_CASE("conservative slow start ends with its fifth round") {
    Rounds rounds;
    rounds.round(40ms);
    CHECK(rounds.round(60ms) == HyStart::Pace::Conservative);
    for (int i = 0; i < 4; ++i)
        CHECK(rounds.round(60ms) == HyStart::Pace::Conservative);
    CHECK(rounds.ack(60ms) == HyStart::Pace::Ended);
}

// RFC 9406 4.2.
TEST_CASE("slow start resumes when trips fall below those at which it turned conservative") {
    Rounds rounds;
    rounds.round(40ms);
    REQUIRE(rounds.round(60ms) == HyStart::Pace::Conservative);
    CHECK(rounds.round(60ms) == HyStart::Pace::Conservative);  // not below: no change
    CHECK(rounds.round(59ms) == HyStart::Pace::Full);
    CHECK(rounds.round(59ms) == HyStart::Pace::Full);
    // It may turn again, and has all its rounds then.
    CHECK(rounds.round(80ms) == HyStart::Pace::Conservative);
    for (int i = 0; i < 4; ++i)
        CHECK(rounds.round(80ms) == HyStart::Pace::Conservative);
    CHECK(rounds.ack(80ms) == HyStart::Pace::Ended);
}

TEST_CASE("ACKs without a round trip end rounds but judge nothing") {
    Rounds rounds;
    rounds.round(40ms);
    for (int i = 0; i < 100; ++i)
        CHECK(rounds.ack(Duration{-1}) == HyStart::Pace::Full);
    CHECK(rounds.round(80ms) == HyStart::Pace::Full);  // the round before had no minimum to compare with
}

// The connection's total outgrows 32 bits; only its low half is kept.
TEST_CASE("rounds go on where the total delivered passes 2^31 and 2^32") {
    for (const std::uint64_t near : {1ull << 31, 1ull << 32}) {
        Rounds rounds;
        rounds.delivered = near - 15 * kMss;
        rounds.round(40ms);
        CHECK(rounds.round(40ms) == HyStart::Pace::Full);
        CHECK(rounds.round(60ms) == HyStart::Pace::Conservative);
    }
}
