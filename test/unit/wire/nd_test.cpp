#include "wire/nd.hpp"

#include <catch2/catch.hpp>

#include "wire/frames.hpp"
#include "wire/icmp.hpp"

using namespace terminus;
using namespace terminus::wire;
using test::hex;
using test::operator+;
using test::kOur6;
using test::kPeer6;
using test::Octets;

namespace {

const IpAddress kUnspecified;
const IpAddress kGroup = solicited_node_multicast(kOur6);
constexpr auto kSolicitation = "87000000 00000000 20010db8000000000000000000000002";
constexpr auto kAdvertisement = "88000000 60000000 20010db8000000000000000000000001";
constexpr auto kSourceOption = "0101 020000000001";
constexpr auto kTargetOption = "0201 020000000001";

base::Result<NdMessage, Fault> solicitation(const Octets& message, const IpAddress& source = kPeer6,
                                            const IpAddress& destination = kGroup, std::uint8_t hops = 255) {
    return parse_nd(source, destination, hops, message);
}
base::Result<NdMessage, Fault> advertisement(const Octets& message, const IpAddress& destination = kOur6) {
    return parse_nd(kPeer6, destination, 255, message);
}

}  // namespace

TEST_CASE("a solicitation is written with a good checksum and read back") {
    NdMessage message;
    message.kind = NdKind::Solicitation;
    message.target = kOur6;
    message.link_address = test::kPeerMac;
    Octets out(kNdLengthMax);
    REQUIRE(write_nd(message, kPeer6, kGroup, out) == 32);
    REQUIRE(parse_icmp(kPeer6, kGroup, out).ok());
    base::store_be16(&out[2], 0);
    CHECK(out == hex(kSolicitation) + hex(kSourceOption));
    const auto parsed = solicitation(out);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().kind == NdKind::Solicitation);
    CHECK(parsed.value().target == kOur6);
    CHECK(parsed.value().link_address == test::kPeerMac);
}

TEST_CASE("an advertisement's flags are written and read back one by one") {
    for (unsigned bits = 0; bits < 8; ++bits) {
        NdMessage message;
        message.kind = NdKind::Advertisement;
        message.target = kPeer6;
        message.router = (bits & 1) != 0;
        message.solicited = (bits & 2) != 0;
        message.override = (bits & 4) != 0;
        Octets out(kNdLengthMax);
        out.resize(write_nd(message, kPeer6, kOur6, out));
        REQUIRE(out.size() == 24);
        const auto parsed = advertisement(out);
        REQUIRE(parsed.ok());
        CHECK(parsed.value().kind == NdKind::Advertisement);
        CHECK(parsed.value().router == message.router);
        CHECK(parsed.value().solicited == message.solicited);
        CHECK(parsed.value().override == message.override);
        CHECK_FALSE(parsed.value().link_address);
    }
}

TEST_CASE("RFC 4861 7.1: a hop limit other than 255 came from beyond a router") {
    CHECK(solicitation(hex(kSolicitation)).ok());
    CHECK(solicitation(hex(kSolicitation), kPeer6, kGroup, 254).error() == Fault::NdMalformed);
    CHECK(parse_nd(kPeer6, kOur6, 254, hex("86000000 00000000")).error() == Fault::NdMalformed);
}

TEST_CASE("RFC 4861 7.1: a code other than zero or a message under 24 bytes is refused") {
    Octets message = hex(kSolicitation);
    message[1] = 1;
    CHECK(solicitation(message).error() == Fault::NdMalformed);
    message = hex(kSolicitation);
    message.pop_back();
    CHECK(solicitation(message).error() == Fault::NdMalformed);
    CHECK(solicitation({}).error() == Fault::NdMalformed);
}

TEST_CASE("RFC 4861 7.1: a target that no neighbour can be is refused") {
    for (const char* target : {"ff02::1", "::", "::1"}) {
        Octets message = hex(kSolicitation);
        std::memcpy(&message[8], IpAddress::parse(target)->bytes().data(), 16);
        CHECK(solicitation(message).error() == Fault::NdMalformed);
    }
    Octets mapped = hex(kSolicitation);
    std::memcpy(&mapped[8], test::kOur4.bytes().data(), 16);
    CHECK(solicitation(mapped).error() == Fault::NdMalformed);
}

TEST_CASE("HARDENING 3: a neighbour discovery option of length zero or past the message is refused") {
    CHECK(solicitation(hex(kSolicitation) + hex(kSourceOption)).ok());
    CHECK_FALSE(solicitation(hex(kSolicitation) + hex("0100 020000000001")).ok());
    CHECK_FALSE(solicitation(hex(kSolicitation) + hex("0102 020000000001")).ok());
    CHECK_FALSE(solicitation(hex(kSolicitation) + hex("01")).ok());
    CHECK_FALSE(solicitation(hex(kSolicitation) + hex("0102 020000000001 0000000000000000")).ok());
    CHECK(solicitation(hex(kSolicitation) + hex("0e01 020000000001")).ok());  // a nonce (RFC 3971): skipped
    CHECK_FALSE(solicitation(hex(kSolicitation) + hex("0101 030000000001")).ok());
}

TEST_CASE("of two link-layer addresses the first counts") {
    const auto parsed = solicitation(hex(kSolicitation) + hex(kSourceOption) + hex("0101 020000000009"));
    REQUIRE(parsed.ok());
    CHECK(parsed.value().link_address == test::kPeerMac);
}

TEST_CASE("RFC 4861 7.1.1: duplicate address detection asks the group and gives no address") {
    CHECK(solicitation(hex(kSolicitation), kUnspecified).ok());
    CHECK_FALSE(solicitation(hex(kSolicitation), kUnspecified, kOur6).ok());
    CHECK_FALSE(solicitation(hex(kSolicitation) + hex(kSourceOption), kUnspecified).ok());
    CHECK(solicitation(hex(kSolicitation), kPeer6, kOur6).ok());
}

TEST_CASE("RFC 4861 7.1.2: what is sent to all can't be solicited") {
    const Octets solicited = hex(kAdvertisement) + hex(kTargetOption);
    CHECK(advertisement(solicited).ok());
    CHECK_FALSE(advertisement(solicited, all_nodes_multicast()).ok());
    Octets unsolicited = solicited;
    unsolicited[4] = 0x20;
    CHECK(advertisement(unsolicited, all_nodes_multicast()).ok());
    CHECK_FALSE(parse_nd(kUnspecified, kOur6, 255, solicited).ok());
}

TEST_CASE("router messages and redirects are ignored") {
    for (const char* type : {"85", "86", "89"}) {
        const auto parsed = parse_nd(kPeer6, kOur6, 255, hex(type) + hex("000000 00000000"));
        REQUIRE(parsed.ok());
        CHECK(parsed.value().kind == NdKind::Ignored);
    }
}

TEST_CASE("the groups of neighbour discovery are RFC 4291's") {
    CHECK(solicited_node_multicast(*IpAddress::parse("4037::1:800:200e:8c6c")).to_string() ==
          "ff02::1:ff0e:8c6c");
    CHECK(all_nodes_multicast().to_string() == "ff02::1");
}
