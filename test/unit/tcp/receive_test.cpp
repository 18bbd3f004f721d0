// The receiving side: reassembly in the connection, windows, silly-window avoidance, delayed ACKs.
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {
const std::string kFull(1400, 'f');
std::uint32_t adv(Bench& bench) {
    return bench.c().receive_space().adv - bench.peer_iss;
}
}  // namespace

// RFC 9293 3.10.7.4, MAY-13, SHLD-31.
TEST_CASE("text ahead of a gap is held, acknowledged at once, and delivered when the gap is filled") {
    Bench bench;
    bench.establish();
    CHECK(bench.receive(kAck, 4, 1, "def") == Disposition::Accepted);
    CHECK(bench.ack_of(bench.poll_one()) == 1);  // RFC 5681 4.2: a duplicate ACK
    CHECK(bench.receive(kAck, 10, 1, "jkl") == Disposition::Accepted);
    CHECK(bench.ack_of(bench.poll_one()) == 1);
    CHECK(bench.c().readable_bytes() == 0);
    CHECK_FALSE(bench.c().take_events().readable());
    CHECK(bench.leg().out_of_order_segments.value() == 2);
    CHECK(bench.receive(kAck, 1, 1, "abc") == Disposition::Accepted);
    CHECK(bench.ack_of(bench.poll_one()) == 7);  // MUST-59: all that was queued, then the ACK, at once
    CHECK(bench.receive(kAck, 7, 1, "ghi") == Disposition::Accepted);
    CHECK(bench.ack_of(bench.poll_one()) == 13);
    CHECK(bench.c().take_events().readable());
    CHECK(bench.leg().bytes_received.value() == 12);
    CHECK(bench.read() == "abcdefghijkl");
}

TEST_CASE("HARDENING 10: a FIN ahead of a gap takes effect when everything before it has come") {
    Bench bench;
    bench.establish();
    SECTION("with its text") {
        CHECK(bench.receive(kAck | kFin, 4, 1, "def") == Disposition::Accepted);
    }
    SECTION("after it") {
        CHECK(bench.receive(kAck | kFin, 7, 1) == Disposition::Accepted);
        CHECK(bench.receive(kAck, 4, 1, "def") == Disposition::Accepted);
    }
    SECTION("and what claims to follow it is not part of the stream") {  // HARDENING 10
        CHECK(bench.receive(kAck, 4, 1, "defGHI") == Disposition::Accepted);
        CHECK(bench.receive(kAck | kFin, 7, 1) == Disposition::Accepted);
        CHECK(bench.receive(kAck, 7, 1, "beyond") == Disposition::Dropped);
    }
    CHECK(bench.c().state() == State::Established);
    CHECK_FALSE(bench.c().take_events().peer_finished());
    CHECK(bench.receive(kAck, 1, 1, "abc") == Disposition::Accepted);
    CHECK(bench.c().state() == State::CloseWait);
    CHECK(bench.c().take_events().peer_finished());
    CHECK_FALSE(bench.c().peer_finished());  // not before the bytes are taken
    CHECK(bench.read() == "abcdef");
    CHECK(bench.c().peer_finished());
    CHECK(bench.ack_of(bench.poll_one()) == 8);
}

TEST_CASE(
    "HARDENING 20: held segments are bounded in number, and the refused one is counted") {  // HARDENING 20
    Bench bench;
    bench.tunables.out_of_order_segments = 3;
    bench.establish();
    for (std::uint32_t i = 0; i < 3; ++i)
        CHECK(bench.receive(kAck, 3 + 2 * i, 1, "x") == Disposition::Accepted);
    CHECK(bench.receive(kAck, 9, 1, "x") == Disposition::Dropped);
    CHECK(bench.drops(DropReason::TcpOutOfOrderLimit) == 1);
    CHECK(bench.c().buffer_count() == 3);
    CHECK(bench.receive(kAck, 3, 1, "x") == Disposition::Dropped);
    CHECK(bench.drops(DropReason::TcpDuplicate) == 1);
    CHECK(bench.receive(kAck, 1, 1, "ab") == Disposition::Accepted);  // what fills the gap always gets in
    CHECK(bench.read() == "abx");
}

