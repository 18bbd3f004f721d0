#include <catch2/catch.hpp>
#include <set>

#include "stack/bench.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp.hpp"
#include "wire/nd.hpp"

// ARP, neighbour discovery, echo, and frames that wait for a next hop.
namespace terminus::stack {
namespace {

using namespace test;
using terminus::test::operator+;

Segment syn_by(std::uint16_t port, std::uint8_t from = kPeer) {
    return {.flags = kSyn, .from_port = port, .from = from};
}

/// A bench that has said its announcements and leaves questions to the test.
struct Alone : Bench {
    explicit Alone(bool is_v6, const HostOptions& options = {}) : Bench(is_v6, options) {
        answer_neighbours(false);
        host().listen(80, {});
        advance(3s);
        (void)sent();
    }

    [[nodiscard]] Octets request(const wire::IpAddress& sender, const wire::IpAddress& target) const {
        if (is_v6()) {
            const wire::IpAddress group = wire::solicited_node_multicast(target);
            Octets nd(wire::kNdLengthMax);
            nd.resize(wire::write_nd({.kind = wire::NdKind::Solicitation,
                                      .target = target,
                                      .link_address = terminus::test::kPeerMac},
                                     sender, group, nd));
            return terminus::test::frame_v6(nd, wire::kProtocolIcmpv6, sender, group,
                                            wire::multicast_mac(group));
        }
        Octets arp(wire::kArpLength);
        wire::write_arp({wire::ArpOperation::Request, terminus::test::kPeerMac, sender, {}, target}, arp);
        return terminus::test::ethernet(wire::kEtherTypeArp, wire::MacAddress::broadcast()) + arp;
    }
    [[nodiscard]] Octets reply(const wire::IpAddress& sender) const {
        if (is_v6()) {
            Octets nd(wire::kNdLengthMax);
            nd.resize(wire::write_nd({.kind = wire::NdKind::Advertisement,
                                      .target = sender,
                                      .link_address = terminus::test::kPeerMac,
                                      .solicited = true,
                                      .override = true},
                                     sender, us(), nd));
            return terminus::test::frame_v6(nd, wire::kProtocolIcmpv6, sender, us());
        }
        Octets arp(wire::kArpLength);
        wire::write_arp(
            {wire::ArpOperation::Reply, terminus::test::kPeerMac, sender, terminus::test::kOurMac, us()},
            arp);
        return terminus::test::ethernet(wire::kEtherTypeArp) + arp;
    }
    /// Whom a frame asks for, if it asks.
    [[nodiscard]] static std::optional<wire::IpAddress> asked(const Sent& one) {
        if (one.is_arp()) {
            const auto arp = wire::parse_arp(base::Bytes(one.bytes).subspan(one.frame.l3_offset));
            if (arp.value().operation == wire::ArpOperation::Request) return arp.value().target;
        } else if (one.frame.protocol == wire::kProtocolIcmpv6) {
            const auto nd =
                wire::parse_nd(one.frame.source, one.frame.destination, one.frame.hop_limit, one.l4());
            if (nd.ok() && nd.value().kind == wire::NdKind::Solicitation) return nd.value().target;
        }
        return std::nullopt;
    }
};

TEST_CASE("a frame waits for its next hop's address and goes to it when it is known") {
    const LeakCheck leaks;
    Alone bench(GENERATE(false, true));
    bench.give({syn_by(4000)});
    std::vector<Sent> sent = bench.sent();
    REQUIRE(sent.size() == 1);
    REQUIRE(Alone::asked(sent[0]) == bench.peer());
    REQUIRE(sent[0].frame.destination_mac.is_group());
    bench.give(bench.reply(bench.peer()));
    const Sent answer = bench.sent_segment();
    REQUIRE(answer.tcp->flags.bits == (kSyn | kAck));
    REQUIRE(answer.frame.destination_mac == terminus::test::kPeerMac);
    // The next one finds it in the cache.
    bench.give({syn_by(4001)});
    REQUIRE(bench.sent_segment().frame.destination_mac == terminus::test::kPeerMac);
    REQUIRE(bench.host().drops() == 0);
}

TEST_CASE("for one next hop sixteen frames wait, and the newest displace the oldest") {
    const LeakCheck leaks;
    Alone bench(GENERATE(false, true));
    for (std::uint16_t port = 4000; port < 4016; ++port)
        bench.give({syn_by(port)});
    REQUIRE(bench.drops(DropReason::NeighbourQueueFull) == 0);
    bench.give({syn_by(4016), syn_by(4017)});
    REQUIRE(bench.drops(DropReason::NeighbourQueueFull) == 2);
    (void)bench.sent();
    bench.give(bench.reply(bench.peer()));
    const std::vector<Sent> sent = bench.sent();
    REQUIRE(sent.size() == 16);
    REQUIRE(sent.front().tcp->destination_port == 4002);
    REQUIRE(sent.back().tcp->destination_port == 4017);
}

TEST_CASE("all next hops together keep 256 frames waiting") {
    const LeakCheck leaks;
    Alone bench(GENERATE(false, true));
    for (std::uint8_t from = 20; from < 36; ++from) {
        for (std::uint16_t port = 4000; port < 4016; ++port)
            bench.give({syn_by(port, from)});
    }
    REQUIRE(bench.drops(DropReason::NeighbourQueueFull) == 0);
    bench.give({syn_by(4000, 36)});
    REQUIRE(bench.drops(DropReason::NeighbourQueueFull) == 1);
    bench.give({syn_by(4020, 20)});  // among its own it still displaces the oldest
    REQUIRE(bench.drops(DropReason::NeighbourQueueFull) == 2);
    (void)bench.sent();
    bench.give(bench.reply(bench.peer(20)));
    const std::vector<Sent> sent = bench.sent();
    REQUIRE(sent.size() == 16);
    REQUIRE(sent.back().tcp->destination_port == 4020);
    bench.give({syn_by(4001, 36)});  // there is room again
    REQUIRE(bench.drops(DropReason::NeighbourQueueFull) == 2);
}

TEST_CASE("a next hop that doesn't answer three questions costs the frames that wait, each counted") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.synack_retries = 0;
    Alone bench(GENERATE(false, true), options);
    bench.give({syn_by(4000), syn_by(4001)});
    bench.advance(3s - kTick);
    REQUIRE(bench.drops(DropReason::NeighbourFailed) == 0);
    bench.advance(2 * kTick);
    REQUIRE(bench.drops(DropReason::NeighbourFailed) == 2);
    std::size_t questions = 0;
    for (const Sent& one : bench.sent())
        questions += Alone::asked(one) ? 1 : 0;
    REQUIRE(questions == 3);
    // Held down: no new question, the frame is lost at once.
    bench.give({syn_by(4002)});
    REQUIRE(bench.drops(DropReason::NeighbourFailed) == 3);
    REQUIRE(bench.sent().empty());
    // And after that it is asked for again.
    bench.advance(3s);
    bench.give({syn_by(4003)});
    REQUIRE(Alone::asked(bench.sent().at(0)) == bench.peer());
}

TEST_CASE("a question for an address of ours is answered and teaches who asked; others are not ours") {
    const LeakCheck leaks;
    Alone bench(GENERATE(false, true));
    bench.give(bench.request(bench.peer(), bench.us()));
    std::vector<Sent> sent = bench.sent();
    REQUIRE(sent.size() == 1);
    REQUIRE(sent[0].frame.destination_mac == terminus::test::kPeerMac);
    REQUIRE(sent[0].frame.source_mac == terminus::test::kOurMac);
    if (sent[0].is_arp()) {
        const auto arp = wire::parse_arp(base::Bytes(sent[0].bytes).subspan(wire::kEthernetHeader)).value();
        REQUIRE(arp.operation == wire::ArpOperation::Reply);
        REQUIRE(arp.sender == bench.us());
        REQUIRE(arp.sender_mac == terminus::test::kOurMac);
    } else {
        const auto nd = wire::parse_nd(sent[0].frame.source, sent[0].frame.destination,
                                       sent[0].frame.hop_limit, sent[0].l4())
                            .value();
        REQUIRE(nd.kind == wire::NdKind::Advertisement);
        REQUIRE(nd.target == bench.us());
        REQUIRE(nd.link_address == terminus::test::kOurMac);
        REQUIRE(nd.solicited);
    }
    bench.give({syn_by(4000)});
    REQUIRE(bench.sent_segment().tcp->flags.bits == (kSyn | kAck));
    bench.give(bench.request(bench.peer(), bench.peer(77)));
    REQUIRE(bench.sent().empty());
}

TEST_CASE("an echo request is answered with its own data") {
    const LeakCheck leaks;
    Alone bench(GENERATE(false, true));
    const std::string text = random_bytes(1, 56);
    const base::Bytes body(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    const std::uint8_t request = bench.is_v6() ? wire::kIcmpv6EchoRequest : wire::kIcmpEchoRequest;
    const std::uint16_t segment_bytes = GENERATE(std::uint16_t{0}, std::uint16_t{9});
    bench.give(std::vector<Octets>{bench.icmp(request, 0, 0x12340007, body)}, segment_bytes);
    const std::vector<Sent> sent = bench.sent();
    REQUIRE(sent.size() == 1);
    REQUIRE(sent[0].frame.destination == bench.peer());
    REQUIRE(sent[0].frame.destination_mac == terminus::test::kPeerMac);
    const base::Bytes reply = sent[0].l4();
    REQUIRE(reply[0] == (bench.is_v6() ? wire::kIcmpv6EchoReply : wire::kIcmpEchoReply));
    REQUIRE(base::load_be32(&reply[4]) == 0x12340007);
    REQUIRE(std::equal(body.begin(), body.end(), reply.begin() + 8, reply.end()));
}

TEST_CASE("every address of ours is announced at start, twice, two seconds apart") {
    HostOptions options;
    options.virtual_addresses = {*wire::IpAddress::parse("203.0.113.80"),
                                 *wire::IpAddress::parse("2001:db8:1::80")};
    Bench bench(false, options);
    const auto announced = [&] {
        std::multiset<wire::IpAddress> who;
        for (const Sent& one : bench.sent()) {
            REQUIRE(one.frame.destination_mac.is_group());
            if (one.is_arp()) {
                const auto arp = wire::parse_arp(base::Bytes(one.bytes).subspan(wire::kEthernetHeader));
                REQUIRE(arp.value().sender == arp.value().target);  // RFC 5227 3
                REQUIRE(arp.value().sender_mac == terminus::test::kOurMac);
                who.insert(arp.value().sender);
            } else {
                // RFC 4861 7.2.6: unsolicited, to all nodes.
                REQUIRE(one.frame.destination == wire::all_nodes_multicast());
                const auto nd =
                    wire::parse_nd(one.frame.source, one.frame.destination, one.frame.hop_limit, one.l4());
                REQUIRE(nd.value().kind == wire::NdKind::Advertisement);
                REQUIRE_FALSE(nd.value().solicited);
                who.insert(nd.value().target);
            }
        }
        return who;
    };
    const std::multiset<wire::IpAddress> all{Host::address_of(kUs, false), Host::address_of(kUs, true),
                                             options.virtual_addresses[0], options.virtual_addresses[1]};
    bench.turn();
    REQUIRE(announced() == all);
    bench.advance(2s - kTick);
    REQUIRE(announced().empty());
    bench.advance(2 * kTick);
    REQUIRE(announced() == all);
    bench.advance(10s);
    REQUIRE(announced().empty());
    // What a reload adds is announced too.
    std::vector<wire::IpAddress> more{Host::address_of(kUs, false), Host::address_of(kUs, true),
                                      options.virtual_addresses[0], options.virtual_addresses[1],
                                      *wire::IpAddress::parse("203.0.113.81")};
    bench.host().network().add_local_addresses(more, bench.now());
    bench.turn();
    REQUIRE(announced().count(more[4]) == 1);
}

// RFC 9293 3.9.1.1, MUST-45: answers come from that address and no other.
TEST_CASE("connections to a virtual address are served, in both families") {
    const LeakCheck leaks;
    const wire::IpAddress address = Host::address_of(200, GENERATE(false, true));
    World world;
    Host& client = world.add_host({.number = 1});
    Host& server = world.add_host({.number = 2, .virtual_addresses = {address}});
    world.connect(client, server);
    server.listen_at({address, 80}, {.send = "virtual", .finish_when_sent = true});
    Flow& flow = client.connect({address, 80}, 4000, {.finish_when_peer_finished = true}, world.now());
    REQUIRE(world.run_until(5s, [&] { return flow.closed.has_value(); }));
    REQUIRE(flow.received == "virtual");
    REQUIRE(flow.closed == CloseReason::Normal);
}

}  // namespace
}  // namespace terminus::stack
