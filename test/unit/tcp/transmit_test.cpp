// The sending side: segmentation, PSH, Nagle, silly-window avoidance, order of what is sent.
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {
std::uint32_t total(const std::vector<OutSegment>& out) {
    std::uint32_t sum = 0;
    for (const auto& segment : out)
        sum += segment.payload_length;
    return sum;
}
}  // namespace

TEST_CASE("text goes out in full segments, PSH on the last of what is queued") {  // RFC 9293 MUST-61, SHLD-28
    Bench bench;
    bench.establish();
    bench.send(std::string(2500, 'x'));
    const auto out = bench.poll_all();
    REQUIRE(out.size() == 3);
    CHECK(out[0].payload_length == 1000);
    CHECK(out[1].payload_length == 1000);
    CHECK(out[2].payload_length == 500);
    CHECK(out[1].payload_offset == 1000);
    CHECK(bench.seq_of(out[2]) == 2001);
    CHECK(out[0].flags.bits == kAck);
    CHECK(out[1].flags.bits == kAck);
    CHECK(out[2].flags.bits == (kAck | kPsh));
    CHECK(bench.c().snapshot().send_queue_bytes == 2500);
    (void)bench.receive(kAck, 1, 2501);
    CHECK(bench.leg().bytes_sent.value() == 2500);
    CHECK(bench.c().buffer_count() == 0);
}

TEST_CASE("every segment after the handshake carries timestamps, and the echo follows TS.Recent") {
    Bench bench;
    bench.tunables.timestamps = true;
    bench.peer_timestamp = 100;
    bench.establish();
    bench.send("a");
    CHECK(bench.poll_one().options.timestamps->echo_reply == 100);
    bench.peer_timestamp = 101;
    (void)bench.receive(kAck, 1, 2);
    bench.advance(5ms);
    bench.send("b");
    const auto out = bench.poll_one();
    CHECK(out.options.timestamps->echo_reply == 101);
    CHECK(out.options.timestamps->value == tcp::timestamp_value(bench.now, Bench::kTimestampOffset));
}

