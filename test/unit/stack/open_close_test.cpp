#include <catch2/catch.hpp>

#include "stack/bench.hpp"

namespace terminus::stack {
namespace {

using namespace test;

TEST_CASE("two hosts exchange data and close, in both families, on ports of every kind") {
    const LeakCheck leaks;
    const bool is_v6 = GENERATE(false, true);
    const packet::PortCapabilities capabilities =
        GENERATE(sim::MemoryPort::able(), sim::MemoryPort::plain(), sim::MemoryPort::pointer_keeping());
    World world;
    Host& client = world.add_host({.number = 1, .capabilities = capabilities});
    Host& server = world.add_host({.number = 2, .capabilities = capabilities, .seed = 2});
    world.connect(client, server);
    const std::string request = random_bytes(1, 5000);
    const std::string response = random_bytes(2, 200'000);
    server.listen(80, {.send = response, .send_after = request.size(), .finish_when_sent = true});
    Flow& flow = client.connect(server.endpoint(80, is_v6), 4000,
                                {.send = request, .finish_when_peer_finished = true}, world.now());
    REQUIRE(world.run_until(10s, [&] { return flow.closed.has_value(); }));
    REQUIRE(flow.received == response);
    REQUIRE(flow.closed == CloseReason::Normal);
    REQUIRE(server.flows().size() == 1);
    REQUIRE(server.flows()[0].received == request);
    REQUIRE(server.flows()[0].closed == CloseReason::Normal);

    // The server closed first, so the TIME_WAIT is its.
    REQUIRE(server.count(State::TimeWait) == 1);
    REQUIRE(server.stats().time_wait.value() == 1);
    REQUIRE(client.count(State::TimeWait) == 0);
    REQUIRE(client.live() == 0);
    REQUIRE(server.live() == 0);
    world.run(61s);
    REQUIRE(server.count(State::TimeWait) == 0);
    REQUIRE(server.stats().time_wait.value() == 0);
    REQUIRE(client.drops() + server.drops() == 0);
}

// RFC 9293 3.10.7.4, MUST-58, MUST-59.
TEST_CASE("the SYN, the ACK, data and the FIN of a connection may come in one burst") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {.finish_when_peer_finished = true});
    Peer peer{.seq = wire::SeqNum(100)};
    Segment syn = peer.segment(kSyn);
    peer.seq += 1;
    peer.ack = bench.iss() + 1;
    Peer later = peer;
    later.seq += 5;
    bench.give({syn, peer.segment(kAck), peer.segment(kAck, "hello"), later.segment(kFin | kAck)});
    REQUIRE(bench.host().flows().size() == 1);
    Flow& flow = bench.host().flows()[0];
    REQUIRE(flow.received == "hello");
    REQUIRE(flow.peer_finished);
    REQUIRE(bench.host().count(State::LastAck) == 1);
    const std::vector<Sent> sent = bench.sent();
    const wire::TcpSegment& fin = *sent.back().tcp;
    REQUIRE(fin.flags.bits == (kFin | kAck));
    REQUIRE(fin.ack == later.seq + 1);
    later.seq += 1;
    later.ack += 1;
    bench.give({later.segment(kAck)});
    bench.turn();
    REQUIRE(flow.closed == CloseReason::Normal);
    REQUIRE(bench.host().live() == 0);
    REQUIRE(bench.host().count(State::TimeWait) == 0);
    REQUIRE(bench.host().drops() == 0);
}

TEST_CASE("the completing segment's own data and FIN are taken with it") {
    Bench bench;
    bench.host().listen(80, {.finish_when_peer_finished = true});
    Peer peer{.seq = wire::SeqNum(100)};
    bench.give({peer.segment(kSyn)});
    peer.seq += 1;
    peer.ack = bench.iss() + 1;
    bench.give({peer.segment(kFin | kPsh | kAck, "all at once")});
    REQUIRE(bench.host().flows()[0].received == "all at once");
    REQUIRE(bench.host().count(State::LastAck) == 1);
}

TEST_CASE("the peer's FIN and the ACK of ours in one burst end in TIME_WAIT, in either order") {
    const LeakCheck leaks;
    Bench bench;
    bench.host().listen(80, {.finish_when_sent = true});
    Peer peer = bench.handshake();
    REQUIRE(bench.host().count(State::FinWait1) == 1);
    (void)bench.sent();
    const Segment fin_only = peer.segment(kFin | kAck);
    peer.ack += 1;
    const Segment ack_only = peer.segment(kAck);
    Peer past = peer;
    past.seq += 1;
    const Segment ack_after_fin = past.segment(kAck);
    if (GENERATE(true, false)) {
        bench.give({ack_only, peer.segment(kFin | kAck)});
    } else {
        bench.give({fin_only, ack_after_fin});  // by way of CLOSING
    }
    bench.turn();
    REQUIRE(bench.host().flows()[0].closed == CloseReason::Normal);
    REQUIRE(bench.host().count(State::TimeWait) == 1);
    REQUIRE(bench.host().live() == 0);
    const Sent last = bench.sent().back();
    REQUIRE(last.tcp->flags.bits == kAck);
    REQUIRE(last.tcp->ack == peer.seq + 1);
}

TEST_CASE(
    "a RST in the burst of the data before it flushes what was not read, and data behind it is dropped") {
    // RFC 9293 3.10.7.4, second: all segment queues are flushed.
    const LeakCheck leaks;
    Bench bench;
    bench.host().listen(80, {});
    Peer peer = bench.handshake();
    bench.give({peer.segment(kAck, "read")});
    peer.seq += 4;
    const Segment data = peer.segment(kAck, "unread");
    peer.seq += 6;
    bench.give({data, peer.segment(kRst), peer.segment(kAck, "after")});
    Flow& flow = bench.host().flows()[0];
    REQUIRE(flow.received == "read");
    REQUIRE(flow.closed == CloseReason::ResetReceived);
    REQUIRE(bench.drops(DropReason::TcpClosed) == 1);
    bench.turn();
    REQUIRE(bench.host().live() == 0);
    REQUIRE(bench.host().closes(CloseReason::ResetReceived) == 1);
}

TEST_CASE("an active open takes the peer's SYN-ACK, data and FIN of one burst") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    Flow& flow =
        bench.host().connect({bench.peer(), 80}, 5000, {.finish_when_peer_finished = true}, bench.now());
    bench.turn();
    const wire::TcpSegment syn = *bench.sent().back().tcp;
    REQUIRE(bench.host().count(State::SynSent) == 1);
    Peer peer{.seq = wire::SeqNum(1), .ack = syn.seq + 1, .port = 80};
    Segment syn_ack = peer.segment(kSyn | kAck);
    peer.seq += 1;
    Segment data = peer.segment(kAck | kFin, "banner");
    syn_ack.to_port = data.to_port = 5000;
    bench.give({syn_ack, data});
    REQUIRE(flow.is_established);
    REQUIRE(flow.received == "banner");
    REQUIRE(bench.host().count(State::LastAck) == 1);
}

