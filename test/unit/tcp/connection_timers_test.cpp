// The seven timers of DESIGN 4: each a tick before and at its deadline, its back-off and its end.
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

// RFC 6298 5, RFC 9293 MUST-22.
TEST_CASE("connection establishment: the SYN is sent again, doubling, syn_retries times") {
    Bench bench;
    bench.tunables.syn_retries = 3;
    bench.bring_to(State::SynSent);
    const Instant start = bench.now;
    Duration timeout = 1s;
    for (int i = 0; i < 3; ++i) {
        CHECK(bench.c().snapshot().timer == Timer::Establishment);
        CHECK(bench.c().next_deadline() == bench.now + timeout);
        bench.run_to_just_before_deadline();
        CHECK(bench.poll_all().empty());
        bench.run_to_deadline();
        const auto syn = bench.poll_one();
        CHECK(syn.flags.bits == kSyn);
        CHECK(syn.seq == bench.own_iss);
        timeout *= 2;
    }
    bench.run_to_just_before_deadline();
    CHECK(bench.c().state() == State::SynSent);
    bench.run_to_deadline();
    CHECK(bench.now - start == 15s);
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.c().close_reason() == CloseReason::SynTimeout);
    CHECK(bench.leg().retransmits[RetransmitCause::Syn].value() == 3);
    CHECK(bench.leg().timer_expirations[Timer::Establishment].value() == 4);
    CHECK(bench.poll_all().empty());
}

// RFC 9293 3.8.2, MUST-19; 3.8.3, MUST-20: R2.
TEST_CASE("retransmission: doubling to rto_max, retries2 times, then the peer is told and the leg ends") {
    Bench bench;
    bench.tunables.rto_max = 10s;
    bench.tunables.retries2 = 8;
    bench.establish();
    bench.send("data");
    (void)bench.poll_all();
    Duration timeout = bench.c().snapshot().rto;
    CHECK(timeout == 200ms + 1ns);  // the handshake took no time at all
    for (int i = 0; i < 8; ++i) {
        CHECK(bench.c().snapshot().timer == Timer::Retransmission);
        CHECK(bench.c().next_deadline() == bench.now + timeout);
        bench.run_to_just_before_deadline();
        CHECK(bench.poll_all().empty());
        bench.run_to_deadline();
        CHECK(bench.poll_one().payload_length == 4);
        timeout = std::min<Duration>(timeout * 2, 10s);
    }
    CHECK(bench.leg().retransmits[RetransmitCause::Timeout].value() == 8);
    CHECK(bench.c().snapshot().retransmits == 8);
    bench.run_to_deadline();
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.c().close_reason() == CloseReason::RetransmitTimeout);
    CHECK(bench.poll_one().flags.rst());
    CHECK(bench.leg().timer_expirations[Timer::Retransmission].value() == 9);
}

// RFC 9293 3.8.3, SHLD-11: R2 is 100 seconds at least.
TEST_CASE("retransmission: with the defaults nobody is given up for a quarter of an hour") {
    Bench bench;
    bench.establish();
    bench.send("data");
    (void)bench.poll_all();
    const Instant start = bench.now;
    while (bench.c().state() == State::Established) {
        bench.run_to_deadline();
        (void)bench.poll_all();
    }
    CHECK(bench.c().close_reason() == CloseReason::RetransmitTimeout);
    CHECK(bench.now - start > 15min);
    CHECK(bench.now - start < 16min);
}

TEST_CASE("retransmission: progress starts the count anew") {
    Bench bench;
    bench.tunables.retries2 = 2;
    bench.establish();
    bench.send(std::string(3000, 'x'));
    (void)bench.poll_all();
    for (std::uint32_t i = 1; i <= 3; ++i) {
        bench.run_to_deadline();
        (void)bench.poll_all();
        bench.run_to_deadline();
        (void)bench.poll_all();
        REQUIRE(bench.c().state() == State::Established);
        (void)bench.receive(kAck, 1, 1 + i * 1000);
        (void)bench.poll_all();
    }
    CHECK(bench.c().snapshot().send_queue_bytes == 0);
}

// RFC 9293 3.8.6.3, SHLD-18, MUST-40.
TEST_CASE("delayed ACK: after delack_min, never over delack_max, and not pushed on by more text") {
    Bench bench;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, std::string(1400, 'x'));
    const Instant arrived = bench.now;
    CHECK(bench.c().next_deadline() == arrived + 40ms);
    CHECK(bench.c().snapshot().timer == Timer::DelayedAck);
    bench.advance(20ms);
    (void)bench.receive(kAck, 1401, 1, "more");
    CHECK(bench.c().next_deadline() == arrived + 40ms);
    bench.run_to_just_before_deadline();
    CHECK(bench.poll_all().empty());
    bench.run_to_deadline();
    CHECK(bench.ack_of(bench.poll_one()) == 1405);
    CHECK(bench.leg().timer_expirations[Timer::DelayedAck].value() == 1);
    bench.tunables.delack_min = 300ms;
    (void)bench.receive(kAck, 1405, 1, "text");
    CHECK(bench.c().next_deadline() == bench.now + 200ms);
}

