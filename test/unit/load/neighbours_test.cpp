#include "load/neighbours.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <optional>

#include "load/rig.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/nd.hpp"

namespace terminus::load {
namespace {

using namespace std::chrono_literals;

constexpr base::Instant kNow = base::instant_from_ns(1'000'000'000);
constexpr wire::MacAddress kAsker{{2, 0, 0, 0, 0, 9}};

wire::IpAddress address(const char* text) {
    return *wire::IpAddress::parse(text);
}

/// Two addresses, and the one that is answered for beside them.
constexpr std::uint16_t kAnnounced = 3;

SideSettings side(bool is_v4) {
    SideSettings settings = client_settings(is_v4).side;
    settings.also_answers = address(is_v4 ? "192.0.2.1" : "2001:db8::1");
    return settings;
}

packet::Buffer arp_frame(wire::ArpOperation operation, const char* sender, const char* target) {
    wire::ArpMessage arp;
    arp.operation = operation;
    arp.sender_mac = kAsker;
    arp.sender = address(sender);
    arp.target = address(target);
    std::array<std::uint8_t, wire::kArpLength> message{};
    wire::write_arp(arp, message);
    return packet::FrameBuilder(test::pool(), nullptr, {})
        .ethernet(kAsker, wire::MacAddress::broadcast(), wire::kEtherTypeArp, message);
}

packet::Buffer nd_frame(const wire::NdMessage& nd, const wire::IpAddress& to) {
    packet::FrameAddressing addressing;
    addressing.source_mac = kAsker;
    addressing.destination_mac = to.is_multicast() ? wire::multicast_mac(to) : kClientMac;
    addressing.source = address("2001:db8::9");
    addressing.destination = to;
    addressing.hop_limit = wire::kNdHopLimit;
    std::array<std::uint8_t, wire::kNdLengthMax> message{};
    const std::size_t length = wire::write_nd(nd, addressing.source, to, message);
    return packet::FrameBuilder(test::pool(), nullptr, {})
        .ip(addressing, wire::kProtocolIcmpv6, base::Bytes(message).first(length));
}

wire::NdMessage nd_question(const char* target) {
    wire::NdMessage nd;
    nd.kind = wire::NdKind::Solicitation;
    nd.target = address(target);
    nd.link_address = kAsker;
    return nd;
}

struct Ran {
    explicit Ran(Neighbours& neighbours, base::Instant now = kNow) { neighbours.run(now, out); }
    [[nodiscard]] wire::Frame frame(std::uint16_t index) {
        kept = out.take(index);
        return wire::parse_frame(kept.bytes(), kept.length()).value();
    }
    [[nodiscard]] wire::ArpMessage arp(std::uint16_t index) {
        const wire::Frame found = frame(index);
        REQUIRE(found.ether_type == wire::kEtherTypeArp);
        return wire::parse_arp(kept.bytes().subspan(found.l3_offset)).value();
    }
    [[nodiscard]] wire::NdMessage nd(std::uint16_t index) {
        const wire::Frame found = frame(index);
        const base::Bytes message = kept.bytes().subspan(found.l4_offset, found.l4_length);
        REQUIRE(wire::l4_checksum_is_good(found, message));
        return wire::parse_nd(found.source, found.destination, found.hop_limit, message).value();
    }
    packet::Batch out;
    packet::Buffer kept;
};

TEST_CASE("the next hop is asked for again until it answers, by ARP") {
    Neighbours neighbours(side(true));
    Ran first(neighbours);
    REQUIRE(first.out.size() == 1 + kAnnounced);
    const wire::ArpMessage question = first.arp(0);
    CHECK(question.operation == wire::ArpOperation::Request);
    CHECK(question.target == backend_address(true));
    CHECK(question.sender == client_address(true));
    CHECK(Ran(neighbours, kNow + Neighbours::kAskEvery - 1ns).out.empty());
    CHECK(Ran(neighbours, kNow + Neighbours::kAskEvery).out.size() == 1);
    CHECK_FALSE(neighbours.peer().has_value());
    neighbours.receive(arp_frame(wire::ArpOperation::Reply, "192.0.2.201", "192.0.2.10"));
    CHECK_FALSE(neighbours.peer().has_value());
    neighbours.receive(arp_frame(wire::ArpOperation::Reply, "192.0.2.200", "192.0.2.10"));
    CHECK(neighbours.peer() == kAsker);
    CHECK(Ran(neighbours, kNow + 10s).out.empty());
}

TEST_CASE("the next hop is asked for again until it answers, by neighbour discovery") {
    Neighbours neighbours(side(false));
    Ran first(neighbours);
    REQUIRE(first.out.size() == 1 + kAnnounced);
    const wire::NdMessage question = first.nd(0);
    CHECK(question.kind == wire::NdKind::Solicitation);
    CHECK(question.target == backend_address(false));
    CHECK(question.link_address == kClientMac);
    wire::NdMessage answer;
    answer.kind = wire::NdKind::Advertisement;
    answer.solicited = true;
    answer.target = address("2001:db8::201");
    answer.link_address = kAsker;
    neighbours.receive(nd_frame(answer, client_address(false)));
    CHECK_FALSE(neighbours.peer().has_value());
    answer.target = backend_address(false);
    neighbours.receive(nd_frame(answer, client_address(false)));
    CHECK(neighbours.peer() == kAsker);
}

TEST_CASE("every own address is announced once") {
    SideSettings settings = side(true);
    settings.next_hop.reset();
    Neighbours ipv4(settings);
    Ran first(ipv4);
    REQUIRE(first.out.size() == kAnnounced);
    std::uint16_t index = 0;
    for (const char* own : {"192.0.2.10", "192.0.2.11", "192.0.2.1"}) {
        const wire::ArpMessage arp = first.arp(index++);
        CHECK(arp.sender == address(own));
        CHECK(arp.target == address(own));
        CHECK(arp.sender_mac == kClientMac);
    }
    CHECK(Ran(ipv4, kNow + 1h).out.empty());
    settings = side(false);
    settings.next_hop.reset();
    Neighbours ipv6(settings);
    Ran second(ipv6);
    REQUIRE(second.out.size() == kAnnounced);
    const wire::NdMessage nd = second.nd(1);
    CHECK(nd.kind == wire::NdKind::Advertisement);
    CHECK(nd.target == address("2001:db8::11"));
    CHECK(nd.link_address == kClientMac);
    CHECK(nd.override);
    CHECK_FALSE(nd.solicited);
}

TEST_CASE("questions for addresses of ours are answered, and no others") {
    SideSettings settings = side(true);
    settings.next_hop.reset();
    Neighbours neighbours(settings);
    CHECK(Ran(neighbours).out.size() == kAnnounced);
    for (const char* ours : {"192.0.2.10", "192.0.2.11", "192.0.2.1"}) {
        CHECK(neighbours.receive(arp_frame(wire::ArpOperation::Request, "192.0.2.9", ours)));
        Ran ran(neighbours);
        REQUIRE(ran.out.size() == 1);
        const wire::ArpMessage answer = ran.arp(0);
        CHECK(answer.operation == wire::ArpOperation::Reply);
        CHECK(answer.sender == address(ours));
        CHECK(answer.sender_mac == kClientMac);
        CHECK(answer.target_mac == kAsker);
    }
    for (const char* other : {"192.0.2.12", "192.0.2.200"}) {
        CHECK_FALSE(neighbours.receive(arp_frame(wire::ArpOperation::Request, "192.0.2.9", other)));
        CHECK(Ran(neighbours).out.empty());
    }
    Neighbours all(settings, true);
    CHECK(all.receive(arp_frame(wire::ArpOperation::Request, "192.0.2.9", "192.0.2.12")));
}

TEST_CASE("solicitations for addresses of ours are answered, and no others") {
    SideSettings settings = side(false);
    settings.next_hop.reset();
    Neighbours neighbours(settings);
    CHECK(Ran(neighbours).out.size() == kAnnounced);
    for (const char* ours : {"2001:db8::10", "2001:db8::11", "2001:db8::1"}) {
        CHECK(neighbours.receive(nd_frame(nd_question(ours), wire::solicited_node_multicast(address(ours)))));
        Ran ran(neighbours);
        REQUIRE(ran.out.size() == 1);
        const wire::NdMessage answer = ran.nd(0);
        CHECK(answer.kind == wire::NdKind::Advertisement);
        CHECK(answer.target == address(ours));
        CHECK(answer.link_address == kClientMac);
        CHECK(answer.solicited);
    }
    const char* other = "2001:db8::12";
    CHECK_FALSE(
        neighbours.receive(nd_frame(nd_question(other), wire::solicited_node_multicast(address(other)))));
    CHECK(Ran(neighbours).out.empty());
}

}  // namespace
}  // namespace terminus::load