TEST_CASE("a RST that answers our SYN is a refusal, and the slot is free at once") {
    const LeakCheck leaks;
    Bench bench;
    Flow& flow = bench.host().connect({bench.peer(), 80}, 5000, {}, bench.now());
    (void)bench.accept(kRst | kAck);
    REQUIRE(flow.closed == CloseReason::Refused);
    bench.turn();
    REQUIRE(bench.host().live() == 0);
    REQUIRE(bench.host().closes(CloseReason::Refused) == 1);
}

// RFC 9293 3.10.7.3, first, and 3.10.7.4, fifth: SYN-SENT and SYN-RECEIVED.
TEST_CASE("RSTs that answer a wrong ACK of a handshake are counted when they are sent, on its leg") {
    const bool is_active = GENERATE(true, false);
    Bench bench;
    bench.turn();
    (void)bench.sent();  // what a host announces when it begins
    Segment wrong{.flags = kAck};
    if (is_active) {
        (void)bench.host().connect({bench.peer(), 4000}, 80, {}, bench.now());
        bench.turn();
        wrong.ack = bench.sent_segment().tcp->seq + 5;
    } else {
        bench.host().listen(80, {});
        bench.give({Segment{.flags = kSyn, .seq = wire::SeqNum(100)}});
        wrong.seq = wire::SeqNum(101);
        wrong.ack = bench.sent_segment().tcp->seq + 5;
    }
    constexpr std::uint64_t kMost = 250;  // a second, to one address
    for (std::uint64_t i = 0; i < kMost + 50; ++i)
        bench.give({wrong});
    std::uint64_t resets = 0;
    for (const Sent& sent : bench.sent())
        resets += sent.tcp && sent.tcp->flags.rst();
    REQUIRE(resets == kMost);
    const stats::CoreStats& stats = bench.host().stats();
    const stats::LegStats& leg = stats.leg(is_active ? Leg::Backend : Leg::Client);
    REQUIRE(leg.resets_sent[stats::ResetReason::HandshakeInvalid].value() == resets);
    REQUIRE(leg.segments_sent.value() == resets + 1);
    REQUIRE(stats.leg(is_active ? Leg::Client : Leg::Backend).segments_sent.value() == 0);
    REQUIRE(bench.drops(DropReason::TcpAckInvalid) == kMost + 50);
}

TEST_CASE("segments are counted once, in and out, on the leg they belong to") {
    Bench bench;
    bench.host().listen(80, {.send = "abc"});
    (void)bench.handshake();
    const stats::LegStats& leg = bench.host().stats().leg(Leg::Client);
    REQUIRE(leg.segments_received.value() == 2);
    REQUIRE(leg.segments_sent.value() == 2);  // SYN-ACK, "abc"
    bench.give({Segment{.flags = kSyn, .to_port = 81}});
    REQUIRE(leg.segments_sent.value() == 3);  // RST
    REQUIRE(bench.host().stats().leg(Leg::Backend).segments_sent.value() == 0);
}

}  // namespace
}  // namespace terminus::stack
