#include "tcp/rtt.hpp"

#include <catch2/catch.hpp>

using namespace terminus;
using namespace std::chrono_literals;
using base::Duration;
using wire::SeqNum;

namespace {
struct Clocked {
    tcp::Tunables tunables;
    tcp::RttEstimator rtt{tunables};
    std::uint32_t next = 1;

    /// A measurement a round trip.
    void round_trip(Duration time) {
        next += 100;
        rtt.sample(time, SeqNum(next), SeqNum(next), tunables);
    }
};
}  // namespace

// RFC 6298 2.1 to 2.3.
TEST_CASE("the time-out starts at one second and follows the mean and four variances") {
    Clocked path;
    CHECK(path.rtt.rto() == 1s);
    CHECK_FALSE(path.rtt.has_sample());
    path.round_trip(400ms);
    CHECK(path.rtt.smoothed() == 400ms);
    CHECK(path.rtt.variation() == 200ms);
    CHECK(path.rtt.rto() == 400ms + 4 * 200ms);
    path.round_trip(400ms);  // the deviation falls to 3/4, what the time-out uses by a quarter of the way
    CHECK(path.rtt.smoothed() == 400ms);
    CHECK(path.rtt.variation() == 150ms);
    CHECK(path.rtt.rto() == 400ms + 750ms);
    path.round_trip(800ms);  // SRTT 400 + 50, deviation 112.5 + 100
    CHECK(path.rtt.smoothed() == 450ms);
    CHECK(path.rtt.rto() == 450ms + 850ms);
}

TEST_CASE("many equal measurements in one round trip don't shrink the time-out; round trips do") {
    Clocked path;
    path.round_trip(400ms);
    const Duration first = path.rtt.rto();
    for (int i = 0; i < 50; ++i)
        path.rtt.sample(400ms, SeqNum(path.next), SeqNum(path.next + 100'000), path.tunables);
    CHECK(path.rtt.rto() == first);
    for (int i = 0; i < 50; ++i)
        path.round_trip(400ms);
    CHECK(path.rtt.rto() < 610ms);
    CHECK(path.rtt.rto() >= 600ms);
}

TEST_CASE("a round trip that gets shorter makes the time-out longer by an eighth of the difference at most") {
    Clocked path;
    path.round_trip(1s);
    for (int i = 0; i < 50; ++i)
        path.round_trip(1s);
    const Duration before = path.rtt.variation();
    path.round_trip(200ms);
    CHECK(path.rtt.variation() - before <= 25ms);
}

TEST_CASE("the time-out is held between rto_min above the mean and rto_max") {
    Clocked path;
    path.round_trip(10us);
    CHECK(path.rtt.rto() == path.tunables.rto_min + 10us);
    Clocked moon;
    moon.round_trip(100s);
    CHECK(moon.rtt.rto() == moon.tunables.rto_max);
}

// RFC 6298 5.5.
TEST_CASE("backing off doubles up to rto_max") {
    Clocked path;
    Duration expected = 1s;
    for (int i = 0; i < 10; ++i) {
        path.rtt.back_off(path.tunables);
        expected = std::min<Duration>(expected * 2, 120s);
        CHECK(path.rtt.rto() == expected);
    }
}

// RFC 6298 3, RFC 9293 MUST-18: Karn.
TEST_CASE(
    "the backed-off time-out stays until there is a sample, or until it turns out to have been needless") {
    Clocked path;
    path.round_trip(100ms);
    const Duration before = path.rtt.rto();
    path.rtt.back_off(path.tunables);
    CHECK(path.rtt.rto() == 2 * before);
    path.rtt.undo_back_off(path.tunables);
    CHECK(path.rtt.rto() == before);
    path.rtt.back_off(path.tunables);
    path.round_trip(100ms);
    CHECK(path.rtt.rto() <= before);
}

// RFC 6298 5.7.
TEST_CASE("a lossy handshake without a sample starts data at three seconds") {
    Clocked path;
    path.rtt.restart_after_lossy_handshake(path.tunables);
    CHECK(path.rtt.rto() == 3s);
    Clocked sampled;
    sampled.round_trip(10ms);
    sampled.rtt.restart_after_lossy_handshake(sampled.tunables);
    CHECK(sampled.rtt.rto() == 210ms);
}

TEST_CASE("HARDENING 29: a clock that steps back leaves the estimate sane") {  // HARDENING 29
    Clocked path;
    path.round_trip(-5s);
    CHECK(path.rtt.smoothed() >= 0s);
    CHECK(path.rtt.rto() < path.tunables.rto_min + 1us);
}