TEST_CASE(
    "HARDENING 10: two segments with one number and different lengths give the stream once") {  // HARDENING
                                                                                                // 10
    Bench bench;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, "abc");
    (void)bench.receive(kAck, 1, 1, "abcdef");
    (void)bench.receive(kAck, 1, 1, "ab");
    CHECK(bench.read() == "abcdef");
    CHECK(bench.leg().bytes_received.value() == 6);
}

TEST_CASE("the stream is right across the wrap of sequence numbers") {
    Bench bench(SeqNum(UINT32_MAX), SeqNum(UINT32_MAX - 3));
    bench.establish();
    CHECK(bench.receive(kAck, 4, 1, "def") == Disposition::Accepted);
    CHECK(bench.receive(kAck, 1, 1, "abc") == Disposition::Accepted);
    CHECK(bench.receive(kAck | kFin, 7, 1, "ghi") == Disposition::Accepted);
    CHECK(bench.read() == "abcdefghi");
    bench.send("xyz");
    CHECK(bench.poll_one().seq == SeqNum(0));
    CHECK(bench.receive(kAck, 11, 4) == Disposition::Accepted);
    CHECK(bench.c().snapshot().send_queue_bytes == 0);
}

// DESIGN 3.6.
TEST_CASE("while buffers are nearly out payload is dropped unacknowledged, and ACKs go on freeing ours") {
    Bench bench;
    bench.establish();
    bench.send("abc");
    (void)bench.poll_all();
    bench.may_keep_payload = false;
    CHECK(bench.receive(kAck, 1, 4, "text") == Disposition::Dropped);
    CHECK(bench.receive(kAck, 20, 4, "ahead") == Disposition::Dropped);
    CHECK(bench.receive(kAck | kFin, 1, 4, "text") == Disposition::Dropped);
    CHECK(bench.drops(DropReason::BufferPressure) == 3);
    CHECK(bench.c().buffer_count() == 0);
    CHECK(bench.c().state() == State::Established);
    CHECK(bench.receive(kAck | kFin, 1, 4) == Disposition::Accepted);  // a bare FIN needs no buffer
    CHECK(bench.c().state() == State::CloseWait);
    CHECK(bench.leg().bytes_sent.value() == 3);
}

// RFC 9293 3.8.6.3, SHLD-18 and SHLD-19.
TEST_CASE("every second full segment is acknowledged at once") {
    Bench bench;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, kFull);
    CHECK(bench.poll_all().empty());
    (void)bench.receive(kAck, 1401, 1, kFull);
    CHECK(bench.ack_of(bench.poll_one()) == 2801);
    (void)bench.receive(kAck, 2801, 1, kFull);
    CHECK(bench.poll_all().empty());
    (void)bench.receive(kAck, 4201, 1, "small");
    CHECK(bench.poll_all().empty());
}

TEST_CASE("a connection begins with quick ACKs, quickack of them") {
    Bench bench;
    bench.tunables.quickack = 2;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, "a");
    CHECK(bench.poll_all().size() == 1);
    (void)bench.receive(kAck, 2, 1, "b");
    CHECK(bench.poll_all().size() == 1);
    for (std::uint32_t i = 0; i < 2; ++i) {
        (void)bench.receive(kAck, 3 + i * 1400, 1, kFull);
        CHECK(bench.poll_all().size() == i);
    }
}

// RFC 9293 3.8.6.3: the next answer takes the ACK along, as the first has.
TEST_CASE("who answers within the delay has no quick ACKs, until an answer stays away") {
    const bool in_time = GENERATE(true, false);
    Bench bench;
    bench.tunables.quickack = 9;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, "a");
    CHECK(bench.ack_of(bench.poll_one()) == 2);
    bench.advance(bench.tunables.delack_min - (in_time ? 1ns : 0ns));
    bench.send("answer");
    (void)bench.poll_one();
    (void)bench.receive(kAck, 2, 7, "b");
    CHECK(bench.poll_all().empty() == in_time);
    if (!in_time) return;
    CHECK(bench.c().next_deadline() == bench.now + bench.tunables.delack_min);
    bench.run_to_deadline();
    CHECK(bench.ack_of(bench.poll_one()) == 3);
    (void)bench.receive(kAck, 3, 7, "c");
    CHECK(bench.ack_of(bench.poll_one()) == 4);
}

