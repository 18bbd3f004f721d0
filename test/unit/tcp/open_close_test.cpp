// Closing: RFC 9293 3.6, 3.10.4, 3.10.5 and figures 12 and 13; orphans.
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {

std::uint64_t gauge(Bench& bench, State state) {
    return bench.leg().connections[static_cast<std::size_t>(state)].value();
}

/// The gauges hold exactly one connection, and it is in its own state.
void check_gauges(Bench& bench) {
    for (std::size_t i = 0; i < tcp::kStates; ++i) {
        const auto state = static_cast<State>(i);
        CHECK(gauge(bench, state) == (state == bench.c().state() ? 1u : 0u));
    }
}

}  // namespace

TEST_CASE("the gauges follow every transition") {
    for (const State state :
         {State::SynSent, State::SynReceived, State::Established, State::FinWait1, State::FinWait2,
          State::CloseWait, State::Closing, State::LastAck, State::TimeWait}) {
        Bench bench;
        bench.bring_to(state);
        INFO(state);
        check_gauges(bench);
        bench.c().abort(CloseReason::Drain, bench.env());
        CHECK(bench.c().state() == State::Closed);
        check_gauges(bench);
        bench.finish_with_connection();  // Bench checks that they are back to zero
    }
}

// RFC 9293 figure 12.
TEST_CASE("closing first: FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT, CLOSED") {
    Bench bench;
    bench.establish();
    bench.c().finish(bench.env());
    CHECK(bench.c().state() == State::FinWait1);
    CHECK_FALSE(bench.c().close_reason());
    const auto fin = bench.poll_one();
    CHECK(fin.flags.bits == (kAck | kFin));
    CHECK(bench.receive(kAck, 1, 2) == Disposition::Accepted);
    CHECK(bench.c().state() == State::FinWait2);
    CHECK(bench.receive(kAck | kFin, 1, 2) == Disposition::Accepted);
    CHECK(bench.c().state() == State::TimeWait);
    CHECK(bench.c().close_reason() == CloseReason::Normal);
    CHECK(bench.closes(CloseReason::Normal) == 1);
    CHECK(bench.c().take_events().closed());
    CHECK(bench.ack_of(bench.poll_one()) == 2);
    bench.run_to_just_before_deadline();
    CHECK(bench.c().state() == State::TimeWait);
    bench.run_to_deadline();
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.closes(CloseReason::Normal) == 1);  // once
    CHECK(bench.leg().timer_expirations[Timer::TimeWait].value() == 1);
}

TEST_CASE("the peer closing first: CLOSE_WAIT, LAST_ACK, CLOSED") {
    Bench bench;
    bench.establish();
    CHECK(bench.receive(kAck | kFin, 1, 1) == Disposition::Accepted);
    CHECK(bench.c().state() == State::CloseWait);
    CHECK(bench.c().peer_finished());
    bench.send("still sending");
    CHECK(bench.poll_one().payload_length == 13);
    bench.c().finish(bench.env());
    CHECK(bench.c().state() == State::LastAck);
    CHECK(bench.poll_one().flags.fin());
    CHECK(bench.receive(kAck, 2, 14) == Disposition::Accepted);
    CHECK(bench.c().state() == State::LastAck);  // the text only
    CHECK(bench.receive(kAck, 2, 15) == Disposition::Accepted);
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.c().close_reason() == CloseReason::Normal);
    CHECK(bench.c().is_finished());
    CHECK(bench.c().next_deadline() == base::kNever);
}

// RFC 9293 figure 13.
TEST_CASE("FINs that cross: FIN_WAIT_1, CLOSING, TIME_WAIT") {
    Bench bench;
    bench.bring_to(State::FinWait1);
    CHECK(bench.receive(kAck | kFin, 1, 1) == Disposition::Accepted);
    CHECK(bench.c().state() == State::Closing);
    (void)bench.poll_all();
    CHECK(bench.receive(kAck, 2, 1) == Disposition::Accepted);
    CHECK(bench.c().state() == State::Closing);
    CHECK(bench.receive(kAck, 2, 2) == Disposition::Accepted);
    CHECK(bench.c().state() == State::TimeWait);
}

