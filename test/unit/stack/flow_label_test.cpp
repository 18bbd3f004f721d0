#include <catch2/catch.hpp>
#include <initializer_list>

#include "base/bytes.hpp"
#include "stack/bench.hpp"
#include "tcp/environment.hpp"

// RFC 6437 3: one label for whatever is sent for a 4-tuple.
namespace terminus::stack {
namespace {

using namespace test;

std::uint32_t label_of(const Sent& sent) {
    REQUIRE(sent.frame.ether_type == wire::kEtherTypeIpv6);
    return base::load_be32(&sent.bytes[sent.frame.l3_offset]) & 0xfffff;
}

/// The labels of what the stack has sent to `port` meanwhile, of which there is something.
void require_label(Bench& bench, std::uint32_t label, std::uint16_t port = 4000) {
    std::size_t count = 0;
    for (const Sent& sent : bench.sent()) {
        if (!sent.tcp || sent.tcp->destination_port != port) continue;
        REQUIRE(label_of(sent) == label);
        ++count;
    }
    REQUIRE(count > 0);
}

std::uint32_t expected(const Bench& bench, std::uint16_t from_port = 4000) {
    return tcp::flow_label(tcp::Secrets::from_seed(1), {{bench.us(), 80}, {bench.peer(), from_port}});
}

Segment syn_from(std::uint16_t port) {
    return {.flags = kSyn, .seq = wire::SeqNum(7000), .from_port = port};
}

TEST_CASE("a connection's flow label stays, from the SYN-ACK to the RST after its end") {
    const LeakCheck leaks;
    Bench bench(true);
    bench.host().listen(80, {.send = "hello", .finish_when_sent = true});
    const std::uint32_t label = expected(bench);
    REQUIRE(label != 0);

    bench.give({syn_from(4000)});
    const wire::SeqNum iss = bench.iss();
    require_label(bench, label);
    bench.advance(1100ms);  // the half-open sends its SYN-ACK again
    require_label(bench, label);
    Peer peer{.seq = wire::SeqNum(7001), .ack = iss + 1};
    bench.give({peer.segment(kAck)});
    bench.turn();
    require_label(bench, label);  // text
    bench.advance(10s);
    require_label(bench, label);  // text again, and again
    peer.ack += 6;
    bench.give({peer.segment(kAck), peer.segment(kFin | kAck)});
    bench.turn();
    peer.seq += 1;
    require_label(bench, label);  // TIME_WAIT, or what leads there
    Peer again = peer;
    again.seq = again.seq - 1;
    bench.give({again.segment(kFin | kAck)});
    require_label(bench, label);
    bench.advance(70s);
    REQUIRE(bench.host().stats().time_wait.value() == 0);
    (void)bench.sent();
    bench.give({peer.segment(kAck)});
    const Sent reset = bench.sent_segment();
    REQUIRE(reset.tcp->flags.rst());
    REQUIRE(label_of(reset) == label);
}

TEST_CASE("an active open's SYN has the label that the rest has") {
    const LeakCheck leaks;
    Bench bench(true);
    bench.host().connect({bench.peer(), 80}, 4001, {.send = "x"}, bench.now());
    bench.turn();
    const std::uint32_t label =
        tcp::flow_label(tcp::Secrets::from_seed(1), {{bench.us(), 4001}, {bench.peer(), 80}});
    bench.advance(1100ms);
    require_label(bench, label, 80);
    bench.advance(2100ms);
    (void)bench.accept();
    bench.turn();
    require_label(bench, label, 80);
}

TEST_CASE("a SYN cookie's SYN-ACK has the label of the connection that it makes") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.syncookies = 2;
    Bench bench(true, options);
    bench.host().listen(80, {.send = "hello"});
    (void)bench.handshake(5000);
    (void)bench.sent();
    bench.give({syn_from(4000)});
    const Sent answer = bench.sent_segment();
    REQUIRE(bench.host().stats().syn_cookies_sent.value() == 2);
    REQUIRE(label_of(answer) == expected(bench));
    bench.give({Peer{.seq = wire::SeqNum(7001), .ack = answer.tcp->seq + 1}.segment(kAck)});
    bench.turn();
    require_label(bench, expected(bench));
}

TEST_CASE("connections have labels of their own, and what refuses one has what it would have had") {
    const LeakCheck leaks;
    Bench bench(true);
    bench.host().listen(80, {});
    (void)bench.handshake(5000);
    (void)bench.sent();
    for (const std::uint16_t port : {4000, 4001, 4002}) {
        bench.give({syn_from(port)});
        require_label(bench, expected(bench, port), port);
    }
    REQUIRE(expected(bench, 4000) != expected(bench, 4001));
    Segment stray = syn_from(4003);
    stray.flags = kAck;
    bench.give({stray});
    const Sent reset = bench.sent_segment();
    REQUIRE(reset.tcp->flags.rst());
    REQUIRE(label_of(reset) == expected(bench, 4003));
}

TEST_CASE("turned off, no packet has a label; turned on, connections that live get theirs") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.auto_flowlabels = false;
    Bench bench(true, options);
    bench.host().listen(80, {.send = "hello"});
    (void)bench.handshake();
    bench.turn();
    require_label(bench, 0);
    options.tunables.auto_flowlabels = true;
    bench.host().stack().set_tunables(options.tunables);
    bench.advance(5s);
    require_label(bench, expected(bench));
}

}  // namespace
}  // namespace terminus::stack
