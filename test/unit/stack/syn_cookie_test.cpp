#include <catch2/catch.hpp>

#include "stack/bench.hpp"

// SYN cookies through the whole stack: RFC 4987 3.6.
namespace terminus::stack {
namespace {

using namespace test;

HostOptions always() {
    HostOptions options;
    options.tunables.syncookies = 2;
    options.tunables.sack = true;
    return options;
}

/// A SYN with everything, and the answer to it.
struct Handshake {
    Segment syn = syn_from(4000);
    wire::TcpSegment answer;

    Handshake() {
        syn.options.mss = 1400;
        syn.options.window_scale = 9;
        syn.options.sack_permitted = true;
        syn.options.timestamps = {.value = 5000, .echo_reply = 0};
    }
    /// Gives the SYN alone; the address of the peer is resolved.
    void begin(Bench& bench) {
        bench.give({syn});
        answer = *bench.sent_segment().tcp;
        REQUIRE(answer.flags.bits == (kSyn | kAck));
        REQUIRE(answer.ack == syn.seq + 1);
    }
    [[nodiscard]] Segment ack() const {
        Segment result = syn;
        result.flags = kAck;
        result.seq += 1;
        result.ack = answer.seq + 1;
        result.window = 1000;
        result.options = {};
        if (answer.options.timestamps)
            result.options.timestamps = {.value = 5001, .echo_reply = answer.options.timestamps->value};
        return result;
    }
};

TEST_CASE("HARDENING 19: with the half-open table full, clients get in by SYN cookies") {
    const LeakCheck leaks;
    HostOptions options;
    options.half_open_max = 4;
    Bench bench(GENERATE(false, true), options);
    bench.host().listen(80, {.send = "hello"});
    (void)bench.handshake(5000);
    bench.give({syn_from(1), syn_from(2), syn_from(3), syn_from(4)});
    (void)bench.sent();
    const stats::CoreStats& stats = bench.host().stats();
    REQUIRE(stats.half_open.value() == 4);
    REQUIRE(stats.syn_cookies_sent.value() == 0);

    Handshake handshake;
    handshake.begin(bench);
    REQUIRE(stats.half_open.value() == 4);
    REQUIRE(bench.host().count(State::SynReceived) == 4);
    REQUIRE(stats.syn_cookies_sent.value() == 1);
    REQUIRE(bench.drops(DropReason::TcpHalfOpenLimit) == 0);
    // Nothing is kept, so nothing is sent again.
    bench.advance(3s);
    for (const Sent& one : bench.sent())
        REQUIRE(one.tcp->destination_port != 4000);

    Segment data = handshake.ack();
    data.payload = "the completing segment has text";
    bench.give({data});
    REQUIRE(stats.syn_cookies_accepted.value() == 1);
    REQUIRE(stats.syn_cookies_refused.value() == 0);
    REQUIRE(bench.host().flows().size() == 2);
    REQUIRE(bench.host().flows()[1].received == data.payload);
    REQUIRE(bench.sent().back().payload == "hello");
    REQUIRE(bench.host().count(State::Established) == 2);
    REQUIRE(stats.leg(Leg::Client).opens_passive.value() == 6);
    REQUIRE(stats.leg(Leg::Client).established.value() == 2);
}

TEST_CASE("HARDENING 19: a flood of SYNs takes no memory beyond the table and leaves connections alone") {
    const LeakCheck leaks;
    HostOptions options;
    options.half_open_max = 16;
    Bench bench(false, options);
    bench.host().listen(80, {});
    Peer peer = bench.handshake(4000);
    for (std::uint16_t burst = 0; burst < 100; ++burst) {
        std::vector<Octets> frames;
        for (std::uint16_t i = 0; i < 40; ++i)
            frames.push_back(bench.frame(syn_from(static_cast<std::uint16_t>(10'000 + burst * 40 + i))));
        frames.push_back(bench.frame(peer.segment(kAck, "0123456789")));
        bench.give(frames);
        peer.seq += 10;
        REQUIRE(bench.host().stats().half_open.value() <= 16);
        REQUIRE(bench.host().stack().armed_timers() <= 16 + 1);
    }
    REQUIRE(bench.host().flows()[0].received.size() == 1000);
    REQUIRE(bench.host().stats().syn_cookies_sent.value() == 4000 - 16);
    REQUIRE(bench.host().live() == 16 + 1);
}

TEST_CASE("HARDENING 19: a flood of ACKs opens nothing, and is looked at only while cookies are out") {
    const LeakCheck leaks;
    Bench bench(false, always());
    bench.host().listen(80, {});
    const auto flood = [&] {
        std::vector<Octets> frames;
        for (std::uint32_t i = 0; i < 32; ++i)
            frames.push_back(bench.frame({.seq = wire::SeqNum(i), .ack = wire::SeqNum(i * 0x8000'0001u)}));
        bench.give(frames);
    };
    flood();
    REQUIRE(bench.host().stats().syn_cookies_refused.value() == 0);
    (void)bench.sent();
    Handshake handshake;
    handshake.begin(bench);
    flood();
    REQUIRE(bench.host().stats().syn_cookies_refused.value() == 32);
    REQUIRE(bench.drops(DropReason::TcpNoListener) == 64);
    REQUIRE(bench.host().stats().leg(Leg::Client).resets_sent[stats::ResetReason::NoConnection].value() ==
            64);
    bench.advance(128s - 1ms);
    flood();
    REQUIRE(bench.host().stats().syn_cookies_refused.value() == 64);
    bench.advance(1ms);
    flood();
    REQUIRE(bench.host().stats().syn_cookies_refused.value() == 64);
    REQUIRE(bench.host().live() == 0);
}

TEST_CASE("a cookie keeps MSS, window scale and SACK through timestamps") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true), always());
    bench.host().listen(80, {});
    (void)bench.handshake(5000);
    Handshake handshake;
    handshake.begin(bench);
    REQUIRE(handshake.answer.options.window_scale.has_value());
    REQUIRE(handshake.answer.options.sack_permitted);
    REQUIRE(handshake.answer.options.timestamps->echo_reply == 5000);
    bench.give({handshake.ack()});
    const Flow& flow = bench.host().flows()[1];
    REQUIRE(flow.is_established);
    const tcp::Connection& connection = *bench.host().stack().find(flow.id);
    CHECK(connection.send_space().scale == 9);
    CHECK(connection.send_space().wnd == 1000u << 9);
    CHECK(connection.send_space().mss == (bench.is_v6() ? 1380 : 1400) - 12);
    CHECK(connection.receive_space().scale == *handshake.answer.options.window_scale);
    CHECK(connection.recent_timestamp() == 5001u);
    Segment beyond = handshake.ack();
    beyond.seq += 100;
    beyond.payload = "beyond a gap";
    bench.give({beyond});
    const wire::TcpSegment report = *bench.sent_segment().tcp;
    CHECK(report.options.sack_count == 1);
    // RFC 7323 5: the connection's own timestamps are no older than the cookie's.
    CHECK(static_cast<std::int32_t>(report.options.timestamps->value -
                                    handshake.answer.options.timestamps->value) >= 0);
    // The cookie's timestamp was stepped back: no round trip is measured by it.
    CHECK(connection.snapshot().smoothed_rtt == base::Duration::zero());
}

TEST_CASE("without timestamps a cookie agrees on the MSS alone") {
    Bench bench(false, always());
    bench.host().listen(80, {});
    (void)bench.handshake(5000);
    Handshake handshake;
    handshake.syn.options.timestamps.reset();
    handshake.begin(bench);
    REQUIRE_FALSE(handshake.answer.options.window_scale);
    REQUIRE_FALSE(handshake.answer.options.sack_permitted);
    REQUIRE_FALSE(handshake.answer.options.timestamps);
    bench.give({handshake.ack()});
    const tcp::Connection& connection = *bench.host().stack().find(bench.host().flows()[1].id);
    CHECK(connection.send_space().wnd == 1000);
    CHECK(connection.send_space().mss == 1400);
    CHECK(connection.receive_space().scale == 0);
}

TEST_CASE("syncookies 2 keeps no half-open ever, 1 only beyond the table, 0 drops there") {
    HostOptions options;
    options.tunables.max_syn_backlog = 1;
    options.tunables.syncookies = static_cast<std::uint8_t>(GENERATE(0, 1, 2));
    Bench bench(false, options);
    bench.host().listen(80, {});
    bench.give({syn_from(1), syn_from(2)});
    const unsigned cookies = options.tunables.syncookies;
    CHECK(bench.host().stats().syn_cookies_sent.value() == cookies);
    CHECK(bench.host().stats().half_open.value() == (cookies < 2 ? 1 : 0));
    CHECK(bench.drops(DropReason::TcpHalfOpenLimit) == (cookies == 0 ? 1 : 0));
    CHECK(bench.host().stack().armed_timers() == (cookies < 2 ? 1 : 0));
}

TEST_CASE("an ACK that comes too late for its cookie is answered by a RST") {
    Bench bench(false, always());
    bench.host().listen(80, {});
    (void)bench.handshake(5000);
    Handshake handshake;
    handshake.begin(bench);
    // Counts of 64 s: the bench begins in the 16th at 1000 s, and the 18th begins at 1088 s.
    SECTION("in time") {
        bench.advance(88s - 1ms);
        bench.give({handshake.ack()});
        REQUIRE(bench.host().flows().size() == 2);
    }
    SECTION("too late") {
        bench.advance(88s);
        bench.give({handshake.ack()});
        REQUIRE(bench.host().flows().size() == 1);
        const wire::TcpSegment reset = *bench.sent().back().tcp;
        REQUIRE(reset.flags.bits == kRst);
        REQUIRE(reset.seq == handshake.answer.seq + 1);
        REQUIRE(bench.host().stats().syn_cookies_refused.value() == 1);
    }
}

TEST_CASE("with no slot free a cookie's ACK is dropped, and the peer's next segment tries again") {
    const LeakCheck leaks;
    HostOptions options = always();
    options.connections_max = 1;
    Bench bench(false, options);
    bench.host().listen(80, {});
    Peer first = bench.handshake(5000);
    Handshake handshake;
    handshake.begin(bench);
    bench.give({handshake.ack()});
    REQUIRE(bench.drops(DropReason::TcpSlotLimit) == 1);
    REQUIRE(bench.sent().empty());
    bench.give({first.segment(kRst)});
    Segment data = handshake.ack();
    data.payload = "still here";
    bench.give({data});
    REQUIRE(bench.host().flows().size() == 2);
    REQUIRE(bench.host().flows()[1].received == "still here");
}

TEST_CASE("a cookie's ACK completes its handshake during a drain, and not when its listener is gone") {
    Bench bench(false, always());
    bench.host().listen(80, {});
    (void)bench.handshake(5000);
    Handshake handshake;
    handshake.begin(bench);
    SECTION("draining") {
        bench.host().stack().set_draining(true);
        bench.give({handshake.ack()});
        REQUIRE(bench.host().flows().size() == 2);
    }
    SECTION("unlistened") {
        bench.host().unlisten(80);
        bench.give({handshake.ack()});
        REQUIRE(bench.host().flows().size() == 1);
        REQUIRE(bench.sent_segment().tcp->flags.bits == kRst);
    }
}

}  // namespace
}  // namespace terminus::stack
