#include "neigh/responder.hpp"

#include <catch2/catch.hpp>

#include "wire/icmp.hpp"

using namespace terminus;
using namespace std::chrono_literals;
using base::Instant;
using neigh::Interface;
using neigh::LocalAddresses;
using neigh::Message;
using neigh::NeighbourCache;
using neigh::NeighbourState;
using neigh::Responder;
using wire::IpAddress;
using wire::MacAddress;

namespace {

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}
const MacAddress kOurMac{{0x02, 0, 0, 0, 0, 2}};
const MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 1}};

struct Bench {
    std::vector<Interface> interfaces{
        {0, kOurMac, 1500, {*wire::Prefix::parse("192.0.2.2/24"), *wire::Prefix::parse("2001:db8::2/64")}},
        {1, {{0x02, 0, 0, 0, 1, 2}}, 1500, {*wire::Prefix::parse("10.0.0.2/24")}}};
    LocalAddresses locals{interfaces};
    NeighbourCache cache{base::SipKey::from_seed(1)};
    Responder responder{interfaces, locals, cache};
    Instant now{};

    std::optional<Message> arp(const char* sender, const char* target, std::uint16_t port = 0,
                               wire::ArpOperation operation = wire::ArpOperation::Request) {
        wire::ArpMessage message;
        message.operation = operation;
        message.sender_mac = kPeerMac;
        message.sender = ip(sender);
        message.target = ip(target);
        return responder.arp_arrives(message, port, now);
    }
    std::optional<Message> nd(wire::NdMessage message, const char* source = "2001:db8::1",
                              const char* destination = "ff02::1:ff00:2") {
        wire::Frame frame;
        frame.source_mac = kPeerMac;
        frame.source = ip(source);
        frame.destination = ip(destination);
        return responder.nd_arrives(message, frame, 0, now);
    }
};

wire::NdMessage solicitation(const char* target, std::optional<MacAddress> mac = kPeerMac) {
    wire::NdMessage message;
    message.kind = wire::NdKind::Solicitation;
    message.target = ip(target);
    message.link_address = mac;
    return message;
}

// The neighbour discovery inside a message, after a receiver's own checks.
wire::NdMessage read_nd(const Message& message) {
    REQUIRE(message.ether_type == wire::kEtherTypeIpv6);
    REQUIRE(wire::parse_icmp(message.source, message.destination, message.bytes()).ok());
    const auto parsed = wire::parse_nd(message.source, message.destination, 255, message.bytes());
    REQUIRE(parsed.ok());
    return parsed.value();
}
wire::ArpMessage read_arp(const Message& message) {
    REQUIRE(message.ether_type == wire::kEtherTypeArp);
    const auto parsed = wire::parse_arp(message.bytes());
    REQUIRE(parsed.ok());
    return parsed.value();
}

}  // namespace

TEST_CASE("an ARP request for our address is answered, and teaches who asked") {
    Bench bench;
    const auto reply = bench.arp("192.0.2.1", "192.0.2.2");
    REQUIRE(reply);
    CHECK(reply->port == 0);
    CHECK(reply->source_mac == kOurMac);
    CHECK(reply->destination_mac == kPeerMac);
    const auto arp = read_arp(*reply);
    CHECK(arp.operation == wire::ArpOperation::Reply);
    CHECK(arp.sender == ip("192.0.2.2"));
    CHECK(arp.sender_mac == kOurMac);
    CHECK(arp.target == ip("192.0.2.1"));
    CHECK(arp.target_mac == kPeerMac);
    CHECK(bench.cache.state(ip("192.0.2.1"), 0) == NeighbourState::Stale);
}

TEST_CASE("an ARP request for another host, or on another port, is neither answered nor remembered") {
    Bench bench;
    CHECK_FALSE(bench.arp("192.0.2.1", "192.0.2.3"));
    CHECK_FALSE(bench.arp("192.0.2.1", "192.0.2.2", 1));
    CHECK_FALSE(bench.arp("192.0.2.1", "192.0.2.2", 9));
    CHECK(bench.cache.size() == 0);
}

