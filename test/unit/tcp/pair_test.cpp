// Two machines against each other: every byte arrives once and in order, whatever the link does (HARDENING,
// preface).
#include "pair.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {

void check_delivered(Pair& pair) {
    REQUIRE(pair.a.connection);
    REQUIRE(pair.b.connection);
    CHECK(pair.a.corrupt == 0);
    CHECK(pair.b.corrupt == 0);
    CHECK(pair.a.received == pair.b.to_send);
    CHECK(pair.b.received == pair.a.to_send);
    CHECK(pair.a.connection->close_reason() == CloseReason::Normal);
    CHECK(pair.b.connection->close_reason() == CloseReason::Normal);
}

std::uint64_t retransmits(Pair::Side& side, RetransmitCause cause) {
    return side.stats.legs[0].retransmits[cause].value() + side.stats.legs[1].retransmits[cause].value();
}

}  // namespace

TEST_CASE("a clean link carries both streams without a retransmission") {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        INFO("seed " << seed);
        Pair pair(seed, {});
        pair.a.to_send = pair.rng.below(200'000);
        pair.b.to_send = pair.rng.below(200'000);
        pair.open();
        REQUIRE(pair.run());
        check_delivered(pair);
        for (Pair::Side* side : {&pair.a, &pair.b}) {
            CHECK(retransmits(*side, RetransmitCause::Timeout) == 0);
            CHECK(retransmits(*side, RetransmitCause::FastRetransmit) == 0);
            CHECK(side->stats.drops[DropReason::TcpOutOfWindow].value() == 0);
        }
    }
}

TEST_CASE("loss, reordering and duplication don't touch the streams, at thousands of seeds") {
    for (std::uint64_t seed = 1; seed <= 2500; ++seed) {
        INFO("seed " << seed);
        base::Rng choice(seed * 7919);
        Link link;
        link.delay = 1us * (1 + choice.below(50'000));
        link.jitter = choice.below(2) == 0 ? 0us : 1us * choice.below(30'000);
        link.loss = choice.below(4) == 0 ? 0 : choice.below(200);
        link.duplication = choice.below(3) == 0 ? choice.below(100) : 0;
        Pair pair(seed, link);
        for (Pair::Side* side : {&pair.a, &pair.b}) {
            side->tunables.timestamps = choice.below(2) == 0;
            side->tunables.window_scaling = choice.below(2) == 0;
            side->tunables.nodelay = choice.below(2) == 0;
            const std::uint32_t rmem = 2000 + choice.below(100'000);
            const std::uint32_t wmem = 2000 + choice.below(100'000);
            side->tunables.rmem = {2000, rmem, rmem + choice.below(100'000)};
            side->tunables.wmem = {2000, wmem, wmem + choice.below(100'000)};
            if (choice.below(4) == 0) side->tunables.notsent_lowat = 1 + choice.below(20'000);
            side->tunables.out_of_order_segments = choice.below(3) == 0 ? choice.below(5) : 256;
            side->tunables.syn_retries = side->tunables.synack_retries = 15;
            side->tunables.retries2 = 60;
            side->tunables.rto_max = 5s;
            side->to_send = choice.below(3) == 0 ? choice.below(50) : choice.below(20'000);
            side->read_size = choice.below(3) == 0 ? 1 + choice.below(700) : UINT32_MAX;
            if (choice.below(4) == 0) side->reads_from = pair.now + 1ms * choice.below(20'000);
        }
        pair.mss = static_cast<std::uint16_t>(100 + choice.below(1400));
        pair.a.tunables.congestion_control = static_cast<tcp::CongestionAlgorithm>(choice.below(3));
        pair.b.tunables.congestion_control = static_cast<tcp::CongestionAlgorithm>(choice.below(3));
        pair.iss_a = SeqNum(static_cast<std::uint32_t>(choice.next()));
        pair.iss_b = SeqNum(0u - choice.below(20'000));  // wraps on the way
        pair.offset_b = 0u - choice.below(20'000);
        pair.may_stop_keeping = choice.below(4) == 0 ? choice.below(100) : 0;
        if (choice.below(4) == 0) {
            pair.open_simultaneously();
        } else {
            pair.open();
        }
        REQUIRE(pair.run(24h));
        check_delivered(pair);
    }
}

TEST_CASE("the same seed does the same thing") {
    const auto once = [] {
        Pair pair(42, {5ms, 20ms, 100, 50});
        pair.a.to_send = pair.b.to_send = 30'000;
        pair.open();
        REQUIRE(pair.run());
        return std::pair(pair.segments, pair.now);
    };
    CHECK(once() == once());
}

TEST_CASE("one segment in a hundred lost is found by SACK and RACK, most of the time") {  // RFC 6675, 8985
    std::uint64_t fast = 0;
    std::uint64_t timeouts = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Pair pair(seed, {5ms, 0ms, 10, 0});
        pair.a.to_send = 500'000;
        pair.open();
        REQUIRE(pair.run());
        check_delivered(pair);
        fast += retransmits(pair.a, RetransmitCause::FastRetransmit);
        timeouts += retransmits(pair.a, RetransmitCause::Timeout);
    }
    CHECK(fast > 0);
    CHECK(fast > 3 * timeouts);
}

TEST_CASE("both closing at once end in TIME_WAIT on both sides") {  // RFC 9293 figure 13
    Pair pair(1, {});
    pair.open();
    REQUIRE(pair.run());
    check_delivered(pair);
    Pair crossed(2, {50ms, 0ms, 0, 0});
    crossed.a.finishes = crossed.b.finishes = false;
    crossed.open();
    CHECK_FALSE(crossed.run(1s));
    crossed.a.finishes = crossed.b.finishes = true;
    REQUIRE(crossed.run());
    CHECK(crossed.a.connection->state() == State::TimeWait);
    CHECK(crossed.b.connection->state() == State::TimeWait);
}

TEST_CASE("two opening at once make one connection") {
    Pair pair(3, {});
    pair.a.to_send = 10'000;
    pair.b.to_send = 20'000;
    pair.open_simultaneously();
    REQUIRE(pair.run());
    check_delivered(pair);
    CHECK(pair.a.stats.legs[1].established.value() == 1);
    CHECK(pair.b.stats.legs[1].established.value() == 1);
}

TEST_CASE("a reader that starts late finds the sender probing and gets everything") {
    Pair pair(4, {});
    pair.a.to_send = 300'000;
    pair.b.tunables.rmem = 20'000;
    pair.b.reads_from = pair.now + 600s;
    pair.open();
    REQUIRE(pair.run());
    check_delivered(pair);
    CHECK(pair.a.stats.legs[1].zero_window_probes_sent.value() > 5);
    CHECK(pair.a.stats.legs[1].timer_expirations[Timer::Retransmission].value() == 0);
    CHECK(pair.b.stats.legs[0].zero_windows_advertised.value() > 0);
}

TEST_CASE("a half-closed download goes on for three times fin_timeout and longer") {  // DESIGN 4
    Pair pair(5, {});
    pair.a.to_send = 100;  // the request, then shutdown(WR)
    pair.b.to_send = 400'000;
    pair.a.tunables.rmem = 10'000;
    pair.a.read_size = 500;
    pair.b.finishes = false;
    pair.b.tunables.keepalive = pair.a.tunables.keepalive = false;
    pair.open();
    const Instant start = pair.now;
    while (pair.now < start + 3 * pair.a.tunables.fin_timeout + 1s) {
        pair.a.reads_from = pair.now + 2s;
        CHECK_FALSE(pair.run(2s));
        pair.now += 1ms;
        REQUIRE(pair.a.connection->state() == State::FinWait2);
        REQUIRE(pair.b.connection->state() == State::CloseWait);
    }
    CHECK(pair.a.received < pair.b.to_send);
    pair.b.finishes = true;
    REQUIRE(pair.run());
    check_delivered(pair);
}
