#include "wire/ethernet.hpp"

#include <catch2/catch.hpp>

#include "wire/frames.hpp"

using namespace terminus;
using namespace terminus::wire;
using test::hex;
using test::Octets;

namespace {
std::optional<Fault> fault_of(const Octets& frame) {
    const auto parsed = parse_ethernet(frame);
    return parsed ? std::nullopt : std::optional(parsed.error());
}
}  // namespace

TEST_CASE("an Ethernet header is written and read back") {
    Octets out(14);
    write_ethernet({test::kOurMac, test::kPeerMac, kEtherTypeIpv6}, out);
    CHECK(out == hex("020000000002 020000000001 86dd"));
    const auto parsed = parse_ethernet(out);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().destination == test::kOurMac);
    CHECK(parsed.value().source == test::kPeerMac);
    CHECK(parsed.value().ether_type == kEtherTypeIpv6);
}

TEST_CASE("HARDENING 1: a frame shorter than the Ethernet header is refused") {
    CHECK(fault_of(hex("020000000002 020000000001 0800")) == std::nullopt);
    CHECK(fault_of(hex("020000000002 020000000001 08")) == Fault::EthernetTruncated);
    CHECK(fault_of({}) == Fault::EthernetTruncated);
}

TEST_CASE("a group address as source is refused") {
    CHECK(fault_of(hex("020000000002 030000000001 0800")) == Fault::EthernetSource);
    CHECK(fault_of(hex("020000000002 ffffffffffff 0800")) == Fault::EthernetSource);
    CHECK(fault_of(hex("ffffffffffff 020000000001 0800")) == std::nullopt);
}

TEST_CASE("tags and unknown types are told apart") {
    CHECK(fault_of(hex("020000000002 020000000001 8100")) == Fault::VlanTagged);
    CHECK(fault_of(hex("020000000002 020000000001 88a8")) == Fault::VlanTagged);
    CHECK(fault_of(hex("020000000002 020000000001 88cc")) == Fault::EtherTypeUnknown);
    CHECK(fault_of(hex("020000000002 020000000001 0026")) == Fault::EtherTypeUnknown);
    CHECK(fault_of(hex("020000000002 020000000001 0806")) == std::nullopt);
}

TEST_CASE("multicast addresses map to Ethernet as the RFCs say") {
    CHECK(multicast_mac(*IpAddress::parse("224.129.2.3")) ==
          MacAddress{{0x01, 0x00, 0x5e, 0x01, 0x02, 0x03}});
    CHECK(multicast_mac(*IpAddress::parse("ff02::1:ff12:3456")) ==
          MacAddress{{0x33, 0x33, 0xff, 0x12, 0x34, 0x56}});
}