TEST_CASE("RFC 5227 2.1: a probe for our address is answered without being remembered") {
    Bench bench;
    CHECK(bench.arp("0.0.0.0", "192.0.2.2"));
    CHECK(bench.cache.size() == 0);
}

TEST_CASE("virtual addresses are answered for on every port until they are removed") {
    Bench bench;
    const auto vip = bench.locals.add(ip("203.0.113.1"));
    CHECK(bench.arp("192.0.2.1", "203.0.113.1", 0));
    CHECK(bench.arp("10.0.0.1", "203.0.113.1", 1));
    bench.locals.remove(*vip);
    CHECK_FALSE(bench.arp("192.0.2.1", "203.0.113.1", 0));
}

TEST_CASE("an ARP reply resolves what we asked for, an unasked one makes nothing") {
    Bench bench;
    CHECK_FALSE(bench.arp("192.0.2.1", "192.0.2.2", 0, wire::ArpOperation::Reply));
    CHECK(bench.cache.size() == 0);
    bench.cache.lookup(ip("192.0.2.1"), 0, bench.now);
    CHECK_FALSE(bench.arp("192.0.2.1", "192.0.2.2", 0, wire::ArpOperation::Reply));
    CHECK(bench.cache.state(ip("192.0.2.1"), 0) == NeighbourState::Reachable);
}

TEST_CASE("somebody else's claim to our address is counted, not believed and not answered") {
    Bench bench;
    CHECK_FALSE(bench.arp("192.0.2.2", "192.0.2.2"));
    wire::NdMessage claim;
    claim.kind = wire::NdKind::Advertisement;
    claim.target = ip("2001:db8::2");
    claim.link_address = kPeerMac;
    CHECK_FALSE(bench.nd(claim, "2001:db8::2", "ff02::1"));
    CHECK(bench.responder.address_conflicts() == 2);
    CHECK(bench.cache.size() == 0);
}

TEST_CASE("RFC 4861 7.2.4: a solicitation for our address is answered to who asked") {
    Bench bench;
    const auto reply = bench.nd(solicitation("2001:db8::2"));
    REQUIRE(reply);
    CHECK(reply->source == ip("2001:db8::2"));
    CHECK(reply->destination == ip("2001:db8::1"));
    CHECK(reply->destination_mac == kPeerMac);
    const auto nd = read_nd(*reply);
    CHECK(nd.kind == wire::NdKind::Advertisement);
    CHECK(nd.target == ip("2001:db8::2"));
    CHECK(nd.link_address == kOurMac);
    CHECK(nd.solicited);
    CHECK(nd.override);
    CHECK_FALSE(nd.router);
    CHECK(bench.cache.state(ip("2001:db8::1"), 0) == NeighbourState::Stale);
}

TEST_CASE("RFC 4861 7.2.4: duplicate address detection for our address is answered to all") {
    Bench bench;
    const auto reply = bench.nd(solicitation("2001:db8::2", std::nullopt), "::");
    REQUIRE(reply);
    CHECK(reply->destination == wire::all_nodes_multicast());
    CHECK(reply->destination_mac == MacAddress{{0x33, 0x33, 0, 0, 0, 1}});
    CHECK_FALSE(read_nd(*reply).solicited);
    CHECK(bench.cache.size() == 0);
}

TEST_CASE("a solicitation for another host is neither answered nor remembered") {
    Bench bench;
    CHECK_FALSE(bench.nd(solicitation("2001:db8::3")));
    CHECK(bench.cache.size() == 0);
    CHECK_FALSE(bench.nd({}));
}

