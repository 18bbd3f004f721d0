#include <catch2/catch.hpp>

#include "stack/bench.hpp"

namespace terminus::stack {
namespace {

using namespace test;

/// A connection that we closed first and the peer after us; the peer's next numbers.
Peer close_first(Bench& bench, std::uint16_t port = 4000) {
    Peer peer = bench.handshake(port);
    peer.ack += 1;
    bench.give({peer.segment(kFin | kAck)});
    bench.turn();
    peer.seq += 1;
    (void)bench.sent();
    return peer;
}

struct Closed : Bench {
    explicit Closed(bool is_v6 = false, const HostOptions& options = {}) : Bench(is_v6, options) {
        host().listen(80, {.finish_when_sent = true});
        peer_ = close_first(*this);
        REQUIRE(host().flows()[0].closed == CloseReason::Normal);
    }
    [[nodiscard]] std::uint64_t time_waits() {
        REQUIRE(host().count(State::TimeWait) == host().stats().time_wait.value());
        return host().stats().time_wait.value();
    }
    Peer peer_;
};

TEST_CASE("a TIME_WAIT lasts for 2 MSL and not a tick less") {
    const LeakCheck leaks;
    Closed bench(GENERATE(false, true));
    REQUIRE(bench.time_waits() == 1);
    REQUIRE(bench.host().live() == 0);
    bench.advance(60s - kTick);
    REQUIRE(bench.time_waits() == 1);
    bench.advance(2 * kTick);
    REQUIRE(bench.time_waits() == 0);
    REQUIRE(bench.host().stats().leg(Leg::Client).timer_expirations[stats::Timer::TimeWait].value() == 1);
}

TEST_CASE("the peer's FIN again is acknowledged and restarts the 2 MSL") {
    // RFC 9293 3.10.7.4.
    Closed bench;
    bench.advance(40s);
    (void)bench.sent();
    Peer again = bench.peer_;
    again.seq = again.seq - 1;
    bench.give({again.segment(kFin | kAck)});
    const wire::TcpSegment ack = *bench.sent_segment().tcp;
    REQUIRE(ack.flags.bits == kAck);
    REQUIRE(ack.ack == bench.peer_.seq);
    REQUIRE(ack.seq == bench.peer_.ack);
    bench.advance(60s - kTick);
    REQUIRE(bench.time_waits() == 1);
    bench.advance(2 * kTick);
    REQUIRE(bench.time_waits() == 0);
}

TEST_CASE("what a TIME_WAIT answers has the traffic class of its service") {
    HostOptions options;
    options.profiles_max = 1;
    Bench bench(GENERATE(false, true), options);
    bench.host().stack().set_profile(1, {.traffic_class = std::uint8_t{0x20}});
    bench.host().listen(80, {.finish_when_sent = true});
    Peer peer = bench.handshake();
    bench.host().stack().use_profile(bench.host().flows()[0].id, 1);
    peer.ack += 1;
    bench.give({peer.segment(kFin | kAck)});
    bench.turn();
    (void)bench.sent();
    REQUIRE(bench.host().count(State::TimeWait) == 1);
    bench.give({peer.segment(kFin | kAck)});
    REQUIRE(bench.sent_segment().frame.traffic_class == 0x20);
}

TEST_CASE("HARDENING 14: a RST doesn't end a TIME_WAIT unless rfc1337 is off and its number is exact") {
    // RFC 1337, HARDENING 14.
    HostOptions options;
    options.tunables.rfc1337 = GENERATE(true, false);
    Closed bench(false, options);
    Peer beside = bench.peer_;
    beside.seq += 1;
    bench.give({beside.segment(kRst)});
    REQUIRE(bench.time_waits() == 1);
    REQUIRE(bench.drops(DropReason::TcpTimeWaitRst) == 1);
    bench.give({bench.peer_.segment(kRst)});
    REQUIRE(bench.time_waits() == (options.tunables.rfc1337 ? 1 : 0));
    REQUIRE(bench.drops(DropReason::TcpTimeWaitRst) == (options.tunables.rfc1337 ? 2 : 1));
    REQUIRE(bench.sent().empty());
}

TEST_CASE("a SYN beyond the old sequence takes the TIME_WAIT's place, one before it is answered by an ACK") {
    // RFC 9293 3.10.7.4 (MAY-2), RFC 6191.
    const LeakCheck leaks;
    Closed bench;
    Segment old = bench.peer_.segment(kSyn);
    old.seq = old.seq - 1;
    bench.give({old});
    REQUIRE(bench.sent_segment().tcp->flags.bits == kAck);
    REQUIRE(bench.time_waits() == 1);
    REQUIRE(bench.drops(DropReason::TcpSynInWindow) == 1);

    bench.advance(1ms);
    Segment fresh = bench.peer_.segment(kSyn);
    fresh.seq += 1;
    bench.give({fresh});
    const wire::TcpSegment answer = *bench.sent_segment().tcp;
    REQUIRE(answer.flags.bits == (kSyn | kAck));
    REQUIRE(answer.seq.after(bench.peer_.ack));
    REQUIRE(bench.time_waits() == 0);
    REQUIRE(bench.host().stats().half_open.value() == 1);
    REQUIRE(bench.host().closes(CloseReason::TimeWaitReused) == 1);
    Peer second{.seq = fresh.seq + 1, .ack = answer.seq + 1};
    bench.give({second.segment(kAck, "the next")});
    REQUIRE(bench.host().flows().size() == 2);
    REQUIRE(bench.host().flows()[1].received == "the next");
}

TEST_CASE("a TIME_WAIT goes on when nobody listens for the SYN that would take its place") {
    Closed bench;
    bench.host().unlisten(80);
    Segment fresh = bench.peer_.segment(kSyn);
    fresh.seq += 1;
    bench.give({fresh});
    REQUIRE(bench.time_waits() == 1);
    REQUIRE(bench.sent().empty());
    REQUIRE(bench.drops(DropReason::TcpNoListener) == 1);
}

TEST_CASE("a TIME_WAIT goes on when a drain or a full table refuses the SYN that would take its place") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.syncookies = static_cast<std::uint8_t>(GENERATE(0, 1, 2));
    options.tunables.max_syn_backlog = 1;
    Closed bench(false, options);
    Segment fresh = bench.peer_.segment(kSyn);
    fresh.seq += 1;
    SECTION("draining") {
        bench.host().stack().set_draining(true);
        bench.give({fresh});
        REQUIRE(bench.sent_segment().tcp->flags.bits == (kRst | kAck));
        REQUIRE(bench.drops(DropReason::TcpDraining) == 1);
        bench.host().stack().set_draining(false);
    }
    SECTION("full") {
        bench.host().stack().set_tunables([&] {
            tcp::Tunables none = options.tunables;
            none.max_syn_backlog = 0;
            return none;
        }());
        bench.give({fresh});
        // No cookie either: its number could lie before the old ones.
        REQUIRE(bench.sent().empty());
        REQUIRE(bench.drops(DropReason::TcpHalfOpenLimit) == 1);
        bench.host().stack().set_tunables(options.tunables);
    }
    REQUIRE(bench.time_waits() == 1);
    REQUIRE(bench.host().closes(CloseReason::TimeWaitReused) == 0);
    bench.give({fresh});
    REQUIRE(bench.sent_segment().tcp->flags.bits == (kSyn | kAck));
    REQUIRE(bench.time_waits() == 0);
    REQUIRE(bench.host().closes(CloseReason::TimeWaitReused) == 1);
    REQUIRE(bench.host().stats().half_open.value() == 1);
}

TEST_CASE(
    "the number of a passive open that takes a TIME_WAIT's place moves forward, however much was sent") {
    // RFC 9293 3.10.7.4 (MAY-2): more than the clock of the ISNs has ticked for.
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {.send = random_bytes(1, 500'000), .finish_when_sent = true});
    Peer peer = bench.handshake();
    while (bench.host().flows()[0].sent < 500'000 || bench.host().count(State::FinWait2) == 0) {
        for (const Sent& one : bench.sent())
            peer.ack = wire::latest(peer.ack, one.tcp->seq + one.tcp->seg_len());
        bench.give({peer.segment(kAck)});
        bench.turn();
        bench.turn();
    }
    bench.give({peer.segment(kFin | kAck)});
    bench.turn();
    REQUIRE(bench.host().count(State::TimeWait) == 1);
    (void)bench.sent();
    REQUIRE(bench.iss().before(peer.ack));
    Segment fresh = peer.segment(kSyn);
    fresh.seq += 2;
    bench.give({fresh});
    const wire::TcpSegment answer = *bench.sent_segment().tcp;
    REQUIRE(answer.flags.bits == (kSyn | kAck));
    REQUIRE(answer.seq == peer.ack + (65535u + 2));
}

TEST_CASE("max_tw_buckets ends a connection at once instead, counted") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.max_tw_buckets = 1;
    Closed bench(false, options);
    REQUIRE(bench.time_waits() == 1);
    (void)close_first(bench, 4001);
    REQUIRE(bench.time_waits() == 1);
    REQUIRE(bench.host().live() == 0);
    REQUIRE(bench.host().closes(CloseReason::TimeWaitLimit) == 1);
}

/// An active open from port 5000 that we closed first; the listener is the peer.
struct ClosedActively : Bench {
    explicit ClosedActively(const HostOptions& options = {}) : Bench(false, options) {
        Flow& flow = host().connect({peer(), 80}, 5000, {.finish_when_sent = true}, now());
        Peer remote = accept();
        remote.ack += 1;
        Segment fin = remote.segment(kFin | kAck);
        fin.to_port = 5000;
        if (options.tunables.timestamps) fin.options.timestamps = {.value = 2, .echo_reply = 0};
        give({fin});
        turn();
        REQUIRE(flow.closed == CloseReason::Normal);
        REQUIRE(host().count(State::TimeWait) == 1);
    }
    [[nodiscard]] ConnectError error() {
        host().stack().begin_turn(now());
        const auto result = host().stack().connect(
            {.tuple = {{us(), 5000}, {peer(), 80}}, .local_id = 0, .cookie = stack::kNoCookie});
        REQUIRE_FALSE(result.ok());
        return result.error();
    }
};

TEST_CASE("an active open takes its tuple out of a TIME_WAIT that is a second old, and not before") {
    // DESIGN 4.
    const LeakCheck leaks;
    ClosedActively bench;
    REQUIRE(bench.error() == ConnectError::InTimeWait);
    bench.advance(1s - kTick);
    REQUIRE(bench.error() == ConnectError::InTimeWait);
    bench.advance(kTick);
    Flow& second = bench.host().connect({bench.peer(), 80}, 5000, {}, bench.now());
    REQUIRE(bench.host().stats().time_wait.value() == 0);
    REQUIRE(bench.host().closes(CloseReason::TimeWaitReused) == 1);
    REQUIRE(bench.error() == ConnectError::TupleInUse);
    (void)bench.accept();
    REQUIRE(second.is_established);
}

TEST_CASE("without timestamps, or with tw_reuse off, an active open waits for the TIME_WAIT's end") {
    HostOptions options;
    SECTION("timestamps off") {
        options.tunables.timestamps = false;
    }
    SECTION("tw_reuse off") {
        options.tunables.tw_reuse = false;
    }
    ClosedActively bench(options);
    bench.advance(59s);
    REQUIRE(bench.error() == ConnectError::InTimeWait);
    bench.advance(2s);
    (void)bench.host().connect({bench.peer(), 80}, 5000, {}, bench.now());
    REQUIRE(bench.host().count(State::SynSent) == 1);
}

TEST_CASE("connect() says why it can't") {
    Bench bench(false, {.connections_max = 1});
    bench.host().stack().begin_turn(bench.now());
    const auto connect = [&](const wire::IpAddress& to, std::uint16_t from) {
        return bench.host().stack().connect({.tuple = {{bench.us(), from}, {to, 80}}, .local_id = 0});
    };
    REQUIRE(connect(wire::IpAddress::v4(198, 51, 100, 1), 5000).error() == ConnectError::NoRoute);
    (void)bench.host().connect({bench.peer(), 80}, 5000, {}, bench.now());
    REQUIRE(connect(bench.peer(), 5000).error() == ConnectError::TupleInUse);
    REQUIRE(connect(bench.peer(), 5001).error() == ConnectError::NoSlot);
    REQUIRE(bench.host().count(State::SynSent) == 1);
}

}  // namespace
}  // namespace terminus::stack