TEST_CASE("the initial window is ten segments, then ACKs let out more") {  // RFC 6928
    Bench bench;
    bench.establish();
    bench.send(std::string(50'000, 'x'));
    CHECK(total(bench.poll_all()) == 10'000);
    (void)bench.receive(kAck, 1, 2001);
    CHECK(total(bench.poll_all()) == 4000);  // two that left, two of slow start
    CHECK(bench.c().snapshot().congestion_window_bytes == 12'000);
}

TEST_CASE("the peer's window bounds what is sent to the byte") {
    Bench bench;
    bench.peer_window = 2500;
    bench.establish();
    bench.send(std::string(9000, 'x'));
    const auto out = bench.poll_all();
    CHECK(total(out) == 2000);  // the rest of 500 would be silly while something is on the way
    bench.peer_window = 500;
    (void)bench.receive(kAck, 1, 2001);
    CHECK(bench.poll_all().empty());  // under half the largest window ever offered: the override timer waits
    CHECK(bench.c().snapshot().timer == Timer::Persist);
    bench.peer_window = 1250;
    (void)bench.receive(kAck, 1, 2001);
    CHECK(total(bench.poll_all()) == 1000);
}

// RFC 9293 3.8.6.2.1, MUST-38.
TEST_CASE("a window of half the largest ever offered is used though a full segment does not fit") {
    Bench bench;
    bench.peer_window = 600;
    bench.establish();
    bench.send(std::string(5000, 'x'));
    CHECK(total(bench.poll_all()) == 600);
    bench.peer_window = 299;
    (void)bench.receive(kAck, 1, 601);
    CHECK(bench.poll_all().empty());
    bench.peer_window = 300;
    (void)bench.receive(kAck, 1, 601);
    CHECK(total(bench.poll_all()) == 300);
}

// RFC 9293 3.9.1.2, MUST-60: not for ever.
TEST_CASE("what a small window keeps back goes out when the override time is over") {  // (4) of 3.8.6.2.1
    Bench bench;
    bench.establish();
    bench.send(std::string(5000, 'x'));
    (void)bench.poll_all();
    bench.peer_window = 100;
    (void)bench.receive(kAck, 1, 5001);
    bench.send(std::string(3000, 'y'));
    CHECK(bench.poll_all().empty());
    bench.run_to_just_before_deadline();
    CHECK(bench.poll_all().empty());
    bench.run_to_deadline();
    const auto out = bench.poll_one();
    CHECK(out.payload_length == 100);
    CHECK(bench.leg().zero_window_probes_sent.value() == 0);
    CHECK(bench.c().snapshot().timer == Timer::Retransmission);
}

// RFC 9293 3.7.4, SHLD-7, MUST-17; 3.9.1.2, MAY-16: and is gathered.
TEST_CASE("with Nagle small text waits while something is on the way, without it never") {
    for (const bool nodelay : {false, true}) {
        Bench bench;
        bench.tunables.nodelay = nodelay;
        bench.establish();
        bench.send("a");
        CHECK(bench.poll_all().size() == 1);
        bench.send("b");
        CHECK(bench.poll_all().size() == (nodelay ? 1u : 0u));
        if (nodelay) continue;
        bench.send(std::string(999, 'c'));  // a full segment with what waits
        CHECK(total(bench.poll_all()) == 1000);
        bench.send("d");
        CHECK(bench.poll_all().empty());
        SECTION("the ACK lets it out") {
            (void)bench.receive(kAck, 1, 1002);
            CHECK(bench.poll_all().size() == 1);
        }
        SECTION("FIN lets it out") {
            bench.c().finish(bench.env());
            const auto out = bench.poll_one();
            CHECK(out.payload_length == 1);
            CHECK(out.flags.fin());
        }
    }
}

TEST_CASE("FIN rides on the last text, and needs room of its own in the window") {
    Bench bench;
    bench.peer_window = 5;
    bench.establish();
    bench.send("abcde");
    bench.c().finish(bench.env());
    CHECK(bench.c().state() == State::FinWait1);
    const auto text = bench.poll_one();
    CHECK(text.payload_length == 5);
    CHECK_FALSE(text.flags.fin());
    bench.peer_window = 0;
    (void)bench.receive(kAck, 1, 6);
    CHECK(bench.poll_all().empty());
    bench.peer_window = 1;
    (void)bench.receive(kAck, 1, 6);
    const auto fin = bench.poll_one();
    CHECK(fin.flags.bits == (kAck | kFin));
    CHECK(bench.seq_of(fin) == 6);
    CHECK(bench.poll_all().empty());
    (void)bench.receive(kAck, 1, 7);
    CHECK(bench.c().state() == State::FinWait2);
    CHECK(bench.poll_all().empty());
}

TEST_CASE("a lone FIN goes beyond a full congestion window, text with one doesn't") {
    const bool has_text = GENERATE(true, false);
    Bench bench;
    bench.peer_window = 60'000;
    bench.establish();
    const std::uint32_t window = bench.c().recovery().window();
    bench.send(std::string(window + (has_text ? 1 : 0), 'x'));
    (void)bench.poll_all();
    REQUIRE(bench.c().send_space().flight() == window);
    bench.c().finish(bench.env());
    const auto out = bench.poll_all();
    if (has_text) {
        CHECK(out.empty());
    } else {
        REQUIRE(out.size() == 1);
        CHECK(out[0].flags.bits == (kAck | kFin));
        CHECK(out[0].payload_length == 0);
        CHECK(bench.seq_of(out[0]) == window + 1);
    }
}

TEST_CASE("time is counted by what keeps a sender busy, the peer's window and the buffer apart") {
    Bench bench;
    bench.tunables.wmem = 2000;
    bench.peer_window = 0;
    bench.establish();
    const auto times = [&] { return bench.c().snapshot().send_times; };
    bench.advance(1s);
    CHECK(times().busy(bench.now) == 0s);
    bench.send("text");
    CHECK(bench.poll_all().empty());
    bench.advance(1s);
    CHECK(times().busy(bench.now) == 1s);
    CHECK(times().window_limited(bench.now) == 1s);
    bench.peer_window = 10'000;
    (void)bench.receive(kAck, 1, 1);
    (void)bench.poll_one();
    bench.advance(2s);
    CHECK(times().busy(bench.now) == 3s);
    CHECK(times().window_limited(bench.now) == 1s);
    bench.send(std::string(1996, 'x'));
    (void)bench.poll_all();
    bench.advance(4s);
    CHECK(times().busy(bench.now) == 7s);
    CHECK(times().buffer_limited(bench.now) == 4s);
    (void)bench.receive(kAck, 1, 2001);
    CHECK(bench.poll_all().empty());
    bench.advance(8s);
    CHECK(times().busy(bench.now) == 7s);
    CHECK(times().window_limited(bench.now) == 1s);
    CHECK(times().buffer_limited(bench.now) == 4s);
}

TEST_CASE("send room is wmem less what is queued, and none after finish") {
    Bench bench;
    bench.tunables.wmem = 1000;
    bench.establish();
    CHECK(bench.c().send_room(bench.env()) == 1000);
    bench.send(std::string(600, 'x'));
    CHECK(bench.c().send_room(bench.env()) == 400);
    bench.send(std::string(600, 'x'));
    CHECK(bench.c().send_room(bench.env()) == 0);
    (void)bench.poll_all();
    (void)bench.c().take_events();
    (void)bench.receive(kAck, 1, 1001);
    CHECK(bench.c().take_events().send_room());
    CHECK(bench.c().send_room(bench.env()) == 800);
    bench.c().finish(bench.env());
    CHECK(bench.c().send_room(bench.env()) == 0);
}

TEST_CASE("the send buffer is twice what the path carries, within wmem") {
    Bench bench;
    bench.tunables.wmem = {4096, 10'000, 100'000};
    bench.peer_window = 65'535;
    bench.establish();
    REQUIRE(bench.c().recovery().window() == 10'000);
    CHECK(bench.c().send_room(bench.env()) == 20'000);
    // Slow start doubles the window, and with it the buffer.
    std::uint32_t acked = 1;
    for (int round = 0; round < 4; ++round) {
        bench.send(std::string(bench.c().send_room(bench.env()), 'x'));
        CHECK(bench.c().send_room(bench.env()) == 0);
        const auto out = bench.poll_all();
        bench.advance(10ms);
        for (const auto& segment : out) {
            acked += segment.payload_length;
            (void)bench.receive(kAck, 1, acked);
        }
        const std::uint32_t window = bench.c().recovery().window();
        CHECK(bench.c().send_buffer(bench.env()) == std::min(2 * window, 100'000u));
    }
    CHECK(bench.c().send_buffer(bench.env()) == 100'000);
    bench.tunables.wmem = 5000;  // as SO_SNDBUF makes it
    CHECK(bench.c().send_buffer(bench.env()) == 5000);
}

TEST_CASE("while a loss is repaired the send buffer still holds what is on the way") {
    Bench bench;
    bench.tunables.wmem = {4096, 10'000, 1'000'000};
    bench.establish();
    bench.tunables.early_retrans = false;
    bench.send(std::string(20'000, 'x'));
    REQUIRE(bench.poll_all().size() == 10);
    bench.run_to_deadline();  // a time-out: one segment is the window
    REQUIRE(bench.c().recovery().window() == 1000);
    CHECK(bench.c().send_buffer(bench.env()) == 2 * 10'000);
}

TEST_CASE("notsent_lowat bounds what waits unsent, and each segment that goes out makes room") {
    Bench bench;
    bench.tunables.notsent_lowat = 4000;
    bench.peer_window = 20'000;
    bench.establish();
    CHECK(bench.c().send_room(bench.env()) == 4000);
    bench.send(std::string(4000, 'x'));
    CHECK(bench.c().unsent_bytes() == 4000);
    CHECK(bench.c().send_room(bench.env()) == 0);
    (void)bench.c().take_events();
    REQUIRE(bench.poll_all().size() == 4);
    CHECK(bench.c().has_events());
    CHECK(bench.c().take_events().send_room());
    CHECK(bench.c().unsent_bytes() == 0);
    CHECK(bench.c().send_room(bench.env()) == 4000);  // though nothing is acknowledged
    // With the congestion window full, only an ACK sends on and makes room.
    bench.send(std::string(4000, 'x'));
    (void)bench.poll_all();
    bench.send(std::string(4000, 'x'));
    (void)bench.poll_all();
    CHECK(bench.c().unsent_bytes() == 12'000 - 10'000);
    CHECK(bench.c().send_room(bench.env()) == 4000 - 2000);
    bench.tunables.notsent_lowat = 2001;
    CHECK(bench.c().send_room(bench.env()) == 1000);  // a segment, not a crumb
    bench.tunables.notsent_lowat = 2000;
    CHECK(bench.c().send_room(bench.env()) == 0);
    CHECK(tcp::Tunables{}.notsent_lowat == UINT32_MAX);
}

TEST_CASE("bytes for a connection that has ended are let go") {
    Bench bench;
    bench.establish();
    (void)bench.receive(kRst, 1, 0);
    bench.send("too late");
    CHECK(bench.c().buffer_count() == 0);
    CHECK(bench.c().send_room(bench.env()) == 0);
}

TEST_CASE("a RST goes before everything, retransmissions before new text, text before an ACK of its own") {
    Bench bench;
    bench.establish();
    bench.send(std::string(3000, 'x'));
    (void)bench.poll_all();
    bench.run_to_deadline();
    REQUIRE(bench.c().snapshot().retransmits == 1);
    bench.send("new");
    (void)bench.receive(kAck, 1, 1, "needs an ack");
    auto out = bench.poll_all();
    REQUIRE(out.size() == 1);  // one segment of congestion window: the oldest
    CHECK(bench.seq_of(out[0]) == 1);
    CHECK(bench.ack_of(out[0]) == 13);
    bench.c().abort(CloseReason::IdleTimeout, bench.env());
    out = bench.poll_all();
    REQUIRE(out.size() == 1);
    CHECK(out[0].flags.bits == (kRst | kAck));
    CHECK(bench.seq_of(out[0]) == 3001);
}

// RFC 9293 3.8.6, MUST-34, SHLD-15, HARDENING 25.
TEST_CASE(
    "HARDENING 25: a window that shrinks over what is on the way stops new text and numbers ACKs inside it") {
    Bench bench;
    bench.establish();
    bench.send(std::string(5000, 'x'));
    CHECK(total(bench.poll_all()) == 5000);
    bench.peer_window = 500;
    (void)bench.receive(kAck, 1, 1001);
    bench.send(std::string(1000, 'y'));
    CHECK(bench.poll_all().empty());
    (void)bench.receive(kAck, 1, 1001, "text");
    (void)bench.receive(kAck, 6, 1001, "ahead");
    const auto ack = bench.poll_one();
    CHECK(bench.seq_of(ack) == 1501);  // the edge, not snd.nxt, which the peer would not accept
    bench.run_to_deadline();           // SHLD-16: what is in the window is sent again
    const auto again = bench.poll_all();
    REQUIRE(again.size() == 1);
    CHECK(bench.seq_of(again[0]) == 1001);
    CHECK(again[0].payload_length == 500);
}

TEST_CASE(
    "HARDENING 25: one-byte windows are answered by one byte at a time and never by a flood") {  // HARDENING
                                                                                                 // 25
    Bench bench;
    bench.peer_window = 1;
    bench.establish();
    bench.send(std::string(100, 'x'));
    for (std::uint32_t i = 1; i <= 100; ++i) {
        const auto out = bench.poll_all();
        REQUIRE(out.size() == 1);
        CHECK(out[0].payload_length == 1);
        (void)bench.receive(kAck, 1, i + 1);
    }
    CHECK(bench.c().snapshot().send_queue_bytes == 0);
}

// RFC 5681 4.1, RFC 9438 5.8: CUBIC moves its curve by the pause, which must happen once.
TEST_CASE("the restart after a pause comes with the text, however often a closed window was looked at") {
    Bench bench;
    bench.establish();
    std::uint32_t acked = 1;
    bench.send(std::string(30'000, 'x'));
    while (bench.c().snapshot().send_queue_bytes > 0) {
        acked += total(bench.poll_all());
        (void)bench.receive(kAck, 1, acked);
    }
    const auto grown = bench.c().snapshot().congestion_window_bytes;
    REQUIRE(grown > 10'000);
    bench.peer_window = 0;
    (void)bench.receive(kAck, 1, acked);
    bench.advance(2 * bench.c().snapshot().rto);
    bench.send("x");
    for (int i = 0; i < 5; ++i)
        CHECK(bench.poll_all().empty());
    CHECK(bench.c().snapshot().congestion_window_bytes == grown);
    bench.peer_window = 50'000;
    (void)bench.receive(kAck, 1, acked);
    CHECK(bench.poll_one().payload_length == 1);
    CHECK(bench.c().snapshot().congestion_window_bytes == 10'000);
}

// RFC 5681 4.1.
TEST_CASE("after idling for longer than the time-out sending restarts from the initial window") {
    Bench bench;
    bench.establish();
    std::uint32_t acked = 1;
    for (int i = 0; i < 10; ++i) {
        bench.send(std::string(10'000, 'x'));
        const auto bytes = total(bench.poll_all());
        acked += bytes;
        (void)bench.receive(kAck, 1, acked);
    }
    while (bench.c().snapshot().send_queue_bytes > 0) {
        acked += total(bench.poll_all());
        (void)bench.receive(kAck, 1, acked);
    }
    const auto grown = bench.c().snapshot().congestion_window_bytes;
    CHECK(grown > 10'000);
    bench.advance(bench.c().snapshot().rto);
    (void)bench.poll_all();
    CHECK(bench.c().snapshot().congestion_window_bytes == grown);
    bench.advance(1ns);
    bench.send("x");
    (void)bench.poll_all();
    CHECK(bench.c().snapshot().congestion_window_bytes == 10'000);
}