TEST_CASE("an advertisement resolves what we asked for") {
    Bench bench;
    bench.cache.lookup(ip("2001:db8::1"), 0, bench.now);
    wire::NdMessage answer;
    answer.kind = wire::NdKind::Advertisement;
    answer.target = ip("2001:db8::1");
    answer.link_address = kPeerMac;
    answer.solicited = true;
    CHECK_FALSE(bench.nd(answer, "2001:db8::1", "2001:db8::2"));
    CHECK(bench.cache.state(ip("2001:db8::1"), 0) == NeighbourState::Reachable);
}

TEST_CASE("RFC 5227 2.3: every own address is announced twice on its port, two seconds apart") {
    Bench bench;
    bench.locals.add(ip("203.0.113.1"));
    bench.responder.announce(bench.now);
    CHECK(bench.responder.next_deadline() == bench.now);
    const auto count = [&](Instant now) {
        int messages = 0;
        while (const auto message = bench.responder.poll_announcement(now)) {
            ++messages;
            if (message->ether_type == wire::kEtherTypeArp) {
                const auto arp = read_arp(*message);
                CHECK(arp.sender == arp.target);
                CHECK(arp.operation == wire::ArpOperation::Request);
                CHECK(message->destination_mac == MacAddress::broadcast());
            } else {
                const auto nd = read_nd(*message);
                CHECK(nd.override);
                CHECK_FALSE(nd.solicited);
                CHECK(nd.link_address == kOurMac);
            }
        }
        return messages;
    };
    CHECK(count(bench.now) == 5);  // three of interfaces, and the virtual one on both
    CHECK(bench.responder.next_deadline() == Instant{2s});
    CHECK(count(Instant{2s - 1ns}) == 0);
    CHECK(count(Instant{2s}) == 5);
    CHECK(bench.responder.next_deadline() == base::kNever);
    CHECK(count(Instant{1h}) == 0);
}

TEST_CASE("questions come from our address in the target's network, to everybody or to one") {
    Bench bench;
    auto message =
        neigh::solicitation_message({ip("192.0.2.1"), 0, std::nullopt}, bench.interfaces[0], bench.locals);
    REQUIRE(message);
    CHECK(message->destination_mac == MacAddress::broadcast());
    CHECK(read_arp(*message).sender == ip("192.0.2.2"));
    CHECK(read_arp(*message).target == ip("192.0.2.1"));
    message = neigh::solicitation_message({ip("192.0.2.1"), 0, kPeerMac}, bench.interfaces[0], bench.locals);
    CHECK(message->destination_mac == kPeerMac);

    message =
        neigh::solicitation_message({ip("2001:db8::1"), 0, std::nullopt}, bench.interfaces[0], bench.locals);
    REQUIRE(message);
    CHECK(message->source == ip("2001:db8::2"));
    CHECK(message->destination == ip("ff02::1:ff00:1"));
    CHECK(message->destination_mac == MacAddress{{0x33, 0x33, 0xff, 0, 0, 1}});
    CHECK(read_nd(*message).link_address == kOurMac);
    message =
        neigh::solicitation_message({ip("2001:db8::1"), 0, kPeerMac}, bench.interfaces[0], bench.locals);
    CHECK(message->destination == ip("2001:db8::1"));
    CHECK(message->destination_mac == kPeerMac);
}

TEST_CASE("without an address of the family there is nothing to ask with, unless a virtual one helps") {
    Bench bench;
    CHECK_FALSE(
        neigh::solicitation_message({ip("2001:db8::1"), 1, std::nullopt}, bench.interfaces[1], bench.locals));
    bench.locals.add(ip("2001:db8:1::1"));
    const auto message =
        neigh::solicitation_message({ip("2001:db8::1"), 1, std::nullopt}, bench.interfaces[1], bench.locals);
    REQUIRE(message);
    CHECK(message->source == ip("2001:db8:1::1"));
}

TEST_CASE("an interface is found by its port") {
    Bench bench;
    CHECK(neigh::interface_of(bench.interfaces, 1) == &bench.interfaces[1]);
    CHECK(neigh::interface_of(bench.interfaces, 2) == nullptr);
}