// RFC 5681 4.1: the peer's congestion window has shrunk meanwhile.
TEST_CASE("quick ACKs begin anew after a pause longer than the time-out, and no shorter one") {
    const Duration more = GENERATE(0ns, 1ns);
    Bench bench;
    bench.tunables.quickack = 1;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, kFull);
    (void)bench.poll_one();
    bench.advance(bench.c().snapshot().rto + more);
    (void)bench.receive(kAck, 1401, 1, "b");
    CHECK(bench.poll_all().size() == (more > 0ns ? 1 : 0));
    (void)bench.receive(kAck, 1402, 1, "c");
    CHECK(bench.poll_all().empty());
}

TEST_CASE("quick ACKs begin anew when the peer sends again what had arrived") {
    Bench bench;
    bench.tunables.quickack = 2;
    bench.establish();
    for (std::uint32_t i = 0; i < 2; ++i) {
        (void)bench.receive(kAck, 1 + i, 1, "a");
        CHECK(bench.poll_all().size() == 1);
    }
    CHECK(bench.receive(kAck, 2, 1, "a") == Disposition::Dropped);
    CHECK(bench.poll_all().size() == 1);
    for (std::uint32_t i = 0; i < 3; ++i) {
        (void)bench.receive(kAck, 3 + i, 1, "b");
        CHECK(bench.poll_all().size() == (i < 2 ? 1 : 0));
    }
}

// RFC 9293 3.10.7.4, MUST-58.
TEST_CASE("text of ours carries the acknowledgement, and no other follows") {
    Bench bench;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, "request");
    bench.send("response");
    const auto out = bench.poll_one();
    CHECK(bench.ack_of(out) == 8);
    CHECK(out.payload_length == 8);
    (void)bench.receive(kAck, 8, 9);
    CHECK(bench.c().snapshot().timer == Timer::Keepalive);  // neither a delayed ACK nor anything else runs
}

// RFC 9293 3.8.6.2.2, MUST-39.
TEST_CASE("a closed window opens by a segment or half the buffer, not by crumbs") {
    Bench bench;
    bench.tunables.rmem = 2800;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, kFull);
    (void)bench.receive(kAck, 1401, 1, kFull);
    CHECK(bench.poll_one().window == 0);
    CHECK(bench.leg().zero_windows_advertised.value() == 1);
    (void)bench.read(1399);
    CHECK(bench.poll_all().empty());
    (void)bench.receive(kAck, 2801, 1, "p");  // a probe meanwhile learns nothing either
    CHECK(bench.poll_one().window == 0);
    (void)bench.read(1);  // half the buffer, less than a segment of 1460
    const auto update = bench.poll_one();
    CHECK(update.flags.bits == kAck);
    CHECK(update.window == 1400);
}