// RFC 9293 3.8.6.1, MUST-36, SHLD-29, SHLD-30, MUST-37.
TEST_CASE(
    "persist: a closed window is probed below snd.una after the time-out, doubling, for ever when answered") {
    Bench bench;
    bench.tunables.rto_max = 5s;
    bench.tunables.retries2 = 4;
    bench.tunables.keepalive = false;
    bench.establish();
    bench.peer_window = 0;
    (void)bench.receive(kAck, 1, 1);
    CHECK(bench.c().next_deadline() == base::kNever);
    bench.send("waiting");
    CHECK(bench.poll_all().empty());
    CHECK(bench.c().snapshot().timer == Timer::Persist);
    Duration timeout = bench.c().snapshot().rto;
    for (int i = 0; i < 40; ++i) {
        CHECK(bench.c().next_deadline() == bench.now + timeout);
        bench.run_to_just_before_deadline();
        CHECK(bench.poll_all().empty());
        bench.run_to_deadline();
        const auto probe = bench.poll_one();
        CHECK(bench.seq_of(probe) == 0);
        CHECK(probe.payload_length == 0);
        CHECK(probe.flags.bits == kAck);
        (void)bench.receive(kAck, 1, 1);  // still closed
        CHECK(bench.poll_all().empty());
        timeout = std::min<Duration>(timeout * 2, 5s);
    }
    CHECK(bench.c().state() == State::Established);
    CHECK(bench.leg().zero_window_probes_sent.value() == 40);
    CHECK(bench.leg().timer_expirations[Timer::Persist].value() == 40);
    bench.peer_window = 1000;
    (void)bench.receive(kAck, 1, 1);
    const auto out = bench.poll_one();
    CHECK(bench.seq_of(out) == 1);
    CHECK(out.payload_length == 7);
    CHECK(bench.c().snapshot().timer == Timer::Retransmission);
    CHECK(bench.leg().retransmits[RetransmitCause::Timeout].value() == 0);
    (void)bench.receive(kAck, 1, 8);
    CHECK(bench.c().snapshot().send_queue_bytes == 0);
}

TEST_CASE("persist: answers to probes are no duplicates, and what follows is guarded by a time-out again") {
    Bench bench;
    bench.establish();
    bench.peer_window = 0;
    (void)bench.receive(kAck, 1, 1);
    bench.send(std::string(3000, 'x'));
    for (int i = 0; i < 6; ++i) {
        bench.run_to_deadline();
        (void)bench.poll_all();
        (void)bench.receive(kAck, 1, 1);
    }
    bench.peer_window = 50'000;
    (void)bench.receive(kAck, 1, 1);
    CHECK(bench.c().snapshot().congestion_window_bytes == 10'000);
    CHECK(bench.poll_all().size() == 3);
    CHECK(bench.leg().retransmits[RetransmitCause::FastRetransmit].value() == 0);
    bench.advance(50ms);
    (void)bench.receive(kAck, 1, 1001);
    CHECK(bench.c().next_deadline() == bench.now + bench.c().snapshot().rto);
    for (int i = 0; i < 3; ++i)
        (void)bench.receive(kAck, 1, 1001);
    CHECK(bench.seq_of(bench.poll_one()) == 1001);  // and duplicates are duplicates again
}

TEST_CASE("HARDENING 22: persist: retries2 counts unanswered probes only") {  // DESIGN 1, HARDENING 22
    Bench bench;
    bench.tunables.retries2 = 3;
    bench.establish();
    bench.peer_window = 0;
    (void)bench.receive(kAck, 1, 1);
    bench.send("waiting");
    for (int i = 0; i < 2; ++i)
        bench.run_to_deadline(), (void)bench.poll_all();
    (void)bench.receive(kAck, 1, 1);  // an answer
    for (int i = 0; i < 3; ++i)
        bench.run_to_deadline(), (void)bench.poll_all();
    CHECK(bench.c().state() == State::Established);
    bench.run_to_deadline();
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.c().close_reason() == CloseReason::PersistTimeout);
    CHECK(bench.poll_one().flags.rst());
}

