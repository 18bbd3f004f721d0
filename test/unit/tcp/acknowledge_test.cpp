// Acknowledgements and loss: RFC 5681, 6582, 3042, 6298 as the connection puts them together.
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {

/// Ten segments of 1000 bytes on the way, numbers 1 to 10,000.
struct Flight : Bench {
    explicit Flight(std::uint32_t queued = 30'000) {
        establish();
        send(std::string(queued, 'x'));
        REQUIRE(poll_all().size() == 10);
    }
    void duplicate() { REQUIRE(receive(kAck, 1, una) == Disposition::Accepted); }
    void acknowledge(std::uint32_t up_to) {
        una = up_to;
        REQUIRE(receive(kAck, 1, up_to) == Disposition::Accepted);
    }
    [[nodiscard]] std::uint64_t retransmits(RetransmitCause cause) {
        return leg().retransmits[cause].value();
    }
    [[nodiscard]] std::uint32_t cwnd() { return c().snapshot().congestion_window_bytes; }
    std::uint32_t una = 1;
};

}  // namespace

// RFC 3042.
TEST_CASE("each of the first two duplicates lets a new segment out") {
    Flight flight;
    flight.duplicate();
    CHECK(flight.seq_of(flight.poll_one()) == 10'001);
    flight.duplicate();
    CHECK(flight.seq_of(flight.poll_one()) == 11'001);
    CHECK(flight.cwnd() == 10'000);
    CHECK(flight.retransmits(RetransmitCause::FastRetransmit) == 0);
}

// RFC 5681 3.2, RFC 6582 3.2.
TEST_CASE("the third duplicate retransmits, a partial ACK the next hole, a full one ends recovery") {
    Flight flight;
    flight.duplicate();
    flight.duplicate();
    CHECK(flight.poll_all().size() == 2);
    flight.duplicate();
    auto out = flight.poll_all();
    REQUIRE(out.size() == 1);
    CHECK(flight.seq_of(out[0]) == 1);
    CHECK(out[0].payload_length == 1000);
    CHECK(flight.retransmits(RetransmitCause::FastRetransmit) == 1);
    CHECK(flight.leg().segments_retransmitted_bytes.value() == 1000);
    // RFC 9937: 8000 are on the way and the first retransmission; the threshold is 5000, half of the window:
    // for two that arrive one goes out, until the pipe is that deep, and then one for one.
    CHECK(flight.cwnd() == 9000);
    std::vector<std::size_t> sent;
    for (int i = 0; i < 8; ++i) {
        flight.duplicate();
        sent.push_back(flight.poll_all().size());
    }
    CHECK(sent == std::vector<std::size_t>{0, 1, 0, 1, 0, 0, 1, 1});

    flight.acknowledge(3001);  // partial: 3001 is lost too
    out = flight.poll_all();
    REQUIRE_FALSE(out.empty());
    CHECK(flight.seq_of(out[0]) == 3001);
    CHECK(flight.retransmits(RetransmitCause::FastRetransmit) == 2);

    flight.acknowledge(12'001);  // all that was out when recovery began
    CHECK(flight.cwnd() <= 5000);
    CHECK(flight.retransmits(RetransmitCause::FastRetransmit) == 2);
    for (const auto& segment : flight.poll_all())
        CHECK(flight.seq_of(segment) > 12'001);
}

// RFC 6298 5.3; RFC 6582 3.2 step 3 leaves it to us after the first.
TEST_CASE("each partial ACK restarts the retransmission timer") {
    Flight flight;
    for (int i = 0; i < 3; ++i) {
        flight.duplicate();
    }
    (void)flight.poll_all();
    flight.advance(50ms);
    flight.acknowledge(1001);
    const Instant deadline = flight.c().next_deadline();
    CHECK(deadline == flight.now + flight.c().snapshot().rto);
    (void)flight.poll_all();
    flight.advance(50ms);
    flight.acknowledge(2001);
    CHECK(flight.c().next_deadline() == flight.now + flight.c().snapshot().rto);
    CHECK(flight.c().next_deadline() > deadline);
    CHECK(flight.seq_of(flight.poll_all().at(0)) == 2001);
}

TEST_CASE("a second time-out leaves the threshold as the first one set it") {  // RFC 5681 3.1
    Flight flight(10'000);
    for (int i = 0; i < 3; ++i) {
        flight.run_to_deadline();
        (void)flight.poll_all();
    }
    // Half of ten segments: slow start goes up to five, one segment for each that is acknowledged.
    for (std::uint32_t up_to = 1001; up_to <= 4001; up_to += 1000) {
        flight.acknowledge(up_to);
        (void)flight.poll_all();
    }
    CHECK(flight.cwnd() == 5000);
    flight.acknowledge(5001);
    CHECK(flight.cwnd() == 5000);
}

TEST_CASE("two duplicates, or duplicates with text or another window, retransmit nothing") {
    Flight flight;
    flight.duplicate();
    flight.duplicate();
    (void)flight.poll_all();
    (void)flight.receive(kAck, 1, 1, "text");
    flight.peer_window = 40'000;
    (void)flight.receive(kAck, 5, 1);
    (void)flight.poll_all();
    CHECK(flight.retransmits(RetransmitCause::FastRetransmit) == 0);
}

TEST_CASE(
    "duplicates after a time-out start no second recovery for the same flight") {  // RFC 6582 3.2 step 2
    Flight flight;
    flight.run_to_deadline();
    CHECK(flight.poll_all().size() == 1);
    for (int i = 0; i < 6; ++i) {
        flight.duplicate();
        (void)flight.poll_all();
    }
    CHECK(flight.retransmits(RetransmitCause::FastRetransmit) == 0);
    CHECK(flight.cwnd() == 1000);
}

TEST_CASE("HARDENING 24: invented duplicates bring out no flood") {  // HARDENING 24
    Flight flight(45'000);
    std::uint32_t sent = 0;
    for (int i = 0; i < 10'000; ++i) {
        flight.duplicate();
        sent += static_cast<std::uint32_t>(flight.poll_all().size());
    }
    CHECK(sent <= 25);
}

TEST_CASE(
    "HARDENING 24: an ACK cut into single bytes opens the window by those bytes only") {  // HARDENING 24, RFC
                                                                                          // 3465
    Flight flight;
    for (std::uint32_t i = 1; i <= 1000; ++i)
        flight.acknowledge(1 + i);
    CHECK(flight.cwnd() == 11'000);
}

// RFC 9937 6: what a receiver without SACK is taken to have got.
TEST_CASE("HARDENING 24: duplicates invented before each byte that is acknowledged count as no delivery") {
    Flight flight;
    for (std::uint32_t i = 1; i <= 1000; ++i) {
        flight.duplicate();
        flight.duplicate();
        flight.acknowledge(1 + i);
        (void)flight.poll_all();
        const tcp::SendSpace& snd = flight.c().send_space();
        REQUIRE(flight.c().recovery().delivered_bytes() <= snd.nxt - (snd.iss + 1));
    }
}

TEST_CASE("a window that is not used does not grow") {
    Bench bench;
    bench.establish();
    for (std::uint32_t i = 0; i < 50; ++i) {
        bench.send("x");
        (void)bench.poll_all();
        (void)bench.receive(kAck, 1, 2 + i);
    }
    CHECK(bench.c().snapshot().congestion_window_bytes == 10'000);
}

// RFC 6298 5.4 to 5.6, RFC 5681 3.1.
TEST_CASE("a time-out sends the first segment again, and ACKs bring back the rest from there") {
    Flight flight(10'000);
    CHECK(flight.c().snapshot().timer == Timer::Retransmission);
    flight.run_to_just_before_deadline();
    CHECK(flight.poll_all().empty());
    flight.run_to_deadline();
    CHECK(flight.cwnd() == 1000);
    auto out = flight.poll_all();
    REQUIRE(out.size() == 1);
    CHECK(flight.seq_of(out[0]) == 1);
    CHECK(flight.retransmits(RetransmitCause::Timeout) == 1);
    flight.acknowledge(1001);
    out = flight.poll_all();
    REQUIRE(out.size() == 2);
    CHECK(flight.seq_of(out[0]) == 1001);
    CHECK(flight.seq_of(out[1]) == 2001);
    flight.acknowledge(8001);  // the peer had held the others
    out = flight.poll_all();
    REQUIRE(out.size() == 2);
    CHECK(flight.seq_of(out[0]) == 8001);
    CHECK(out[1].flags.psh());
    flight.acknowledge(10'001);
    CHECK(flight.poll_all().empty());
    CHECK(flight.c().buffer_count() == 0);
    CHECK(flight.c().snapshot().timer == Timer::Keepalive);
}

TEST_CASE(
    "the retransmission timer restarts on new ACKs and stops when all is acknowledged") {  // RFC
                                                                                           // 6298 5.2, 5.3
    Flight flight(10'000);
    flight.advance(50ms);
    flight.acknowledge(1001);
    CHECK(flight.c().next_deadline() == flight.now + flight.c().snapshot().rto);
    const auto deadline = flight.c().next_deadline();
    flight.advance(50ms);
    flight.duplicate();
    CHECK(flight.c().next_deadline() == deadline);
    flight.acknowledge(10'001);
    CHECK(flight.c().snapshot().timer == Timer::Keepalive);
}

TEST_CASE("the round trip is measured on text that was sent once, and by the echo otherwise") {  // MUST-18
    Bench bench;
    bench.establish();
    bench.send("a");
    (void)bench.poll_all();
    bench.advance(70ms);
    (void)bench.receive(kAck, 1, 2);
    const auto first = bench.c().snapshot().smoothed_rtt;
    CHECK(first == Duration(70ms) / 8);  // after the handshake's sample of nothing
    bench.send("b");
    (void)bench.poll_all();
    bench.run_to_deadline();
    (void)bench.poll_all();
    bench.advance(100ms);
    (void)bench.receive(kAck, 1, 3);
    CHECK(bench.c().snapshot().smoothed_rtt == first);
}

TEST_CASE("a fast retransmission makes the timed segment ambiguous too") {  // MUST-18
    Flight flight;
    const auto before = flight.c().snapshot().smoothed_rtt;
    flight.advance(100ms);
    for (int i = 0; i < 3; ++i) {
        flight.duplicate();
        (void)flight.poll_all();
    }
    flight.advance(50ms);
    flight.acknowledge(10'001);
    CHECK(flight.c().snapshot().smoothed_rtt == before);
}

TEST_CASE("with timestamps a retransmitted segment gives its sample by the echo") {
    Bench bench;
    bench.tunables.timestamps = true;
    bench.peer_timestamp = 1;
    bench.establish();
    const auto before = bench.c().snapshot().smoothed_rtt;
    bench.send("b");
    (void)bench.poll_all();
    bench.run_to_deadline();
    bench.peer_echo = bench.poll_one().options.timestamps->value;
    const auto backed_off = bench.c().snapshot().rto;
    bench.advance(80ms);
    (void)bench.receive(kAck, 1, 2);
    CHECK(bench.c().snapshot().smoothed_rtt > before);
    CHECK(bench.c().snapshot().rto < backed_off);
}

TEST_CASE("an ACK of part of a segment is taken to the byte") {
    Bench bench;
    bench.establish();
    bench.send("abcdef");
    (void)bench.poll_all();
    (void)bench.receive(kAck, 1, 4);
    CHECK(bench.c().snapshot().send_queue_bytes == 3);
    bench.run_to_deadline();
    const auto out = bench.poll_one();
    CHECK(bench.seq_of(out) == 4);
    CHECK(out.payload_length == 3);
    CHECK(to_string(bench.c().send_queue()) == "def");
}

// RFC 9293 3.8.6: found by terminus-sim --seed 10 before it was so.
TEST_CASE("a window told with a newer ACK counts, though its segment is an old one sent again") {
    Bench bench;
    bench.peer_window = 3000;
    bench.establish();
    bench.send(std::string(5000, 'x'));
    REQUIRE(bench.poll_all().size() == 3);
    (void)bench.receive(kAck, 11, 1, "ahead of a gap");  // SND.WL1 is now beyond what is sent again
    bench.peer_window = 1000;                            // the same edge, told with a newer ACK
    (void)bench.receive(kAck, 1, 2001, "0123456789");
    for (const OutSegment& out : bench.poll_all())
        CHECK(out.payload_length == 0);
    bench.peer_window = 2000;
    (void)bench.receive(kAck, 25, 2001);
    const auto out = bench.poll_all();
    REQUIRE(out.size() == 1);
    CHECK(bench.seq_of(out[0]) == 3001);
    CHECK(out[0].payload_length == 1000);
}

TEST_CASE("old segments don't undo a newer window") {  // RFC 9293 3.10.7.4: SND.WL1, SND.WL2
    Bench bench;
    bench.establish();
    bench.peer_window = 3000;
    (void)bench.receive(kAck, 1, 1, "new");
    (void)bench.receive(kAck, 4, 1, "x");
    bench.peer_window = 9000;
    (void)bench.receive(kAck, 1, 1, "newxer");  // begins before the last update
    CHECK(bench.c().send_space().wnd == 3000);
    (void)bench.receive(kAck, 7, 1);
    CHECK(bench.c().send_space().wnd == 9000);
}

// RFC 9293 3.10.7.4: SND.WND, SND.WL1 and SND.WL2 are those of the segment that completes the handshake.
TEST_CASE("the segment that completes the handshake tells the window, though it begins before the SYN") {
    Bench bench;
    bench.promote();
    bench.send("text");
    bench.peer_window = 0;
    (void)bench.receive(kAck, 0u - 9u, 1, std::string(20, 'x'));
    CHECK(bench.c().state() == State::Established);
    CHECK(bench.c().send_space().wnd == 0);
    for (const auto& out : bench.poll_all())
        CHECK(out.payload_length == 0);
    bench.peer_window = 1000;
    (void)bench.receive(kAck, 11, 1);
    CHECK(bench.poll_one().payload_length == 4);
}
