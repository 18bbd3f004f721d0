// Loss recovery with SACK: RFC 2018, 6675, 8985, 9937, 5682, 4015, 3708 as the connection puts them together.
#include <initializer_list>

#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;
using tcp::RecoveryState;

namespace {

using Block = std::pair<std::uint32_t, std::uint32_t>;

/// Segments of 1000 bytes on the way, over a path with a round trip of 40 ms.
struct SackFlight : Bench {
    static constexpr Duration kRoundTrip = 40ms;

    explicit SackFlight(std::uint32_t text = 30'000, SeqNum own = SeqNum(1000)) : Bench(own), queued(text) {
        tunables.keepalive = false;
    }
    void open(bool timestamps = false) {
        if (timestamps) {
            tunables.timestamps = true;
            peer_timestamp = 1;
        }
        accept(sack_syn(), kRoundTrip);
        send(std::string(queued, 'x'));
        (void)poll_all();
    }
    void acknowledge(std::uint32_t up_to, std::initializer_list<Block> blocks = {}) {
        una = std::max(una, up_to);
        wire::TcpSegment ack = segment(kAck, 1, up_to);
        for (const Block& block : blocks)
            ack.options.sack[ack.options.sack_count++] = {own_iss + block.first, own_iss + block.second};
        REQUIRE(receive(ack) == Disposition::Accepted);
    }
    void report(std::initializer_list<Block> blocks) { acknowledge(una, blocks); }
    [[nodiscard]] std::vector<std::uint32_t> out() {
        std::vector<std::uint32_t> result;
        for (const auto& out : poll_all())
            result.push_back(seq_of(out));
        return result;
    }
    [[nodiscard]] std::uint64_t retransmits(RetransmitCause cause) {
        return leg().retransmits[cause].value();
    }
    [[nodiscard]] std::uint32_t cwnd() { return c().recovery().window(); }
    [[nodiscard]] RecoveryState recovery() { return c().recovery().state(); }
    std::uint32_t queued;
    std::uint32_t una = 1;
};

using Numbers = std::vector<std::uint32_t>;

}  // namespace

