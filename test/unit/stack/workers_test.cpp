#include <catch2/catch.hpp>

#include "stack/bench.hpp"
#include "wire/arp.hpp"
#include "wire/icmp.hpp"
#include "wire/nd.hpp"

// DESIGN 3.4: what lands at the wrong worker goes to its owner, never to a RST; worker 0 alone asks and
// answers.
namespace terminus::stack {
namespace {

using namespace test;
using terminus::test::operator+;

/// Two workers of one host; the test carries their messages.
struct TwoWorkers {
    explicit TwoWorkers(bool is_v6)
        : steering({}, {}, 2), first(is_v6, options(0)), second(is_v6, options(1)) {
        for (Bench* bench : {&first, &second}) {
            bench->host().listen(80, {.finish_when_peer_finished = true});
            bench->turn();
            (void)bench->sent();
        }
    }

    [[nodiscard]] HostOptions options(std::uint16_t worker) const {
        HostOptions made;
        made.worker = worker;
        made.workers = 2;
        made.steering = steering;
        return made;
    }
    /// A port of the peer's whose connection to our port 80 belongs to `worker`.
    [[nodiscard]] std::uint16_t port_of(std::uint16_t worker) const {
        std::uint16_t port = 4000;
        while (steering.owner({{first.us(), 80}, {first.peer(), port}}) != worker)
            ++port;
        return port;
    }
    /// Until both have nothing left to tell.
    void carry_messages() {
        bool any = true;
        while (any) {
            any = false;
            for (Bench* from : {&first, &second}) {
                while (std::optional<OutMessage> out = from->host().network().poll_message()) {
                    any = true;
                    Bench& to = out->worker == 0 ? first : second;
                    REQUIRE(&to != from);
                    deliver(to, std::move(out->message));
                    to.turn();
                }
            }
        }
    }
    static void deliver(Bench& to, Message message) {
        if (message.kind == Message::Kind::Frame) {
            to.host().stack().handed_over(std::move(message.frame), message.port);
        } else {
            to.host().network().message_arrives(message, to.now());
        }
    }

