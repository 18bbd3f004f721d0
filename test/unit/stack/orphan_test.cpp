#include <catch2/catch.hpp>

#include "stack/bench.hpp"

// What a core does about connections that only wait for their peer, and about limits of its own.
namespace terminus::stack {
namespace {

using namespace test;

void abandon(Bench& bench, const Flow& flow) {
    tcp::Connection* const connection = bench.host().stack().find(flow.id);
    REQUIRE(connection != nullptr);
    connection->abandon(bench.host().stack().environment());
    bench.host().stack().touch(flow.id);
    bench.turn();
}

/// A connection from `port` that only waits for its peer, in `state`.
Peer bring_to(Bench& bench, State state, std::uint16_t port) {
    Peer peer = bench.handshake(port);
    Flow& flow = bench.host().flows().back();
    switch (state) {
        case State::FinWait1:
        case State::FinWait2:
            abandon(bench, flow);
            peer.ack += 1;
            if (state == State::FinWait2) bench.give({peer.segment(kAck)});
            break;
        case State::Closing:
            flow.script.finish_when_sent = true;
            bench.host().act(flow);
            bench.turn();
            bench.give({peer.segment(kFin | kAck)});  // which doesn't acknowledge ours
            peer.seq += 1;
            peer.ack += 1;
            break;
        case State::LastAck:
            bench.give({peer.segment(kFin | kAck)});
            peer.seq += 1;
            flow.script.finish_when_peer_finished = true;
            bench.host().act(flow);
            bench.turn();
            peer.ack += 1;
            break;
        default:
            FAIL("not a state of orphans");
    }
    bench.turn();
    (void)bench.sent();
    return peer;
}

TEST_CASE("HARDENING 23: max_orphans holds in FIN_WAIT_1, FIN_WAIT_2, CLOSING and LAST_ACK") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.max_orphans = 2;
    Bench bench(false, options);
    bench.host().listen(80, {});
    const State state = GENERATE(State::FinWait1, State::FinWait2, State::Closing, State::LastAck);
    const Peer first = bring_to(bench, state, 4000);
    (void)bring_to(bench, state, 4001);
    REQUIRE(bench.host().count(state) == 2);
    REQUIRE(bench.host().closes(CloseReason::OrphanLimit) == 0);
    (void)bring_to(bench, state, 4002);
    REQUIRE(bench.host().count(state) == 2);
    REQUIRE(bench.host().closes(CloseReason::OrphanLimit) == 1);
    REQUIRE(bench.host().live() == 2);
    // One that ends makes room for another.
    bench.give({first.segment(kRst)});
    bench.turn();
    REQUIRE(bench.host().live() == 1);
    (void)bring_to(bench, state, 4003);
    REQUIRE(bench.host().count(state) == 2);
    REQUIRE(bench.host().closes(CloseReason::OrphanLimit) == 1);
}

TEST_CASE("HARDENING 23: orphans of silent peers come to an end, and all their timers with them") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.orphan_retries = 2;
    options.tunables.fin_timeout = 10s;
    Bench bench(false, options);
    bench.host().listen(80, {});
    std::uint16_t port = 4000;
    for (const State state : {State::FinWait1, State::FinWait2, State::Closing, State::LastAck}) {
        (void)bring_to(bench, state, port++);
        abandon(bench, bench.host().flows().back());
    }
    REQUIRE(bench.host().live() == 4);
    bench.advance(11s);
    REQUIRE(bench.host().live() == 0);
    REQUIRE(bench.host().stack().armed_timers() == 0);
}

TEST_CASE("when buffers run out an orphan goes first, though others hold more") {
    const LeakCheck leaks;
    HostOptions options;
    options.buffers.reserve = packet::buffers_available(terminus::test::pool()) - 400;
    Bench bench(false, options);
    bench.host().listen(80, {.send = random_bytes(1, 200'000)});
    bench.host().listen(81, {.send = random_bytes(2, 20'000)});
    // Neither acknowledges anything that was sent to it.
    (void)bench.handshake(4000);
    Peer small{.seq = wire::SeqNum(5)};
    Segment syn = small.segment(kSyn);
    syn.to_port = 81;
    syn.from_port = 4001;
    (void)bench.sent();
    bench.give({syn});
    Segment ack = syn;
    ack.flags = kAck;
    ack.seq += 1;
    for (const Sent& one : bench.sent()) {
        if (one.tcp->destination_port == 4001) ack.ack = one.tcp->seq + 1;
    }
    bench.give({ack});
    REQUIRE(bench.host().flows().size() == 2);
    abandon(bench, bench.host().flows()[1]);
    REQUIRE(bench.host().closes(CloseReason::MemoryPressure) == 0);
    bench.advance(1100ms);
    std::vector<packet::Buffer> taken;
    while (packet::buffers_available(terminus::test::pool()) > options.buffers.reserve)
        taken.push_back(terminus::test::make_buffer({}));
    bench.turn();
    REQUIRE(bench.host().flows()[1].closed == CloseReason::MemoryPressure);
    REQUIRE_FALSE(bench.host().flows()[0].closed);
}

TEST_CASE("HARDENING 27: a connection that has used up its challenge ACKs takes none from another") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.challenge_ack_limit = 5;
    Bench bench(false, options);
    bench.host().listen(80, {});
    const Peer first = bench.handshake(4000);
    const Peer second = bench.handshake(4001);
    const auto answers_to_syns_of = [&](const Peer& peer) {
        for (int i = 0; i < 20; ++i)
            bench.give({peer.segment(kSyn)});
        return bench.sent().size();
    };
    REQUIRE(answers_to_syns_of(first) == 5);
    REQUIRE(answers_to_syns_of(second) == 5);
    REQUIRE(bench.host().stats().leg(Leg::Client).challenge_acks_limited.value() == 30);
}

TEST_CASE("HARDENING 27: half-opens, TIME_WAITs and orphans are limited for the core, each by itself") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.syncookies = 0;
    options.tunables.max_syn_backlog = 3;
    options.tunables.max_orphans = 2;
    options.tunables.max_tw_buckets = 1;
    Bench bench(false, options);
    bench.host().listen(80, {});
    for (std::uint16_t port = 4000; port < 4004; ++port) {
        Peer peer = bring_to(bench, State::FinWait2, port);
        bench.give({peer.segment(kFin | kAck)});
        bench.turn();
    }
    REQUIRE(bench.host().stats().time_wait.value() == 1);
    REQUIRE(bench.host().closes(CloseReason::TimeWaitLimit) == 3);
    for (std::uint16_t port = 4004; port < 4008; ++port)
        (void)bring_to(bench, State::FinWait1, port);
    REQUIRE(bench.host().count(State::FinWait1) == 2);
    REQUIRE(bench.host().closes(CloseReason::OrphanLimit) == 2);
    for (std::uint16_t port = 4008; port < 4013; ++port)
        bench.give({Segment{.flags = kSyn, .from_port = port}});
    REQUIRE(bench.host().stats().half_open.value() == 3);
    REQUIRE(bench.drops(DropReason::TcpHalfOpenLimit) == 2);
}

}  // namespace
}  // namespace terminus::stack
