#include <catch2/catch.hpp>

#include "packet/frame_access.hpp"
#include "stack/bench.hpp"

// Deadlines through the wheel, ports without room, and buffers nearly out.
namespace terminus::stack {
namespace {

using namespace test;

TEST_CASE("unacknowledged data is sent again when its time-out has passed, and not a tick earlier") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {.send = "hello"});
    Peer peer = bench.handshake();
    REQUIRE(bench.sent_segment().payload == "hello");
    const stack::ConnectionId id = bench.host().flows()[0].id;
    const base::Duration rto = bench.host().stack().find(id)->snapshot().rto;
    bench.advance(rto - kTick);
    REQUIRE(bench.sent().empty());
    bench.advance(2 * kTick);
    const Sent again = bench.sent_segment();
    REQUIRE(again.payload == "hello");
    REQUIRE(again.tcp->seq == peer.ack);
    // RFC 6298 5.5: the next one after twice the time.
    bench.advance(2 * rto - 2 * kTick);
    REQUIRE(bench.sent().empty());
    bench.advance(3 * kTick);
    REQUIRE(bench.sent_segment().payload == "hello");
    const stats::LegStats& leg = bench.host().stats().leg(Leg::Client);
    REQUIRE(leg.timer_expirations[stats::Timer::Retransmission].value() == 2);
    REQUIRE(leg.retransmits[stats::RetransmitCause::Timeout].value() == 2);
    peer.ack += 5;
    bench.give({peer.segment(kAck)});
    bench.advance(10s);
    for (const Sent& one : bench.sent())
        REQUIRE_FALSE(one.tcp);
}

TEST_CASE("who is busy keeps the timer it has, and who is rarely heard of only while something is awaited") {
    // DESIGN 3.3, docs/decisions/speed.md.
    const bool is_rare = GENERATE(false, true);
    Bench bench;
    bench.host().listen(80, {.send = "hello"});
    Peer peer = bench.handshake();
    REQUIRE(bench.sent_segment().payload == "hello");
    bench.advance(is_rare ? 60ms : 40ms);
    peer.ack += 5;
    bench.give({peer.segment(kAck)});
    const base::Duration left = bench.host().stack().next_deadline() - bench.now();
    REQUIRE((left > 1s) == is_rare);
    bench.advance(5s);
    for (const Sent& one : bench.sent())
        REQUIRE_FALSE(one.tcp);
}

TEST_CASE("an idle connection is probed, and given up when nobody answers") {
    // RFC 9293 3.8.4.
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.keepalive_time = 10s;
    options.tunables.keepalive_intvl = 2s;
    options.tunables.keepalive_probes = 3;
    Bench bench(false, options);
    bench.host().listen(80, {});
    Peer peer = bench.handshake();
    const auto segments = [&] {
        std::vector<Sent> found;
        for (Sent& one : bench.sent()) {
            if (one.tcp) found.push_back(std::move(one));
        }
        return found;
    };
    bench.advance(10s - kTick);
    REQUIRE(segments().empty());
    bench.advance(2 * kTick);
    std::vector<Sent> probes = segments();
    REQUIRE(probes.size() == 1);
    REQUIRE(probes[0].tcp->seq == peer.ack - 1);
    bench.give({peer.segment(kAck)});  // answered: from the start
    bench.advance(9s);
    REQUIRE(segments().empty());
    bench.advance(1s + 4s + 4 * kTick);
    REQUIRE(segments().size() == 3);
    REQUIRE_FALSE(bench.host().flows()[0].closed);
    bench.advance(2s);
    REQUIRE(bench.host().flows()[0].closed == CloseReason::KeepaliveTimeout);
    REQUIRE(segments().back().tcp->flags.rst());
    bench.turn();
    REQUIRE(bench.host().live() == 0);
}

TEST_CASE("an active open's SYN is sent again and given up after syn_retries") {
    HostOptions options;
    options.tunables.syn_retries = 1;
    Bench bench(false, options);
    Flow& flow = bench.host().connect({bench.peer(), 80}, 5000, {}, bench.now());
    bench.turn();
    bench.advance(1s + 2 * kTick);
    std::size_t syns = 0;
    for (const Sent& one : bench.sent())
        syns += one.tcp && one.tcp->flags.syn() ? 1 : 0;
    REQUIRE(syns == 2);
    bench.advance(2s - 3 * kTick);
    REQUIRE_FALSE(flow.closed);
    bench.advance(5 * kTick);
    REQUIRE(flow.closed == CloseReason::SynTimeout);
    bench.turn();
    REQUIRE(bench.host().live() == 0);
}