TEST_CASE("FIN with the acknowledgement of ours leads from FIN_WAIT_1 to TIME_WAIT") {
    Bench bench;
    bench.bring_to(State::FinWait1);
    CHECK(bench.receive(kAck | kFin, 1, 2) == Disposition::Accepted);
    CHECK(bench.c().state() == State::TimeWait);
}

TEST_CASE("FIN and ACK of one flow in one burst, in either order") {
    const bool fin_first = GENERATE(true, false);
    Bench bench;
    bench.bring_to(State::FinWait1);
    if (fin_first) {
        (void)bench.receive(kAck | kFin, 1, 1);
        (void)bench.receive(kAck, 2, 2);
    } else {
        (void)bench.receive(kAck, 1, 2);
        (void)bench.receive(kAck | kFin, 1, 2);
    }
    CHECK(bench.c().state() == State::TimeWait);
    CHECK(bench.closes(CloseReason::Normal) == 1);
}

TEST_CASE("FIN follows everything queued, and finishing twice is finishing once") {
    Bench bench;
    bench.establish();
    bench.send(std::string(25'000, 'x'));
    bench.c().finish(bench.env());
    bench.c().finish(bench.env());
    CHECK(bench.c().state() == State::FinWait1);
    for (const auto& out : bench.poll_all())
        CHECK_FALSE(out.flags.fin());
    (void)bench.receive(kAck, 1, 10'001);
    (void)bench.poll_all();
    (void)bench.receive(kAck, 1, 22'001);
    const auto out = bench.poll_all();
    REQUIRE_FALSE(out.empty());
    CHECK(out.back().flags.fin());
    CHECK(bench.seq_of(out.back()) + out.back().payload_length == 25'001);
    (void)bench.receive(kAck, 1, 25'001);
    CHECK(bench.c().state() == State::FinWait1);
    (void)bench.receive(kAck, 1, 25'002);
    CHECK(bench.c().state() == State::FinWait2);
}

TEST_CASE("a lost FIN is sent again and its acknowledgement counts whichever arrived") {
    Bench bench;
    bench.establish();
    bench.send("bye");
    bench.c().finish(bench.env());
    CHECK(bench.poll_one().flags.fin());
    bench.run_to_deadline();
    const auto again = bench.poll_one();
    CHECK(again.flags.fin());
    CHECK(again.payload_length == 3);
    CHECK(bench.seq_of(again) == 1);
    (void)bench.receive(kAck, 1, 5);
    CHECK(bench.c().state() == State::FinWait2);
    CHECK(bench.c().snapshot().timer == Timer::Keepalive);
}

TEST_CASE("in FIN_WAIT_2 with a reader the peer may send for as long as it likes") {  // DESIGN 4
    Bench bench;
    bench.tunables.keepalive = false;
    bench.bring_to(State::FinWait2);
    std::uint32_t at = 1;
    const Instant start = bench.now;
    while (bench.now < start + 3 * bench.tunables.fin_timeout) {
        CHECK(bench.receive(kAck, at, 2, std::string(1000, 'x')) == Disposition::Accepted);
        at += 1000;
        CHECK(bench.read().size() == 1000);
        (void)bench.poll_all();
        bench.advance(10s);
        bench.c().timers_expired(bench.env());
        REQUIRE(bench.c().state() == State::FinWait2);
    }
    (void)bench.receive(kAck | kFin, at, 2);
    CHECK(bench.c().state() == State::TimeWait);
}

TEST_CASE("an orphan in FIN_WAIT_2 is released after fin_timeout, not before") {
    const bool orphan_first = GENERATE(true, false);
    Bench bench;
    if (orphan_first) {
        bench.establish();
        bench.c().abandon(bench.env());
        CHECK(bench.c().state() == State::FinWait1);
        (void)bench.poll_all();
        bench.advance(100ms);
        (void)bench.receive(kAck, 1, 2);
    } else {
        bench.bring_to(State::FinWait2);
        bench.c().abandon(bench.env());
    }
    CHECK(bench.c().is_orphan());
    CHECK(bench.c().state() == State::FinWait2);
    CHECK(bench.c().next_deadline() == bench.now + bench.tunables.fin_timeout);
    bench.run_to_just_before_deadline();
    CHECK(bench.c().state() == State::FinWait2);
    bench.run_to_deadline();
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.c().close_reason() == CloseReason::FinTimeout);
    CHECK(bench.leg().timer_expirations[Timer::FinWait2].value() == 1);
    CHECK(bench.poll_all().empty());
}

// RFC 9293 SHLD-3.
// RFC 9293 3.6.1, MAY-1, SHLD-3.
TEST_CASE("data for an orphan is answered by a RST") {
    for (const State state : {State::FinWait1, State::FinWait2}) {
        Bench bench;
        bench.bring_to(state);
        bench.c().abandon(bench.env());
        INFO(state);
        CHECK(bench.receive(kAck, 1, 1) == Disposition::Accepted);  // an ACK alone harms nobody
        CHECK(bench.c().state() == state);
        CHECK(bench.receive(kAck, 1, 1, "data") == Disposition::Dropped);
        CHECK(bench.c().state() == State::Closed);
        CHECK(bench.c().close_reason() == CloseReason::OrphanLimit);
        CHECK_FALSE(bench.c().is_finished());
        const auto reset = bench.poll_one();
        CHECK(reset.flags.bits == (kRst | kAck));
        CHECK(bench.seq_of(reset) == 2);
        CHECK(bench.leg().resets_sent[ResetReason::DataAfterClose].value() == 1);
        CHECK(bench.c().is_finished());
    }
}

TEST_CASE("an orphan still takes the peer's FIN, and sends what was queued") {
    Bench bench;
    bench.establish();
    bench.send("last words");
    bench.c().abandon(bench.env());
    CHECK(bench.poll_one().payload_length == 10);
    (void)bench.receive(kAck | kFin, 1, 12);
    CHECK(bench.c().state() == State::TimeWait);
    CHECK(bench.c().close_reason() == CloseReason::Normal);
}

TEST_CASE("abandoning with unread data tells the peer by a RST") {
    Bench bench;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, "unread");
    bench.c().abandon(bench.env());
    CHECK(bench.c().state() == State::Closed);
    CHECK(bench.poll_one().flags.rst());
    CHECK(bench.leg().resets_sent[ResetReason::DataAfterClose].value() == 1);
    CHECK(bench.c().buffer_count() == 0);
}

// RFC 9293 3.10.5, 3.10.4: nobody is left to read it, though the connection ended in order.
TEST_CASE("abandoning or aborting after an orderly end drops what was not read") {
    const bool aborts = GENERATE(false, true);
    Bench bench;
    bench.establish();
    (void)bench.receive(kAck | kFin, 1, 1, "unread");
    bench.c().finish(bench.env());
    (void)bench.poll_all();
    (void)bench.receive(kAck, 8, 2);
    REQUIRE(bench.c().state() == State::Closed);
    REQUIRE(bench.c().readable_bytes() == 6);
    if (aborts) {
        bench.c().abort(CloseReason::PeerLegReset, bench.env());
    } else {
        bench.c().abandon(bench.env());
    }
    CHECK(bench.c().buffer_count() == 0);
    CHECK(bench.c().close_reason() == CloseReason::Normal);
    CHECK(bench.poll_all().empty());
}

TEST_CASE("abandoning in each state ends, or leads to the end, and twice is once") {
    for (const State state :
         {State::SynSent, State::SynReceived, State::Established, State::FinWait1, State::FinWait2,
          State::CloseWait, State::Closing, State::LastAck, State::TimeWait}) {
        Bench bench;
        bench.bring_to(state);
        INFO(state);
        bench.c().abandon(bench.env());
        bench.c().abandon(bench.env());
        CHECK(bench.c().is_orphan());
        // A peer that never says anything again (HARDENING 23).
        for (int i = 0; i < 200 && !bench.c().is_finished(); ++i) {
            (void)bench.poll_all();
            if (bench.c().next_deadline() != base::kNever) bench.run_to_deadline();
        }
        CHECK(bench.c().is_finished());
        CHECK(bench.c().close_reason().has_value());
    }
}

// RFC 9293 3.10.5.
TEST_CASE("abort tells the peer where it believes in the connection, and nowhere else") {
    const struct {
        State state;
        bool reset;
    } rows[] = {{State::SynSent, false}, {State::SynReceived, true}, {State::Established, true},
                {State::FinWait1, true}, {State::FinWait2, true},    {State::CloseWait, true},
                {State::Closing, false}, {State::LastAck, false},    {State::TimeWait, false}};
    for (const auto& row : rows) {
        Bench bench;
        bench.bring_to(row.state);
        INFO(row.state);
        const bool was_over = row.state == State::TimeWait;
        bench.c().abort(CloseReason::PeerLegReset, bench.env());
        CHECK(bench.c().state() == State::Closed);
        CHECK(bench.c().close_reason() == (was_over ? CloseReason::Normal : CloseReason::PeerLegReset));
        CHECK(bench.c().is_finished() == !row.reset);
        const auto out = bench.poll_all();
        REQUIRE(out.size() == (row.reset ? 1u : 0u));
        if (row.reset) {
            CHECK(out[0].flags.bits == (kRst | kAck));
            CHECK(out[0].seq == bench.c().send_space().nxt);
            CHECK(out[0].ack == bench.c().receive_space().nxt);
            CHECK(bench.leg().resets_sent[ResetReason::Aborted].value() == 1);
        }
        CHECK(bench.c().is_finished());
        bench.c().abort(CloseReason::Drain, bench.env());  // nothing more happens
        CHECK(bench.poll_all().empty());
        CHECK(bench.closes(CloseReason::Drain) == 0);
    }
}

TEST_CASE("abort frees every queue at once") {
    Bench bench;
    bench.establish();
    bench.send(std::string(10'000, 'x'));
    (void)bench.receive(kAck, 1, 1, "unread");
    (void)bench.receive(kAck, 100, 1, "ahead");
    CHECK(bench.c().buffer_count() > 5);
    bench.c().abort(CloseReason::MemoryPressure, bench.env());
    CHECK(bench.c().buffer_count() == 0);
}

// Found by terminus-sim --seed 4: what was cut short looked complete.
TEST_CASE("a reset that throws unread bytes away takes the peer's end with them") {
    Bench bench;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, "text");
    (void)bench.receive(kFin | kAck, 5, 1);
    const bool reads = GENERATE(true, false);
    if (reads) CHECK(bench.read() == "text");
    CHECK(bench.c().peer_finished() == reads);
    (void)bench.receive(kRst, 6, 0);
    REQUIRE(bench.c().state() == State::Closed);
    CHECK(bench.c().peer_finished() == reads);
}

TEST_CASE("bytes received before a normal end can be read after it") {
    Bench bench;
    bench.bring_to(State::LastAck);
    CHECK(bench.receive(kAck, 2, 2) == Disposition::Accepted);
    CHECK(bench.c().state() == State::Closed);
    Bench late;
    late.establish();
    (void)late.receive(kAck | kFin, 1, 1, "keep me");
    late.c().finish(late.env());
    (void)late.poll_all();
    (void)late.receive(kAck, 9, 2);
    CHECK(late.c().state() == State::Closed);
    CHECK(late.read() == "keep me");
    CHECK(late.c().peer_finished());
}

TEST_CASE("in TIME_WAIT the retransmitted FIN is acknowledged and restarts the clock, a RST is ignored") {
    Bench bench;
    bench.bring_to(State::TimeWait);
    bench.advance(59s);
    CHECK(bench.receive(kAck | kFin, 1, 2) == Disposition::Dropped);
    CHECK(bench.poll_one().flags.bits == kAck);
    CHECK(bench.c().next_deadline() == bench.now + 60s);
    CHECK(bench.receive(kRst, 2, 0) == Disposition::Dropped);
    CHECK(bench.drops(DropReason::TcpTimeWaitRst) == 1);
    CHECK(bench.c().state() == State::TimeWait);
    bench.tunables.rfc1337 = false;
    CHECK(bench.receive(kRst, 2, 0) == Disposition::Accepted);
    CHECK(bench.c().state() == State::Closed);
}
