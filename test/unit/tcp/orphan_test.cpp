#include <catch2/catch.hpp>

#include "tcp/bench.hpp"

// Connections that nobody on this side waits for any more: Linux's tcp_orphan_retries, HARDENING 23.
namespace terminus::test {
namespace {

/// Expiries of the retransmission or persist timer that are let pass, the peer silent, until the end.
unsigned expiries_until_closed(Bench& bench) {
    unsigned count = 0;
    while (bench.c().state() != State::Closed) {
        bench.run_to_deadline();
        (void)bench.poll_all();
        ++count;
        REQUIRE(count < 100);
    }
    return count;
}

TEST_CASE("HARDENING 23: an orphan whose FIN is not acknowledged is given up after orphan_retries") {
    Bench bench;
    bench.tunables.keepalive = false;
    bench.tunables.orphan_retries = 3;
    const State state = GENERATE(State::FinWait1, State::Closing, State::LastAck);
    bench.bring_to(state);
    bench.c().abandon(bench.env());
    CHECK(expiries_until_closed(bench) == 3 + 1);
    CHECK(bench.c().close_reason() == CloseReason::RetransmitTimeout);
}

TEST_CASE("orphan_retries 0 is eight, and none when the timeout is rto_max") {
    Bench bench;
    bench.tunables.keepalive = false;
    unsigned expected = 8 + 1;
    SECTION("far from rto_max") {
        bench.tunables.rto_max = 120s;
    }
    SECTION("at rto_max") {
        // 200, 400, 800 ms: the third expiry finds it.
        bench.tunables.rto_max = 800ms;
        bench.tunables.rto_initial = 500ms;
        expected = 3;
    }
    bench.bring_to(State::FinWait1);
    bench.c().abandon(bench.env());
    REQUIRE(bench.c().snapshot().rto == 200ms + 1ns);  // the handshake took no time at all
    CHECK(expiries_until_closed(bench) == expected);
}

TEST_CASE("CLOSING and LAST_ACK count as orphans, but follow retries2 until they are abandoned") {
    Bench bench;
    bench.tunables.keepalive = false;
    bench.tunables.orphan_retries = 3;
    bench.tunables.retries2 = 5;
    const State state = GENERATE(State::FinWait1, State::Closing, State::LastAck);
    bench.bring_to(state);
    CHECK(bench.c().is_orphan() == (state != State::FinWait1));
    CHECK(expiries_until_closed(bench) == 5 + 1);
}

TEST_CASE("LAST_ACK is no orphan before what the peer sent has been read") {
    Bench bench;
    bench.establish();
    (void)bench.receive(kFin | kAck, 1, 1, "the end");
    bench.c().finish(bench.env());
    (void)bench.poll_all();
    REQUIRE(bench.c().state() == State::LastAck);
    CHECK_FALSE(bench.c().is_orphan());
    CHECK(bench.read() == "the end");
    CHECK(bench.c().is_orphan());
}

TEST_CASE("HARDENING 23: an orphan's unanswered probes of a closed window end it after orphan_retries") {
    Bench bench;
    bench.tunables.keepalive = false;
    bench.tunables.orphan_retries = 3;
    bench.establish();
    bench.peer_window = 0;
    (void)bench.receive(kAck, 1, 1);
    bench.send("waiting");
    bench.c().abandon(bench.env());
    CHECK(expiries_until_closed(bench) == 3 + 1);
    CHECK(bench.c().close_reason() == CloseReason::PersistTimeout);
}

TEST_CASE("HARDENING 22, 23: an orphan whose probes are answered is given up when they are rto_max apart") {
    Bench bench;
    bench.tunables.keepalive = false;
    bench.tunables.rto_max = 6400ms;
    bench.tunables.orphan_retries = GENERATE(0, 3);
    bench.establish();
    bench.peer_window = 0;
    (void)bench.receive(kAck, 1, 1);
    bench.send("waiting");
    const bool is_orphan = GENERATE(false, true);
    if (is_orphan) bench.c().abandon(bench.env());
    int answered = 0;
    while (answered < 50) {
        bench.run_to_deadline();
        (void)bench.poll_all();
        if (bench.c().state() == State::Closed) break;
        (void)bench.receive(kAck, 1, 1);
        ++answered;
    }
    CHECK(answered == (is_orphan ? 5 : 50));  // 200 ms, doubled five times
    if (is_orphan) CHECK(bench.c().close_reason() == CloseReason::PersistTimeout);
}

}  // namespace
}  // namespace terminus::test
