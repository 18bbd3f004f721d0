// What goes out before a segment is full and what waits: PSH, Nagle's algorithm, the cork.
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {

void send_more(Bench& bench, std::string_view text) {
    packet::ByteQueue queue;
    queue.push_back(make_slice(text));
    bench.c().send(std::move(queue), bench.env(), true);
}

}  // namespace

TEST_CASE(
    "each write ends with PSH, and has it when it is sent again") {  // RFC 9293 3.9.1.2, MUST-61, MAY-16
    Bench bench;
    bench.establish();
    bench.send(std::string(1000, 'x'));
    CHECK(bench.poll_one().flags.psh());
    bench.send(std::string(1500, 'y'));
    const auto out = bench.poll_all();
    REQUIRE(out.size() == 2);
    CHECK_FALSE(out[0].flags.psh());
    CHECK(out[1].flags.psh());
    bench.run_to_deadline();  // the probe of the tail
    (void)bench.poll_all();
    bench.run_to_deadline();
    const auto again = bench.poll_one();
    CHECK(bench.seq_of(again) == 1);
    CHECK(again.payload_length == 1000);
    CHECK(again.flags.psh());
}

TEST_CASE("half of the largest window doesn't go without PSH") {
    tcp::PushMarks marks;
    marks.begin(SeqNum(1));
    marks.written = SeqNum(100'001);
    // Five full segments are half of the window, and as much again is more than that.
    CHECK_FALSE(marks.wants_push(SeqNum(9001), 11'000, 1000));
    CHECK(marks.wants_push(SeqNum(10'001), 11'000, 1000));
    marks.pushed = SeqNum(10'001);
    CHECK_FALSE(marks.wants_push(SeqNum(19'001), 11'000, 1000));
    CHECK(marks.wants_push(SeqNum(20'001), 11'000, 1000));
    // A buffer is 64 KiB at most, and a segment at the least.
    CHECK_FALSE(marks.wants_push(SeqNum(10'001 + 130'000 - 1000), 260'000, 1000));
    CHECK(marks.wants_push(SeqNum(10'001 + 195'000), 260'000, 1000));
    CHECK(marks.wants_push(SeqNum(11'001), 1000, 1000));
    CHECK(marks.wants_push(SeqNum(11'001), 0, 1000));
    CHECK(marks.wants_push(SeqNum(100'001), 1'000'000, 1000));
}

TEST_CASE("small text waits for small text, not for full segments") {  // RFC 9293 3.7.4, SHLD-7
    Bench bench;
    bench.tunables.nodelay = false;
    bench.establish();
    bench.send(std::string(2100, 'x'));
    CHECK(bench.poll_all().size() == 3);
    bench.send("small");
    CHECK(bench.poll_all().empty());
    (void)bench.receive(kAck, 1, 2001);
    CHECK(bench.poll_all().empty());
    (void)bench.receive(kAck, 1, 2101);
    CHECK(bench.poll_one().payload_length == 5);
}

TEST_CASE("marks that are left behind for 2 GiB and more say nothing about what is on the way") {
    tcp::PushMarks marks;
    marks.begin(SeqNum(1));
    marks.sent(SeqNum(101), false);
    CHECK(marks.is_small_one_out(SeqNum(1), SeqNum(101)));
    CHECK_FALSE(marks.is_small_one_out(SeqNum(101), SeqNum(5101)));
    const auto gib = GENERATE(1u, 2u, 3u);
    const SeqNum una(1000 + (gib << 30));
    CHECK_FALSE(marks.is_small_one_out(una, una + 50'000));
    marks.sent(una + 50'000, true);
    CHECK_FALSE(marks.is_small_one_out(una, una + 50'000));
    marks.sent(una + 50'001, false);
    CHECK(marks.is_small_one_out(una, una + 50'001));

    tcp::ReceiveSpace rcv;
    rcv.nxt = rcv.pushed = SeqNum(1);
    for (std::uint32_t mib = 0; mib < 5000; ++mib) {
        rcv.note_push(rcv.nxt + (1u << 20), false);
        rcv.nxt += 1u << 20;
        REQUIRE(rcv.nxt.after(rcv.pushed));
    }
    rcv.note_push(rcv.nxt, true);
    CHECK(rcv.pushed == rcv.nxt);
}

TEST_CASE("what went with a SYN and goes again is not a small segment") {
    tcp::PushMarks marks;
    marks.begin(SeqNum(1));
    marks.with_syn = SeqNum(101);
    marks.sent(SeqNum(101), false);
    CHECK_FALSE(marks.is_small_one_out(SeqNum(1), SeqNum(101)));
    marks.sent(SeqNum(201), false);
    CHECK(marks.is_small_one_out(SeqNum(1), SeqNum(201)));
}

// RFC 9293 3.9.1.2, MAY-15.
TEST_CASE("a write that announces more leaves what fills no segment for the next") {
    Bench bench;
    bench.establish();
    send_more(bench, std::string(1300, 'x'));
    const auto full = bench.poll_one();
    CHECK(full.payload_length == 1000);
    CHECK_FALSE(full.flags.psh());
    bench.send("end");
    const auto rest = bench.poll_one();
    CHECK(rest.payload_length == 303);
    CHECK(rest.flags.psh());
}

TEST_CASE("a write that announces more waits until the peer is heard of") {
    Bench bench;
    bench.establish();
    send_more(bench, std::string(1300, 'x'));
    CHECK(bench.poll_one().payload_length == 1000);
    (void)bench.receive(kAck, 1, 1001);
    const auto rest = bench.poll_one();
    CHECK(rest.payload_length == 300);
    CHECK_FALSE(rest.flags.psh());
}

TEST_CASE("what nothing on the way will let out goes by the override time-out, with PSH") {
    for (const bool corked : {false, true}) {
        Bench bench;
        bench.establish();
        if (corked) {
            bench.c().set_corked(true, bench.env());
            bench.send("held back");
        } else {
            send_more(bench, "held back");
        }
        CHECK(bench.poll_all().empty());
        CHECK(bench.c().snapshot().timer == Timer::Persist);
        bench.run_to_just_before_deadline();
        CHECK(bench.poll_all().empty());
        bench.run_to_deadline();
        const auto out = bench.poll_one();
        CHECK(out.payload_length == 9);
        CHECK(out.flags.psh());
        CHECK(bench.leg().zero_window_probes_sent.value() == 0);
    }
}

TEST_CASE("FIN lets out what a cork holds") {
    Bench bench;
    bench.establish();
    bench.c().set_corked(true, bench.env());
    bench.send("held back");
    CHECK(bench.poll_all().empty());
    bench.c().finish(bench.env());
    const auto out = bench.poll_one();
    CHECK(out.payload_length == 9);
    CHECK(out.flags.fin());
}

TEST_CASE("a cork holds through acknowledgements until it is taken off") {
    Bench bench;
    bench.establish();
    bench.c().set_corked(true, bench.env());
    bench.send(std::string(1300, 'x'));
    CHECK(bench.poll_one().payload_length == 1000);
    (void)bench.receive(kAck, 1, 1001);
    CHECK(bench.poll_all().empty());
    bench.c().set_corked(false, bench.env());
    CHECK(bench.poll_one().payload_length == 300);
}

TEST_CASE("a push lets out what is queued at that time, and nothing later") {
    Bench bench;
    bench.tunables.nodelay = false;
    bench.establish();
    bench.send("a");
    (void)bench.poll_one();
    bench.send("b");
    CHECK(bench.poll_all().empty());
    bench.c().push_queued(bench.env());
    CHECK(bench.poll_one().payload_length == 1);
    bench.send("c");
    CHECK(bench.poll_all().empty());
}

// RFC 9293 3.9.1.3, MAY-17.
TEST_CASE("the peer's PSH says that nothing follows at once") {
    Bench bench;
    bench.establish();
    CHECK_FALSE(bench.c().expects_more());
    (void)bench.receive(kAck, 1, 1, "begin");
    CHECK(bench.c().expects_more());
    (void)bench.receive(kAck | kPsh, 6, 1, "end");
    CHECK_FALSE(bench.c().expects_more());
    // What is behind a gap is no reason to wait: filling it takes a round trip.
    (void)bench.receive(kAck, 9, 1, "more");
    CHECK(bench.c().expects_more());
    (void)bench.receive(kAck | kPsh, 23, 1, "ahead");
    CHECK_FALSE(bench.c().expects_more());
}

TEST_CASE("nothing is expected of a peer that has finished") {
    Bench bench;
    bench.establish();
    (void)bench.receive(kAck | kFin, 1, 1, "all");
    CHECK_FALSE(bench.c().expects_more());
}
