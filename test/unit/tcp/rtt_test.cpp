#include "tcp/rtt.hpp"

#include <catch2/catch.hpp>

using namespace terminus;
using namespace std::chrono_literals;
using base::Duration;
using base::Instant;
using wire::SeqNum;

namespace {
struct Clocked {
    tcp::Tunables tunables;
    tcp::RttEstimator rtt{tunables};
    Instant now{1h};
    std::uint32_t next = 1;

    void round_trip(Duration time) {
        rtt.transmitted(SeqNum(next + 100), now);
        now += time;
        next += 100;
        rtt.acknowledged(SeqNum(next), Duration(-1), now, tunables);
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
    CHECK(path.rtt.rto() == 400ms + 4 * 200ms);
    path.round_trip(400ms);  // RTTVAR 3/4 of 200 ms
    CHECK(path.rtt.smoothed() == 400ms);
    CHECK(path.rtt.rto() == 400ms + 4 * 150ms);
    path.round_trip(800ms);  // SRTT 400 + 50, RTTVAR 112.5 + 100
    CHECK(path.rtt.smoothed() == 450ms);
    CHECK(path.rtt.rto() == 450ms + 850ms);
}

TEST_CASE("the time-out is held between rto_min and rto_max") {
    Clocked path;
    path.round_trip(10us);
    CHECK(path.rtt.rto() == path.tunables.rto_min);
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
TEST_CASE("a retransmitted segment gives no sample, and the backed-off time-out stays until one does") {
    Clocked path;
    path.round_trip(100ms);
    const auto before = path.rtt.smoothed();
    path.rtt.transmitted(SeqNum(500), path.now);
    path.rtt.back_off(path.tunables);
    path.rtt.retransmitted();
    const auto backed_off = path.rtt.rto();
    path.rtt.acknowledged(SeqNum(500), Duration(-1), path.now + 7s, path.tunables);
    CHECK(path.rtt.smoothed() == before);
    CHECK(path.rtt.rto() == backed_off);
    path.next = 500;
    path.now += 7s;
    path.round_trip(100ms);
    CHECK(path.rtt.rto() < backed_off);
}

// RFC 7323 4.1.
TEST_CASE("the echoed timestamp gives the sample that Karn's rule forbids the clock") {
    Clocked path;
    path.rtt.transmitted(SeqNum(500), path.now);
    path.rtt.back_off(path.tunables);
    path.rtt.retransmitted();
    path.rtt.acknowledged(SeqNum(500), 30ms, path.now + 7s, path.tunables);
    CHECK(path.rtt.smoothed() == 30ms);
    CHECK(path.rtt.rto() == path.tunables.rto_min);
}

TEST_CASE("an acknowledgement of less than the timed segment is no sample") {
    Clocked path;
    path.rtt.transmitted(SeqNum(500), path.now);
    path.rtt.acknowledged(SeqNum(499), 30ms, path.now + 1s, path.tunables);
    CHECK_FALSE(path.rtt.has_sample());
    path.rtt.acknowledged(SeqNum(500), 30ms, path.now + 2s, path.tunables);
    CHECK(path.rtt.smoothed() ==
          2s);  // the first transmission timed is the one that counts, to the nanosecond
}

// RFC 6298 5.7.
TEST_CASE("a lossy handshake without a sample starts data at three seconds") {
    Clocked path;
    path.rtt.restart_after_lossy_handshake(path.tunables);
    CHECK(path.rtt.rto() == 3s);
    Clocked sampled;
    sampled.round_trip(10ms);
    sampled.rtt.restart_after_lossy_handshake(sampled.tunables);
    CHECK(sampled.rtt.rto() == 200ms);
}

TEST_CASE("a clock that steps back leaves the estimate sane") {  // HARDENING 29
    Clocked path;
    path.round_trip(-5s);
    CHECK(path.rtt.smoothed() >= 0s);
    CHECK(path.rtt.rto() == path.tunables.rto_min);
}