TEST_CASE("persist: text and FIN wait for the window, and probes take no number of theirs") {
    Bench bench;
    bench.establish();
    bench.peer_window = 0;
    (void)bench.receive(kAck, 1, 1);
    bench.send("abc");
    bench.c().finish(bench.env());
    for (int i = 0; i < 3; ++i) {
        bench.run_to_deadline();
        const auto probe = bench.poll_one();
        CHECK(bench.seq_of(probe) == 0);
        CHECK(probe.payload_length == 0);
        CHECK_FALSE(probe.flags.fin());
        (void)bench.receive(kAck, 1, 1);
    }
    bench.peer_window = 3;  // the FIN needs room, too
    (void)bench.receive(kAck, 1, 1);
    const auto text = bench.poll_one();
    CHECK(text.payload_length == 3);
    CHECK_FALSE(text.flags.fin());
    bench.peer_window = 1;
    (void)bench.receive(kAck, 1, 4);
    const auto fin = bench.poll_one();
    CHECK(fin.flags.fin());
    CHECK(fin.payload_length == 0);
    CHECK(bench.seq_of(fin) == 4);
    (void)bench.receive(kAck, 1, 5);
    CHECK(bench.c().state() == State::FinWait2);
    CHECK(bench.leg().bytes_sent.value() == 3);
}

// RFC 9293 3.8.6, MUST-35.
TEST_CASE(
    "persist: a window that closes over what is on the way turns the time-out into probing") {  // SHLD-17
    Bench bench;
    bench.tunables.retries2 = 3;
    bench.establish();
    bench.send(std::string(5000, 'x'));
    (void)bench.poll_all();
    bench.peer_window = 0;
    (void)bench.receive(kAck, 1, 1001);
    bench.run_to_deadline();
    for (int i = 0; i < 20; ++i) {
        const auto probe = bench.poll_one();
        CHECK(bench.seq_of(probe) == 1000);
        CHECK(probe.payload_length == 0);
        (void)bench.receive(kAck, 1, 1001);
        CHECK(bench.c().snapshot().timer == Timer::Persist);
        bench.run_to_deadline();
    }
    REQUIRE(bench.c().state() == State::Established);
    bench.peer_window = 50'000;
    (void)bench.receive(kAck, 1, 1001);
    std::uint32_t at = 1001;
    while (bench.c().snapshot().send_queue_bytes > 0) {
        const auto out = bench.poll_all();
        REQUIRE_FALSE(out.empty());
        CHECK(bench.seq_of(out[0]) == at);
        at = bench.seq_of(out.back()) + out.back().payload_length;
        (void)bench.receive(kAck, 1, at);
    }
    CHECK(at == 5001);
}

// RFC 9293 3.8.4, MAY-5, MUST-26, MUST-28, MUST-29, SHLD-12.
TEST_CASE("keepalive: probes after keepalive_time of silence, keepalive_probes of them, then the end") {
    Bench bench;
    bench.establish();
    CHECK(bench.c().next_deadline() == bench.now + 2h);
    bench.run_to_just_before_deadline();
    CHECK(bench.poll_all().empty());
    for (int i = 0; i < 9; ++i) {
        bench.run_to_deadline();
        const auto probe = bench.poll_one();
        CHECK(probe.flags.bits == kAck);
        CHECK(bench.seq_of(probe) == 0);  // snd.nxt - 1
        CHECK(probe.payload_length == 0);
        CHECK(bench.c().next_deadline() == bench.now + 75s);
    }
    bench.run_to_just_before_deadline();
    CHECK(bench.c().state() == State::Established);
    bench.run_to_deadline();
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.c().close_reason() == CloseReason::KeepaliveTimeout);
    CHECK(bench.leg().timer_expirations[Timer::Keepalive].value() == 10);
}

// TCP_USER_TIMEOUT as Linux has it: it replaces the count of probes, in both directions.
TEST_CASE("keepalive: user_timeout says how long a peer may be silent, however many probes that takes") {
    Bench bench;
    bench.tunables.keepalive_time = 10s;
    bench.tunables.keepalive_intvl = 10s;
    bench.tunables.keepalive_probes = GENERATE(1u, 9u);
    bench.tunables.user_timeout = 25s;
    bench.establish();
    const Instant heard_at = bench.now;
    for (int i = 0; i < 2; ++i) {
        bench.run_to_deadline();
        CHECK(bench.poll_one().payload_length == 0);
    }
    bench.run_to_deadline();
    CHECK(bench.now == heard_at + 30s);
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.c().close_reason() == CloseReason::UserTimeout);
}