TEST_CASE("a port without room loses nothing and goes on when it has some") {
    const LeakCheck leaks;
    World world;
    Host& client = world.add_host({.number = 1});
    Host& server = world.add_host({.number = 2, .seed = 2});
    world.connect(client, server);
    const std::string response = random_bytes(3, 100'000);
    server.listen(80, {.send = response, .finish_when_sent = true});
    std::vector<Flow*> flows;
    for (std::uint16_t i = 0; i < 8; ++i) {
        flows.push_back(&client.connect(server.endpoint(80, false), static_cast<std::uint16_t>(4000 + i),
                                        {.finish_when_peer_finished = true}, world.now()));
    }
    REQUIRE(world.run_until(1s, [&] { return !flows[0]->received.empty(); }));
    server.port().set_transmit_room(0);
    world.run(100us);
    REQUIRE(server.has_work());
    const std::uint64_t received = client.stats().frames_received.value();
    world.run(100us);
    REQUIRE(client.stats().frames_received.value() == received);
    server.port().set_transmit_room(3);
    REQUIRE(world.run_until(1s, [&] {
        return std::all_of(flows.begin(), flows.end(), [](const Flow* flow) { return flow->closed; });
    }));
    for (const Flow* flow : flows)
        REQUIRE(flow->received == response);
    REQUIRE(server.drops() == 0);
    REQUIRE(client.drops() == 0);
    // RFC 6298's timers had no part in it.
    REQUIRE(server.stats().leg(Leg::Client).retransmits[stats::RetransmitCause::Timeout].value() == 0);
}

TEST_CASE("what can't wait for a port without room is counted as lost") {
    Bench bench;
    bench.give({Segment{.flags = kSyn, .to_port = 81}});
    (void)bench.sent();
    bench.host().port().set_transmit_room(0);
    for (std::uint16_t i = 0; i < packet::Batch::kCapacity + 3; ++i)
        bench.give(
            {Segment{.flags = kSyn, .from_port = static_cast<std::uint16_t>(1000 + i), .to_port = 81}});
    REQUIRE(bench.drops(DropReason::TransmitFull) == 3);
    bench.host().port().set_transmit_room(sim::MemoryPort::kUnlimited);
    bench.turn();
    REQUIRE(bench.sent().size() == packet::Batch::kCapacity);
}

/// Takes buffers out of the shared pool until `left` remain.
std::vector<packet::Buffer> starve(std::uint32_t left) {
    std::vector<packet::Buffer> taken;
    while (packet::buffers_available(terminus::test::pool()) > left)
        taken.push_back(terminus::test::make_buffer({}));
    return taken;
}

TEST_CASE(
    "HARDENING 26: with buffers nearly out payload is dropped unacknowledged while ACKs are processed") {
    // DESIGN 3.6.
    const LeakCheck leaks;
    HostOptions options;
    options.buffers.reserve = 512;
    Bench bench(GENERATE(false, true), options);
    bench.host().listen(80, {.send = "outstanding"});
    Peer peer = bench.handshake();
    (void)bench.sent();
    const stack::ConnectionId id = bench.host().flows()[0].id;
    std::vector<packet::Buffer> taken = starve(512);
    bench.turn();
    REQUIRE(bench.host().stack().buffer_share() == 0);

    const wire::SeqNum before = bench.host().stack().find(id)->receive_space().nxt;
    peer.ack += 11;
    bench.give({peer.segment(kAck, "payload")});
    REQUIRE(bench.drops(DropReason::BufferPressure) == 1);
    REQUIRE(bench.host().flows()[0].received.empty());
    REQUIRE(bench.host().stack().find(id)->receive_space().nxt == before);
    REQUIRE(bench.host().stack().find(id)->send_space().una == peer.ack);
    for (const Sent& one : bench.sent())
        REQUIRE(one.tcp->ack == peer.seq);
    // A FIN costs no buffer, but what it follows is missing.
    Peer past = peer;
    past.seq += 7;
    bench.give({past.segment(kFin | kAck)});
    REQUIRE(bench.host().count(State::Established) == 1);
    // New connections get in too.
    (void)bench.handshake(4001);
    REQUIRE(bench.host().count(State::Established) == 2);

    taken.clear();
    bench.turn();
    REQUIRE(bench.host().stack().buffer_share() > 0);
    bench.give({peer.segment(kAck, "payload")});
    REQUIRE(bench.host().flows()[0].received == "payload");
    REQUIRE(bench.host().count(State::CloseWait) == 1);
    REQUIRE(bench.drops(DropReason::BufferPressure) == 1);
}

TEST_CASE("HARDENING 22: readers that never read don't get the reserve, and all is well when they are gone") {
    // DESIGN 3.6, HARDENING 22.
    const LeakCheck leaks;
    HostOptions options;
    options.buffers.reserve = packet::buffers_available(terminus::test::pool()) - 1000;
    Bench bench(false, options);
    bench.host().listen(80, {.reads = false});
    bench.host().listen(81, {});
    for (std::uint16_t port = 4000; port < 4040; ++port) {
        Peer peer = bench.handshake(port);
        for (int i = 0; i < 100; ++i) {
            bench.give({peer.segment(kAck, std::string(1000, 'x'))});
            peer.seq += 1000;
        }
        (void)bench.sent();
        REQUIRE(packet::buffers_available(terminus::test::pool()) >= options.buffers.reserve);
    }
    REQUIRE(bench.host().count(State::Established) == 40);
    REQUIRE(bench.drops(DropReason::BufferPressure) > 0);
    bench.host().stack().abort_all(CloseReason::MemoryPressure);
    bench.turn();
    REQUIRE(bench.host().live() == 0);
    REQUIRE(bench.host().closes(CloseReason::MemoryPressure) == 40);
    (void)bench.sent();

    Peer reader{.seq = wire::SeqNum(5)};
    Segment syn = reader.segment(kSyn);
    syn.to_port = 81;
    bench.give({syn});
    reader.seq += 1;
    reader.ack = bench.sent_segment().tcp->seq + 1;
    for (int i = 0; i < 40; ++i) {
        Segment data = reader.segment(kAck, std::string(1000, 'y'));
        data.to_port = 81;
        bench.give({data});
        reader.seq += 1000;
    }
    REQUIRE(bench.host().flows().back().received.size() == 40'000);
}

}  // namespace
}  // namespace terminus::stack