// RFC 6675 5, RFC 8985 6.2 step 4: with three segments reported behind it and no reordering ever seen, the
// wait is over.
TEST_CASE("three segments reported behind a missing one bring it out, and it alone") {
    SackFlight flight;
    flight.open();
    flight.advance(40ms);
    flight.report({{1001, 2001}});
    CHECK(flight.out() == Numbers{10'001});  // RFC 3042
    flight.report({{1001, 3001}});
    CHECK(flight.out() == Numbers{11'001});
    CHECK(flight.recovery() == RecoveryState::Disorder);
    flight.report({{1001, 4001}});
    CHECK(flight.recovery() == RecoveryState::Recovery);
    CHECK(flight.out() == Numbers{1});
    CHECK(flight.retransmits(RetransmitCause::FastRetransmit) == 1);
    CHECK(flight.leg().recoveries.value() == 1);
    flight.advance(40ms);
    flight.acknowledge(12'001);
    CHECK(flight.recovery() == RecoveryState::Open);
    CHECK(flight.cwnd() == 5000);
    CHECK(flight.retransmits(RetransmitCause::Timeout) == 0);
}

// RFC 5681 3.1 (4): half of what the path carried, and not of what a burst of ACKs left before anything more
// could be sent.
TEST_CASE("a loss found in a burst of ACKs halves what was in flight before the burst") {
    SackFlight flight;
    flight.open();
    flight.advance(40ms);
    flight.acknowledge(5001);
    flight.report({{6001, 9001}});
    CHECK(flight.recovery() == RecoveryState::Recovery);
    (void)flight.out();
    flight.advance(40ms);
    flight.acknowledge(10'001);
    CHECK(flight.recovery() == RecoveryState::Open);
    CHECK(flight.cwnd() == 5000);
}

// RFC 7661: the window was what held text back for all of them, not only for the first.
TEST_CASE("each ACK of a burst grows the window that was full before the burst") {
    SackFlight flight;
    flight.open();
    flight.advance(40ms);
    flight.report({{1001, 4001}});
    (void)flight.out();
    flight.advance(40ms);
    flight.acknowledge(10'001);
    REQUIRE(flight.recovery() == RecoveryState::Open);
    REQUIRE(flight.cwnd() == 5000);
    REQUIRE(flight.out().size() == 4);  // limited transmit's is on the way
    flight.advance(40ms);
    for (std::uint32_t up_to = 11'001; up_to <= 15'001; up_to += 1000)
        flight.acknowledge(up_to);
    CHECK(flight.cwnd() == 6000);
}

// RFC 6675 4, NextSeg (1): every hole that evidence speaks of, in one round trip, the reported never.
TEST_CASE("every hole is filled in the order of its numbers, nothing that was reported is sent again") {
    SackFlight flight(10'000);
    flight.open();
    flight.advance(40ms);
    flight.report({{1001, 2001}});
    flight.report({{3001, 4001}, {1001, 2001}});
    flight.report({{5001, 10'001}, {3001, 4001}, {1001, 2001}});
    Numbers all;
    for (std::uint32_t i = 0; i < 4; ++i) {
        for (const std::uint32_t seq : flight.out())
            all.push_back(seq);
        flight.advance(10ms);
        flight.report({{5001, 10'001}, {3001, 4001}, {1001, 2001}});
    }
    flight.advance(40ms);
    flight.acknowledge(2001, {{3001, 4001}, {5001, 10'001}});
    for (const std::uint32_t seq : flight.out())
        all.push_back(seq);
    flight.acknowledge(4001, {{5001, 10'001}});
    for (const std::uint32_t seq : flight.out())
        all.push_back(seq);
    CHECK(all == Numbers{1, 2001, 4001});
    flight.acknowledge(10'001);
    CHECK(flight.c().recovery().records().empty());
    CHECK(flight.out() == Numbers{});
}

// RFC 8985 6.2 steps 4 and 5: a quarter of the smallest round trip.
TEST_CASE("what is overtaken by less than a quarter of the round trip is not lost, later it is") {
    const bool arrives = GENERATE(true, false);
    SackFlight flight(2000);
    flight.open();
    flight.advance(40ms);
    flight.report({{1001, 2001}});
    CHECK(flight.out() == Numbers{});
    CHECK(flight.c().snapshot().timer == Timer::Retransmission);
    CHECK(flight.c().next_deadline() == flight.now + 10ms);
    if (arrives) {
        flight.advance(9ms);
        flight.acknowledge(2001);
        CHECK(flight.out() == Numbers{});
        CHECK(flight.recovery() == RecoveryState::Open);
        CHECK(flight.cwnd() >= 10'000);
        CHECK(flight.leg().reordering_seen.value() == 1);
        CHECK(flight.c().recovery().rack().reorderings() == 1);
        CHECK(flight.c().recovery().rack().reordering_degree() == 3);
    } else {
        flight.run_to_just_before_deadline();
        CHECK(flight.out() == Numbers{});
        flight.run_to_deadline();
        CHECK(flight.out() == Numbers{1});
        CHECK(flight.recovery() == RecoveryState::Recovery);
        CHECK(flight.retransmits(RetransmitCause::FastRetransmit) == 1);
    }
}

// RFC 8985 6.2 step 3: the order within one ACK says nothing.
TEST_CASE("an ACK that acknowledges and reports at once shows no reordering") {
    SackFlight flight;
    flight.open();
    flight.advance(40ms);
    flight.acknowledge(1001, {{2001, 3001}});
    CHECK(flight.leg().reordering_seen.value() == 0);
    flight.report({{2001, 4001}});
    flight.report({{2001, 5001}});
    CHECK(flight.out().front() == 1001);
}

// What Linux calls tp->reordering.
TEST_CASE("the degree of reordering is the most segments that something was overtaken by") {
    SackFlight flight(10'000);
    flight.open();
    flight.advance(40ms);
    flight.report({{9001, 10'001}});
    flight.report({{3001, 4001}, {9001, 10'001}});
    CHECK(flight.c().recovery().rack().reordering_degree() == 7);
    flight.report({{3001, 4001}, {5001, 6001}, {9001, 10'001}});
    CHECK(flight.c().recovery().rack().reordering_degree() == 7);
    flight.acknowledge(10'001);
    CHECK(flight.c().recovery().rack().reordering_degree() == 10);
    CHECK(flight.c().recovery().rack().reorderings() == 3);
}

// RFC 2018 3: what it acknowledges is old, what it reports need not be.
TEST_CASE("the report of an ACK that others have overtaken counts, the number doesn't") {
    const bool is_new = GENERATE(true, false);
    SackFlight flight(10'000);
    flight.open();
    flight.advance(40ms);
    flight.acknowledge(3001);
    (void)flight.out();
    const std::uint32_t window = flight.cwnd();
    if (is_new) {
        flight.acknowledge(2001, {{6001, 9001}});
        CHECK(flight.c().recovery().sacked_bytes() == 3000);
        CHECK(flight.out() == Numbers{3001, 4001, 5001});
        CHECK(flight.recovery() == RecoveryState::Recovery);
    } else {
        flight.acknowledge(2001, {{2001, 3001}});
        CHECK(flight.c().recovery().sacked_bytes() == 0);
        CHECK(flight.out() == Numbers{});
        CHECK(flight.cwnd() == window);
        CHECK(flight.recovery() == RecoveryState::Open);
    }
    CHECK(flight.leg().sack_blocks_ignored.value() == 0);
    CHECK(flight.leg().dsacks_received.value() == 0);
    CHECK(flight.c().send_space().una == flight.own_iss + 3001);
}

// RFC 3042 2: what the duplicates stood for has let new text out when they came.
TEST_CASE("what was reported before doesn't open the window when it is acknowledged") {
    SackFlight flight(20'000);
    flight.open();
    flight.advance(40ms);
    flight.report({{1001, 3001}});
    CHECK(flight.out() == Numbers{10'001, 11'001});
    CHECK(flight.cwnd() == 10'000);
    flight.acknowledge(3001);
    CHECK(flight.cwnd() == 11'000);
}

// RFC 8985 6.2: a lost retransmission is found by time, without a time-out.
TEST_CASE("a retransmission that is lost again goes out a third time within two round trips") {
    SackFlight flight(40'000);
    flight.open();
    flight.advance(40ms);
    flight.report({{1001, 4001}});
    CHECK(flight.out().front() == 1);
    // What is sent after it is reported a round trip later, it is not.
    std::uint32_t end = 4001;
    for (int i = 0; i < 6; ++i) {
        flight.advance(1ms);
        flight.report({{1001, end += 1000}});
        (void)flight.poll_all();
    }
    flight.advance(40ms);
    while (flight.retransmits(RetransmitCause::FastRetransmit) == 1 && end < 20'000) {
        flight.report({{1001, end += 1000}});
        (void)flight.poll_all();
        flight.advance(1ms);
    }
    CHECK(flight.retransmits(RetransmitCause::FastRetransmit) == 2);
    CHECK(flight.retransmits(RetransmitCause::Timeout) == 0);
}

// RFC 8985 7.2 and 7.3.
TEST_CASE(
    "the tail is probed after two round trips: by new text when there is some, else by its last segment") {
    const std::uint32_t queued = GENERATE(2000u, 11'000u);
    SackFlight flight(queued);
    flight.open();
    CHECK(flight.c().next_deadline() == flight.now + 2 * SackFlight::kRoundTrip);
    flight.run_to_just_before_deadline();
    CHECK(flight.out() == Numbers{});
    flight.run_to_deadline();
    CHECK(flight.leg().tail_loss_probes.value() == 1);
    CHECK(flight.out() == Numbers{queued == 2000 ? 1001u : 10'001u});
    CHECK(flight.retransmits(RetransmitCause::TailLossProbe) == (queued == 2000 ? 1u : 0u));
    // One probe only; the time-out comes next.
    CHECK(flight.c().next_deadline() == flight.now + flight.c().snapshot().rto);
    flight.run_to_deadline();
    CHECK(flight.out() == Numbers{1});
    CHECK(flight.retransmits(RetransmitCause::Timeout) == 1);
}

// RFC 8985 7.2: the peer may delay the ACK of a lone segment.
TEST_CASE("a lone segment is probed later by the longest delay of an ACK") {
    SackFlight flight(1000);
    flight.tunables.rto_min = 1s;
    flight.open();
    CHECK(flight.c().next_deadline() == flight.now + 2 * SackFlight::kRoundTrip + 200ms);
}

// RFC 8985 7.2: a probe that a time-out would come before is sent at that time, and the time-out follows it.
TEST_CASE("where the time-out would come sooner than the probe, the probe takes its place") {
    SackFlight flight(1000);
    flight.open();
    const Duration rto = flight.c().snapshot().rto;
    REQUIRE(rto < 2 * SackFlight::kRoundTrip + 200ms);
    CHECK(flight.c().next_deadline() == flight.now + rto);
    flight.run_to_deadline();
    CHECK(flight.leg().tail_loss_probes.value() == 1);
    CHECK(flight.out() == Numbers{1});
    CHECK(flight.retransmits(RetransmitCause::TailLossProbe) == 1);
    CHECK(flight.c().snapshot().rto == rto);
    CHECK(flight.c().next_deadline() == flight.now + rto);
    flight.run_to_deadline();
    CHECK(flight.out() == Numbers{1});
    CHECK(flight.retransmits(RetransmitCause::Timeout) == 1);
    CHECK(flight.c().next_deadline() == flight.now + 2 * rto);
}

// RFC 8985 7.4.
TEST_CASE("a loss that only the probe repaired costs the window, a probe that was not needed does not") {
    const bool needed = GENERATE(true, false);
    SackFlight flight(10'000);
    flight.open();
    flight.run_to_deadline();
    CHECK(flight.out() == Numbers{9001});
    flight.advance(40ms);
    if (needed) {
        flight.acknowledge(10'001);
        flight.send("more");
        (void)flight.poll_all();
        flight.advance(40ms);
        flight.acknowledge(10'005);
        CHECK(flight.leg().tail_losses.value() == 1);
        CHECK(flight.cwnd() == 5000);
    } else {
        flight.acknowledge(10'001, {{9001, 10'001}});
        CHECK(flight.leg().tail_losses.value() == 0);
        CHECK(flight.cwnd() >= 10'000);
    }
}

// RFC 5682 3.1: what was never sent again arrives after the time-out.
TEST_CASE("a time-out of a path that was only slow is taken back and nothing more is sent again") {
    SackFlight flight(10'000);
    flight.tunables.early_retrans = false;
    flight.open();
    flight.run_to_deadline();
    CHECK(flight.out() == Numbers{1});
    CHECK(flight.cwnd() == 1000);
    CHECK(flight.recovery() == RecoveryState::Loss);
    const Duration backed_off = flight.c().snapshot().rto;
    flight.advance(1ms);
    flight.acknowledge(4001);
    CHECK(flight.recovery() == RecoveryState::Open);
    CHECK(flight.cwnd() >= 10'000);
    CHECK(flight.leg().spurious_timeouts.value() == 1);
    CHECK(flight.out() == Numbers{});
    CHECK(flight.c().snapshot().rto < backed_off);
    flight.acknowledge(10'001);
}

TEST_CASE("a time-out that was right is followed by the rest") {  // RFC 5682 3.1 step 3, RFC 6298 5.4
    SackFlight flight(4000);
    flight.tunables.early_retrans = false;
    flight.open();
    flight.run_to_deadline();
    CHECK(flight.out() == Numbers{1});
    flight.advance(40ms);
    flight.acknowledge(1001);
    CHECK(flight.out() == Numbers{1001, 2001});
    CHECK(flight.recovery() == RecoveryState::Loss);
    flight.advance(40ms);
    flight.acknowledge(4001);
    CHECK(flight.recovery() == RecoveryState::Open);
    CHECK(flight.leg().spurious_timeouts.value() == 0);
    CHECK(flight.cwnd() <= 5000);
}

// RFC 3708, RFC 9438 4.9: every copy arrived twice.
TEST_CASE("a recovery whose retransmission the peer reports as a duplicate is taken back") {
    SackFlight flight(10'000);
    flight.open();
    flight.advance(40ms);
    flight.report({{1001, 4001}});
    CHECK(flight.out() == Numbers{1});
    flight.advance(1ms);
    flight.acknowledge(4001);
    CHECK(flight.recovery() == RecoveryState::Recovery);
    flight.advance(39ms);
    flight.acknowledge(10'001, {{1, 1001}});
    CHECK(flight.leg().dsacks_received.value() == 1);
    CHECK(flight.leg().spurious_recoveries.value() == 1);
    CHECK(flight.recovery() == RecoveryState::Open);
    CHECK(flight.cwnd() >= 10'000);
}

// RFC 3522 3.2.
TEST_CASE("an echo older than the retransmission takes the recovery back at once") {
    SackFlight flight(9000);
    flight.open(true);
    const std::uint32_t stamp = flight.c().own_timestamp(flight.env());
    flight.peer_echo = stamp;
    flight.advance(40ms);
    flight.report({{989, 4000}});
    CHECK(flight.out() == Numbers{1});
    flight.advance(1ms);
    flight.acknowledge(flight.queued + 1);
    CHECK(flight.leg().spurious_recoveries.value() == 1);
    CHECK(flight.cwnd() >= 9880);
    CHECK(flight.recovery() == RecoveryState::Open);
}

// RFC 8985 6.2 step 2: RACK.xmit_ts is not the copy's when the echo is the original's, however late it came.
TEST_CASE("an original that arrives late is not taken for the copy that was sent meanwhile") {
    const bool is_original = GENERATE(true, false);
    SackFlight flight(9000);
    flight.open(true);
    const std::uint32_t stamp = flight.c().own_timestamp(flight.env());
    const Instant sent_at = flight.now;
    flight.advance(40ms);
    flight.peer_echo = stamp;
    flight.report({{989, 4000}});
    REQUIRE(flight.out() == Numbers{1});
    const Instant sent_again_at = flight.now;
    flight.advance(60ms);  // more than any round trip so far
    if (!is_original) flight.peer_echo = stamp + 40;
    flight.acknowledge(4000);
    CHECK(flight.c().recovery().rack().newest_sent_at() == (is_original ? sent_at : sent_again_at));
}

// RFC 2018 8.
TEST_CASE("HARDENING 24: a peer that goes back on its reports gets everything again, and it counts once") {
    SackFlight flight(10'000);
    flight.open();
    flight.advance(40ms);
    flight.report({{1001, 10'001}});
    CHECK(flight.out() == Numbers{1});
    flight.advance(40ms);
    flight.acknowledge(1001);  // and not 10,001: it has dropped what it held
    CHECK(flight.leg().sack_reneging.value() == 1);
    CHECK(flight.c().next_deadline() <= flight.now + 40ms);
    Numbers again;
    for (std::uint32_t up_to = 1001; up_to < 10'001;) {
        const Numbers now = flight.out();
        again.insert(again.end(), now.begin(), now.end());
        if (now.empty()) {
            flight.run_to_deadline();
            continue;
        }
        flight.advance(40ms);
        up_to = now.back() + 1000;
        flight.acknowledge(up_to);
    }
    CHECK(again == Numbers{1001, 2001, 3001, 4001, 5001, 6001, 7001, 8001, 9001});
    CHECK(flight.c().snapshot().send_queue_bytes == 0);
    CHECK(flight.c().recovery().delivered_bytes() == 10'000);
}

// RFC 9937: two of ten lost; what goes out in the round trip of recovery is half of what was on the way,
// evenly.
TEST_CASE("the window comes down by one for two, not by a pause and a burst") {
    SackFlight flight(60'000);
    flight.open();
    for (std::uint32_t up_to = 1001; up_to <= 10'001; up_to += 1000) {
        flight.advance(4ms);
        flight.acknowledge(up_to);
        (void)flight.poll_all();
    }
    const std::uint32_t before = flight.cwnd();
    REQUIRE(before == 20'000);
    flight.advance(4ms);
    std::size_t longest = 0;
    std::size_t pause = 0;
    std::size_t most = 0;
    std::size_t total = 0;
    for (std::uint32_t end = 12'001; end <= 30'001; end += 1000) {
        flight.report({{11'001, end}});
        const std::size_t sent = flight.out().size();
        total += sent;
        most = std::max(most, sent);
        pause = sent == 0 ? pause + 1 : 0;
        longest = std::max(longest, pause);
        flight.advance(2ms);
    }
    CHECK(most <= 2);
    CHECK(longest <= 2);
    CHECK(total >= 9);
    CHECK(total <= 12);
    flight.acknowledge(30'001);
    (void)flight.poll_all();
    CHECK(flight.cwnd() == 10'000);
}

TEST_CASE("HARDENING 4: SACK blocks that speak of nothing outstanding are ignored and counted") {
    SackFlight flight(5000);
    flight.open();
    flight.advance(40ms);
    flight.report({{4001, 3001}, {2001, 2001}, {5001, 6001}, {100'000, 101'000}});
    flight.report({{5'000'000, 5'000'100}});
    CHECK(flight.c().recovery().sacked_bytes() == 0);
    CHECK(flight.recovery() == RecoveryState::Open);
    CHECK(flight.out() == Numbers{});
    CHECK(flight.leg().sack_blocks_ignored.value() > 0);
}

TEST_CASE("HARDENING 21: a receiver that reports single bytes doesn't make the records grow without bound") {
    SackFlight flight(10'000);
    flight.open();
    flight.advance(40ms);
    for (std::uint32_t i = 0; i < 4900; ++i) {
        const std::uint32_t at = 2 + 2 * i;
        flight.report({{at, at + 1}});
    }
    CHECK(flight.c().recovery().records().count() <= tcp::SentRecords::kCountMax + 2);
    CHECK(flight.sent.used() == flight.c().recovery().records().count());
    flight.acknowledge(10'001);
    CHECK(flight.c().recovery().records().empty());
    CHECK(flight.sent.used() == 0);
}

TEST_CASE(
    "HARDENING 24: no acknowledgement that claims more or comes in pieces gives more room than text that "
    "arrived") {
    SackFlight flight(200'000);
    flight.peer_window = 65'000;
    flight.open();
    flight.advance(40ms);
    SECTION("one ACK in a thousand pieces, or whole") {
        for (std::uint32_t i = 1; i <= 1000; ++i)
            flight.acknowledge(1 + i);
        CHECK(flight.cwnd() == 11'000);
    }
    SECTION("of what was never sent") {
        (void)flight.receive(kAck, 1, 60'000);
        CHECK(flight.cwnd() == 10'000);
        CHECK(flight.c().snapshot().send_queue_bytes == 200'000);
    }
    SECTION("the same reported ten thousand times") {
        std::size_t segments = 0;
        for (int i = 0; i < 10'000; ++i) {
            flight.report({{1001, 2001}});
            segments += flight.poll_all().size();
        }
        CHECK(segments == 1);
    }
}

// RFC 1982: nothing depends on where in the number space it happens.
TEST_CASE("recovery is the same across the wrap of sequence numbers") {
    const auto history = [](SeqNum own) {
        SackFlight flight(30'000, own);
        flight.open();
        Numbers all;
        const auto note = [&] {
            for (const std::uint32_t seq : flight.out())
                all.push_back(seq);
            flight.advance(40ms);
        };
        note();
        flight.report({{1001, 2001}});
        note();
        flight.report({{6001, 9001}, {1001, 2001}});
        note();
        flight.acknowledge(2001, {{6001, 9001}});
        note();
        flight.acknowledge(5001, {{6001, 9001}});
        note();
        flight.run_to_deadline();
        note();
        flight.acknowledge(9001);
        note();
        return all;
    };
    CHECK(history(SeqNum(0u - 4500u)) == history(SeqNum(1000)));
    CHECK(history(SeqNum((1u << 31) - 4500u)) == history(SeqNum(1000)));
}