TEST_CASE("keepalive: an answer or any segment starts the silence anew") {
    Bench bench;
    bench.establish();
    bench.run_to_deadline();
    (void)bench.poll_all();
    (void)bench.receive(kAck, 1, 1);
    CHECK(bench.c().next_deadline() == bench.now + 2h);
    bench.advance(1h);
    (void)bench.receive(kAck, 1, 1, "x");
    (void)bench.read();
    bench.advance(40ms);
    bench.c().timers_expired(bench.env());
    (void)bench.poll_all();
    CHECK(bench.c().next_deadline() == bench.now - 40ms + 2h);
}

// RFC 9293 3.8.4, MUST-24: on and off as it lives.
TEST_CASE(
    "keepalive: not while text waits for its acknowledgement, not in TIME_WAIT, not when switched off") {
    Bench bench;
    bench.tunables.keepalive_time = 300ms;
    bench.establish();
    bench.send("x");
    (void)bench.poll_all();
    bench.run_to_deadline();  // the retransmission, 200 ms
    (void)bench.poll_all();
    bench.run_to_deadline();  // 300 ms: the keepalive puts itself off
    CHECK(bench.leg().timer_expirations[Timer::Keepalive].value() == 1);
    CHECK(bench.poll_all().empty());
    Bench waiting;
    waiting.bring_to(State::TimeWait);
    CHECK(waiting.c().snapshot().timer == Timer::TimeWait);
    Bench off;
    off.tunables.keepalive = false;
    off.establish();
    CHECK(off.c().next_deadline() == base::kNever);
    off.tunables.keepalive = true;  // switched on live: from the next event on
    (void)off.receive(kAck, 1, 1);
    CHECK(off.c().snapshot().timer == Timer::Keepalive);
}

// RFC 9293 3.9.1, DESIGN 1.
// RFC 9293 3.8.3, MUST-21.
TEST_CASE("user timeout: what waits without progress for so long ends the leg, at the deadline") {
    Bench bench;
    bench.tunables.user_timeout = 5s;
    SECTION("data that is not acknowledged") {
        bench.establish();
        bench.advance(100s);  // idling does not count
        bench.send("data");
        (void)bench.poll_all();
    }
    SECTION("a closed window whose probes are answered") {
        bench.establish();
        bench.peer_window = 0;
        (void)bench.receive(kAck, 1, 1);
        bench.send("data");
    }
    SECTION("a SYN") {
        bench.bring_to(State::SynSent);
    }
    SECTION("a FIN") {
        bench.establish();
        bench.advance(100s);
        bench.c().finish(bench.env());
        (void)bench.poll_all();
    }
    const Instant start = bench.now;
    while (bench.c().state() != State::Closed) {
        REQUIRE(bench.now < start + 5s);
        bench.run_to_deadline();
        (void)bench.poll_all();
        if (bench.c().state() == State::Established && bench.c().send_space().wnd == 0) {
            (void)bench.receive(kAck, 1, 1);
        }
    }
    CHECK(bench.now == start + 5s);
    CHECK(bench.c().close_reason() == CloseReason::UserTimeout);
}

TEST_CASE("user timeout: progress starts it anew") {
    Bench bench;
    bench.tunables.user_timeout = 5s;
    bench.establish();
    bench.send(std::string(3000, 'x'));
    (void)bench.poll_all();
    bench.advance(4s);
    bench.c().timers_expired(bench.env());
    (void)bench.poll_all();
    (void)bench.receive(kAck, 1, 1001);
    (void)bench.poll_all();
    bench.advance(4s);
    bench.c().timers_expired(bench.env());
    CHECK(bench.c().state() == State::Established);
    bench.advance(1s);
    bench.c().timers_expired(bench.env());
    CHECK(bench.c().close_reason() == CloseReason::UserTimeout);
}

TEST_CASE("HARDENING 29: several deadlines that are due together are all run, in one call") {
    Bench bench;
    bench.tunables.keepalive_time = 10ms;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, "x");
    bench.send("y");
    bench.advance(10h);  // a process that was paused: HARDENING 29
    bench.c().timers_expired(bench.env());
    CHECK(bench.leg().timer_expirations[Timer::DelayedAck].value() == 1);
    CHECK(bench.leg().timer_expirations[Timer::Keepalive].value() == 1);
    CHECK(bench.c().state() == State::Established);
    CHECK(bench.poll_all().size() == 1);
}

TEST_CASE("timers_expired before any deadline changes nothing") {
    Bench bench;
    bench.establish();
    const auto deadline = bench.c().next_deadline();
    bench.c().timers_expired(bench.env());
    CHECK(bench.c().next_deadline() == deadline);
    CHECK(bench.total_expirations() == 0);
}