    flow::Steering steering;
    Bench first;
    Bench second;
};

TEST_CASE("a connection whose frames all land at the wrong worker loses nothing") {
    const LeakCheck leaks;
    TwoWorkers workers(GENERATE(false, true));
    const std::uint16_t owner = GENERATE(std::uint16_t{0}, std::uint16_t{1});
    Bench& wrong = owner == 0 ? workers.second : workers.first;
    Bench& right = owner == 0 ? workers.first : workers.second;
    const std::uint16_t segment_bytes = GENERATE(std::uint16_t{0}, std::uint16_t{100});
    Peer peer{.seq = wire::SeqNum(1), .port = workers.port_of(owner)};
    const auto give = [&](const Segment& segment) {
        wrong.give({segment}, segment_bytes);
        workers.carry_messages();
        REQUIRE(wrong.sent().empty());  // no RST, no answer
    };
    give(peer.segment(kSyn));
    const Sent answer = right.sent_segment();
    REQUIRE(answer.tcp->flags.bits == (kSyn | kAck));
    REQUIRE(answer.frame.destination_mac == terminus::test::kPeerMac);
    peer.seq += 1;
    peer.ack = answer.tcp->seq + 1;
    give(peer.segment(kAck));
    const std::string text = random_bytes(8, 10'000);
    for (std::size_t from = 0; from < text.size(); from += 1000) {
        give(peer.segment(kAck, text.substr(from, 1000)));
        peer.seq += 1000;
    }
    give(peer.segment(kFin | kAck));
    REQUIRE(right.host().flows().size() == 1);
    REQUIRE(right.host().flows()[0].received == text);
    REQUIRE(wrong.host().flows().empty());
    const std::uint64_t frames = 2 + 10 + 1;
    REQUIRE(wrong.host().stats().hand_overs_sent.value() >= frames);  // and perhaps an ARP reply
    REQUIRE(right.host().stats().hand_overs_received.value() >= frames);
    REQUIRE(wrong.host().drops() + right.host().drops() == 0);
    peer.seq += 1;
    peer.ack += 1;
    give(peer.segment(kAck));
    right.turn();
    REQUIRE(right.host().flows()[0].closed == CloseReason::Normal);
}

TEST_CASE("a segment for no connection is refused by its owner, once") {
    const LeakCheck leaks;
    TwoWorkers workers(GENERATE(false, true));
    const std::uint16_t port = workers.port_of(1);
    Segment stray{.flags = kAck, .ack = wire::SeqNum(5), .from_port = port};
    workers.first.give({stray});
    REQUIRE(workers.first.sent().empty());
    REQUIRE(workers.first.host().drops() == 0);
    workers.carry_messages();
    REQUIRE(workers.second.sent_segment().tcp->flags.rst());
    REQUIRE(workers.second.drops(DropReason::TcpNoListener) == 1);
}

TEST_CASE("a frame is handed over once: what the addressee doesn't know either is not passed on") {
    TwoWorkers workers(false);
    // As after a change of the steering: worker 1 gets what worker 0 would own.
    Segment stray{.flags = kAck, .ack = wire::SeqNum(5), .from_port = workers.port_of(0)};
    const Octets frame = workers.second.frame(stray);
    workers.second.host().stack().handed_over(terminus::test::make_buffer(frame), 0);
    workers.second.turn();
    std::size_t frames = 0;
    while (const std::optional<OutMessage> out = workers.second.host().network().poll_message())
        frames += out->message.kind == Message::Kind::Frame ? 1 : 0;
    REQUIRE(frames == 0);
    REQUIRE(workers.second.drops(DropReason::TcpNoListener) == 1);
}

// RFC 9293 3.9.2.2, MUST-54.
TEST_CASE("an ICMP error finds the connection of another worker by the tuple that it quotes") {
    const LeakCheck leaks;
    TwoWorkers workers(GENERATE(false, true));
    workers.second.host().listen(81, {});
    Bench& right = workers.second;
    Flow* flow = nullptr;
    std::uint16_t port = 5000;
    while (workers.steering.owner({{right.us(), port}, {right.peer(), 80}}) != 1)
        ++port;
    flow = &right.host().connect({right.peer(), 80}, port, {}, right.now());
    right.turn();
    workers.carry_messages();
    const Sent syn = right.sent().back();
    REQUIRE(syn.tcp->flags.syn());
    workers.first.give(
        workers.first.icmp_error(workers.first.is_v6() ? wire::kIcmpv6Unreachable : wire::kIcmpUnreachable,
                                 workers.first.is_v6() ? 4 : 3, 0, syn));
    REQUIRE(workers.first.drops(DropReason::IcmpUnmatched) == 0);
    workers.carry_messages();
    REQUIRE(flow->closed == CloseReason::Refused);
    right.turn();
}

TEST_CASE("worker 0 asks for the next hop once and tells the others") {
    const LeakCheck leaks;
    TwoWorkers workers(GENERATE(false, true));
    workers.first.answer_neighbours(false);
    workers.second.answer_neighbours(false);
    Segment syn{.flags = kSyn, .from_port = workers.port_of(1)};
    workers.second.give({syn});
    REQUIRE(workers.second.sent().empty());  // it doesn't ask the wire
    workers.carry_messages();
    REQUIRE(workers.first.sent().size() == 1);  // worker 0 does
    REQUIRE(workers.second.sent().empty());

    // The answer lands at worker 1, of all places.
    Octets answer;
    if (workers.first.is_v6()) {
        Octets nd(wire::kNdLengthMax);
        nd.resize(wire::write_nd({.kind = wire::NdKind::Advertisement,
                                  .target = workers.first.peer(),
                                  .link_address = terminus::test::kPeerMac,
                                  .solicited = true,
                                  .override = true},
                                 workers.first.peer(), workers.first.us(), nd));
        answer = workers.first.ip_frame(wire::kProtocolIcmpv6, nd);
    } else {
        Octets arp(wire::kArpLength);
        wire::write_arp({wire::ArpOperation::Reply, terminus::test::kPeerMac, workers.first.peer(),
                         terminus::test::kOurMac, workers.first.us()},
                        arp);
        answer = terminus::test::ethernet(wire::kEtherTypeArp) + arp;
    }
    workers.second.give(answer);
    REQUIRE(workers.second.sent().empty());
    workers.carry_messages();
    const Sent syn_ack = workers.second.sent_segment();
    REQUIRE(syn_ack.tcp->flags.bits == (kSyn | kAck));
    REQUIRE(syn_ack.frame.destination_mac == terminus::test::kPeerMac);
    REQUIRE(workers.first.sent().empty());
}

TEST_CASE("questions and echo requests that land at worker 1 are answered by worker 0") {
    const LeakCheck leaks;
    TwoWorkers workers(false);
    Octets arp(wire::kArpLength);
    wire::write_arp(
        {wire::ArpOperation::Request, terminus::test::kPeerMac, workers.first.peer(), {}, workers.first.us()},
        arp);
    workers.second.give(terminus::test::ethernet(wire::kEtherTypeArp, wire::MacAddress::broadcast()) + arp);
    workers.carry_messages();
    REQUIRE(workers.second.sent().empty());
    REQUIRE(workers.first.sent().at(0).is_arp());

    workers.second.give(workers.second.icmp(wire::kIcmpEchoRequest, 0, 1, Octets(8, 1)));
    workers.carry_messages();
    REQUIRE(workers.second.sent().empty());
    REQUIRE(workers.first.sent().at(0).frame.protocol == wire::kProtocolIcmp);
}

TEST_CASE("worker 1 announces nothing") {
    TwoWorkers workers(true);
    workers.second.advance(10s);
    REQUIRE(workers.second.sent().empty());
}

TEST_CASE("what the other worker doesn't fetch is bounded and counted") {
    // HARDENING 26.
    const LeakCheck leaks;
    TwoWorkers workers(false);
    Segment stray{.flags = kAck, .from_port = workers.port_of(1)};
    const Octets frame = workers.first.frame(stray);
    for (int burst = 0; burst < 9; ++burst)
        workers.first.give(std::vector<Octets>(57, frame));
    REQUIRE(workers.first.host().stats().hand_overs_sent.value() == 9 * 57);
    REQUIRE(workers.first.drops(DropReason::HandOverFull) == 9 * 57 - 512);
    std::size_t messages = 0;
    while (workers.first.host().network().poll_message())
        ++messages;
    REQUIRE(messages == 512);
}

}  // namespace
}  // namespace terminus::stack