TEST_CASE("reading from an open window sends no update for each segment") {
    Bench bench;
    bench.establish();
    for (std::uint32_t i = 0; i < 10; i += 2) {
        (void)bench.receive(kAck, 1 + i * 1400, 1, kFull);
        (void)bench.read();
        CHECK(bench.poll_all().empty());
        (void)bench.receive(kAck, 1 + (i + 1) * 1400, 1, kFull);
        (void)bench.read();
        CHECK(bench.poll_one().window == 60'000);
    }
}

TEST_CASE("a good part of the buffer that comes free is announced") {
    Bench bench;
    bench.establish();
    std::uint32_t at = 1;
    for (int i = 0; i < 40; ++i, at += 1400)
        (void)bench.receive(kAck, at, 1, kFull);
    CHECK(bench.poll_one().window == 60'000 - 40 * 1400);
    (void)bench.read(2000);
    CHECK(bench.poll_all().empty());
    (void)bench.read(20'000);
    CHECK(bench.poll_one().window == 60'000 - 40 * 1400 + 22'000);
}

// RFC 9293 SHLD-14, RFC 7323 2.4, DESIGN 3.6.
TEST_CASE("the right edge never moves left, though rmem is lowered while the window is open") {
    Bench bench;
    bench.establish();
    CHECK(adv(bench) == 60'001);
    bench.tunables.rmem = 1000;
    (void)bench.receive(kAck, 1, 1, kFull);
    (void)bench.receive(kAck, 1401, 1, kFull);
    CHECK(bench.poll_one().window == 60'000 - 2800);
    CHECK(adv(bench) == 60'001);
    CHECK(bench.receive(kAck, 60'000, 1, "z") == Disposition::Accepted);
}

TEST_CASE("while buffers are short the window stops advancing at the limit, and keeps what it promised") {
    Bench bench;
    bench.establish();
    bench.receive_limit_bytes = 10'000;
    std::uint32_t at = 1;
    for (; at + 2800 <= 60'001; at += 2800) {
        (void)bench.receive(kAck, at, 1, kFull);
        (void)bench.receive(kAck, at + 1400, 1, kFull);
        (void)bench.read();
        const auto out = bench.poll_one();
        const std::uint32_t edge = bench.ack_of(out) + out.window;
        CHECK(edge >= 60'001);
        CHECK(edge <= std::max(60'001u, at + 2800 + 10'000));
        CHECK(edge + 1460 > at + 2800 + 10'000);  // within a segment of the limit
    }
    bench.receive_limit_bytes = UINT32_MAX;
    (void)bench.receive(kAck, at, 1, kFull);
    (void)bench.receive(kAck, at + 1400, 1, kFull);
    (void)bench.read();
    CHECK(bench.poll_one().window == 60'000);
}

TEST_CASE("with a window scale the edge stays where it was promised, and memory stays bounded") {
    for (const std::uint32_t size : {1u, 7u, 100u, 1400u}) {
        Bench bench;
        bench.tunables.window_scaling = true;
        bench.peer_scale = 0;
        bench.tunables.rmem = 1u << 20;  // a scale of 5: 32 bytes a unit
        bench.establish();
        REQUIRE(bench.c().receive_space().scale == 5);
        std::uint32_t at = 1;
        std::uint32_t edge = 0;
        std::uint32_t received = 0;
        const std::string text(size, 'x');
        for (int i = 0; i < 3000; ++i) {
            if (bench.receive(kAck, at, 1, text) != Disposition::Accepted) break;
            at += size;
            received += size;
            for (const auto& out : bench.poll_all()) {
                const std::uint32_t told = bench.ack_of(out) + (std::uint32_t{out.window} << 5);
                if (size >= 500)
                    CHECK(told >= edge);  // for tiny segments RFC 7323 2.4 lets it differ by a unit
                CHECK(told + 32 > edge);
                edge = std::max(edge, told);
                CHECK(adv(bench) >= edge);
            }
        }
        CHECK(bench.c().readable_bytes() <= (1u << 20) + (1u << 16) + 32);
        CHECK(bench.c().readable_bytes() > received - size);
    }
}

TEST_CASE("tiny segments can't push the right edge beyond a sixteenth over the buffer") {
    Bench bench;
    bench.tunables.window_scaling = true;
    bench.peer_scale = 0;
    bench.tunables.rmem = 70'000;
    bench.tunables.delack_segments = 1;  // an ACK, and a rounded window, for each of them
    bench.establish();
    REQUIRE(bench.c().receive_space().scale == 1);
    std::uint32_t received = 0;
    while (received < 200'000 && bench.receive(kAck, 1 + received, 1, "x") == Disposition::Accepted) {
        ++received;
        (void)bench.poll_all();
    }
    CHECK(received >= 70'000);
    CHECK(received <= 70'000 + 70'000 / 16 + 2);
    CHECK(bench.c().buffer_count() < 100);  // and small text shares buffers
}

TEST_CASE("the window of a SYN is unscaled, of all else scaled") {  // RFC 7323 2.2
    Bench bench;
    bench.tunables.window_scaling = true;
    bench.peer_scale = 4;
    bench.tunables.rmem = 1u << 20;
    bench.promote();
    CHECK(adv(bench) == 1 + 65535);
    (void)bench.receive(kAck, 1, 1);
    CHECK(bench.c().send_space().wnd == 50'000u << 4);
    bench.send("x");
    CHECK(bench.poll_one().window == (1u << 20) >> 5);
    CHECK(adv(bench) == 1 + (1u << 20));
}

TEST_CASE("peers that send slices of every kind get whole slices to the reader by reference or copy") {
    Bench bench;
    bench.establish();
    (void)bench.receive(kAck, 1, 1, kFull);
    CHECK(bench.c().snapshot().receive_queue_bytes == 1400);
    CHECK(bench.read(10) == std::string(10, 'f'));
    CHECK(bench.c().readable_bytes() == 1390);
    CHECK(bench.read() == std::string(1390, 'f'));
    CHECK(bench.read().empty());
}

TEST_CASE("the window grows with what is read in a round trip, as far as rmem lets it") {
    const bool is_timed = GENERATE(true, false);
    Bench bench;
    bench.tunables.window_scaling = true;
    bench.peer_scale = 0;
    bench.tunables.rmem = {4096, 20'000, 200'000};
    if (is_timed) {
        bench.tunables.timestamps = true;
        bench.peer_timestamp = 1;
    }
    bench.establish();
    CHECK(adv(bench) == 20'001);
    const auto receive_what_fits = [&](std::uint32_t at) {
        const std::uint32_t edge = adv(bench);
        for (; at + 1400 <= edge; at += 1400) {
            (void)bench.receive(kAck, at, 1, kFull);
            (void)bench.read();
            (void)bench.poll_all();
        }
        return at;
    };
    std::uint32_t at = 1;
    std::uint32_t window = 0;
    for (int round = 0; round < 12; ++round) {
        if (is_timed) bench.peer_echo = bench.c().own_timestamp(bench.env());
        bench.advance(50ms);
        at = receive_what_fits(at);
        CHECK(bench.c().receive_space().wnd() + 1400 >= window);
        window = bench.c().receive_space().wnd();
    }
    CHECK(window > 195'000);
    CHECK(window <= 200'000);
    CHECK(bench.c().snapshot().receive_rtt >= 50ms);
    CHECK(bench.c().snapshot().receive_space_bytes > 100'000);
}

TEST_CASE("a reader who doesn't read, and one whose buffer may not grow, keep the window they began with") {
    Bench bench;
    const bool reads = GENERATE(true, false);
    bench.tunables.rmem = {4096, 20'000, 60'000};
    bench.tunables.moderate_rcvbuf = !reads;
    bench.establish();
    std::uint32_t at = 1;
    for (int round = 0; round < 12; ++round) {
        bench.advance(50ms);
        for (; at + 1400 <= adv(bench) && at < 300'000; at += 1400) {
            (void)bench.receive(kAck, at, 1, kFull);
            if (reads) (void)bench.read();
            (void)bench.poll_all();
            REQUIRE(bench.c().receive_space().wnd() <= 20'000);
        }
    }
    CHECK(at > (reads ? 290'000u : 18'000u));
}

TEST_CASE("however short buffers are, rmem's minimum is offered") {
    Bench bench;
    bench.tunables.rmem = {8000, 20'000, 60'000};
    bench.establish();
    bench.receive_limit_bytes = 0;
    std::uint32_t at = 1;
    for (; at < 40'001; at += 1400) {
        (void)bench.receive(kAck, at, 1, kFull);
        (void)bench.read();
        (void)bench.poll_all();
    }
    CHECK(bench.c().receive_space().wnd() <= 8000);
    CHECK(bench.c().receive_space().wnd() > 8000 - 1460);
}
