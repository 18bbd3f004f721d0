#include "wire/icmp.hpp"

#include <catch2/catch.hpp>

#include "wire/frames.hpp"

using namespace terminus;
using namespace terminus::wire;
using test::hex;
using test::kOur4;
using test::kOur6;
using test::kPeer4;
using test::kPeer6;
using test::Octets;

namespace {

// Our SYN-ACK, as a router would quote it: 192.0.2.2:80 to 192.0.2.1:1000, sequence number 0x01020304.
Octets quoted_v4() {
    Ipv4Header header;
    header.source = kOur4;
    header.destination = kPeer4;
    const Octets frame = test::frame_v4(hex("0050 03e8 01020304"), kProtocolTcp, header);
    return Octets(frame.begin() + 14, frame.end());
}
Octets quoted_v6(const Octets& payload = hex("0050 03e8 01020304"), std::uint8_t next = kProtocolTcp) {
    const Octets frame = test::frame_v6(payload, next, kOur6, kPeer6);
    return Octets(frame.begin() + 14, frame.end());
}

Octets message_v4(std::uint8_t type, std::uint8_t code, std::uint32_t rest, const Octets& body) {
    Octets out(8 + body.size());
    write_icmp({type, code, rest}, kPeer4, kOur4, body, out);
    return out;
}
Octets message_v6(std::uint8_t type, std::uint8_t code, std::uint32_t rest, const Octets& body) {
    Octets out(8 + body.size());
    write_icmp({type, code, rest}, kPeer6, kOur6, body, out);
    return out;
}
base::Result<IcmpMessage, Fault> parsed_v4(const Octets& message) {
    return parse_icmp(kPeer4, kOur4, message);
}
base::Result<IcmpMessage, Fault> parsed_v6(const Octets& message) {
    return parse_icmp(kPeer6, kOur6, message);
}

}  // namespace

TEST_CASE("an echo request is written byte for byte and read back in both families") {
    const Octets v4 = message_v4(kIcmpEchoRequest, 0, 0x12340001, hex("6162"));
    CHECK(v4 == hex("0800 8468 1234 0001 6162"));
    const auto parsed = parsed_v4(v4);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().kind == IcmpKind::EchoRequest);
    CHECK(parsed.value().identifier == 0x1234);
    CHECK(parsed.value().sequence == 1);
    CHECK_FALSE(parsed.value().is_v6);
    const auto v6 = parsed_v6(message_v6(kIcmpv6EchoRequest, 0, 0x12340001, hex("6162")));
    REQUIRE(v6.ok());
    CHECK(v6.value().is_v6);
    CHECK(v6.value().kind == IcmpKind::EchoRequest);
    CHECK(v6.value().sequence == 1);
}

TEST_CASE("HARDENING 1: an ICMP message shorter than its header is refused") {
    const Octets message = message_v4(kIcmpEchoRequest, 0, 0, {});
    CHECK(parsed_v4(message).ok());
    CHECK(parsed_v4(Octets(message.begin(), message.end() - 1)).error() == Fault::IcmpTruncated);
}

TEST_CASE("HARDENING 7: a flipped bit in an ICMP message is noticed, and for IPv6 in the addresses too") {
    Octets v4 = message_v4(kIcmpEchoRequest, 0, 1, hex("61"));
    v4[8] ^= 1;
    CHECK(parsed_v4(v4).error() == Fault::IcmpChecksum);
    const Octets v6 = message_v6(kIcmpv6EchoRequest, 0, 1, hex("61"));
    CHECK(parsed_v6(v6).ok());
    CHECK(parse_icmp(kPeer6, *IpAddress::parse("2001:db8::3"), v6).error() == Fault::IcmpChecksum);
}

TEST_CASE("an error names the connection as ours and the quoted sequence number") {
    const auto parsed = parsed_v4(message_v4(kIcmpUnreachable, 1, 0, quoted_v4()));
    REQUIRE(parsed.ok());
    CHECK(parsed.value().kind == IcmpKind::Error);
    REQUIRE(parsed.value().quote.has_value());
    CHECK(parsed.value().quote->protocol == kProtocolTcp);
    CHECK(parsed.value().quote->tuple == FourTuple{{kOur4, 80}, {kPeer4, 1000}});
    CHECK(parsed.value().quote->seq == SeqNum(0x01020304));
    CHECK(parsed.value().next_hop_mtu == 0);

    const auto v6 = parsed_v6(message_v6(kIcmpv6Unreachable, 0, 0, quoted_v6()));
    REQUIRE(v6.ok());
    CHECK(v6.value().quote->tuple == FourTuple{{kOur6, 80}, {kPeer6, 1000}});
    CHECK(v6.value().quote->seq == SeqNum(0x01020304));
}

TEST_CASE("too big carries the next hop's MTU, other errors none") {
    CHECK(parsed_v4(message_v4(kIcmpUnreachable, 4, 0xffff05dc, quoted_v4())).value().next_hop_mtu == 1500);
    CHECK(parsed_v4(message_v4(kIcmpUnreachable, 3, 0xffff05dc, quoted_v4())).value().next_hop_mtu == 0);
    CHECK(parsed_v4(message_v4(kIcmpTimeExceeded, 4, 0x05dc, quoted_v4())).value().next_hop_mtu == 0);
    CHECK(parsed_v6(message_v6(kIcmpv6TooBig, 0, 1280, quoted_v6())).value().next_hop_mtu == 1280);
    CHECK(parsed_v6(message_v6(kIcmpv6TooBig, 0, 65536, quoted_v6())).value().next_hop_mtu == 65535);
    CHECK(parsed_v6(message_v6(kIcmpv6ParameterProblem, 0, 1280, quoted_v6())).value().next_hop_mtu == 0);
}

TEST_CASE("HARDENING 16: a quote of a packet that this address did not send is refused") {
    Octets forged = quoted_v4();
    forged[15] ^= 1;
    CHECK(parsed_v4(message_v4(kIcmpUnreachable, 1, 0, forged)).error() == Fault::IcmpMalformed);
    CHECK(parse_icmp(kPeer6, kOur6,
                     message_v6(kIcmpv6Unreachable, 0, 0,
                                [] {
                                    Octets quote = quoted_v6();
                                    quote[23] ^= 1;
                                    return quote;
                                }()))
              .error() == Fault::IcmpMalformed);
}

TEST_CASE("HARDENING 1: a quote too short to name its connection is refused, eight bytes are enough") {
    Octets quote = quoted_v4();
    REQUIRE(quote.size() == 28);
    for (std::size_t length = 0; length < quote.size(); ++length) {
        const Octets cut(quote.begin(), quote.begin() + static_cast<std::ptrdiff_t>(length));
        REQUIRE(parsed_v4(message_v4(kIcmpUnreachable, 1, 0, cut)).error() == Fault::IcmpMalformed);
    }
    CHECK(parsed_v4(message_v4(kIcmpUnreachable, 1, 0, quote)).ok());
    quote[0] = 0x46;  // options reach into the ports
    CHECK(parsed_v4(message_v4(kIcmpUnreachable, 1, 0, quote)).error() == Fault::IcmpMalformed);
    quote[0] = 0x44;
    CHECK(parsed_v4(message_v4(kIcmpUnreachable, 1, 0, quote)).error() == Fault::IcmpMalformed);
    quote[0] = 0x65;
    CHECK(parsed_v4(message_v4(kIcmpUnreachable, 1, 0, quote)).error() == Fault::IcmpMalformed);
    const Octets v6 = quoted_v6();
    for (std::size_t length = 0; length < v6.size(); ++length) {
        const Octets cut(v6.begin(), v6.begin() + static_cast<std::ptrdiff_t>(length));
        REQUIRE(parsed_v6(message_v6(kIcmpv6Unreachable, 0, 0, cut)).error() == Fault::IcmpMalformed);
    }
}

TEST_CASE("a quoted packet's payload length may name more than is quoted") {
    Octets v4 = quoted_v4();
    base::store_be16(&v4[2], 1500);  // and its checksum may be what a router made of it
    CHECK(parsed_v4(message_v4(kIcmpUnreachable, 4, 1400, v4)).ok());
    Octets v6 = quoted_v6();
    base::store_be16(&v6[4], 1460);
    CHECK(parsed_v6(message_v6(kIcmpv6TooBig, 0, 1400, v6)).ok());
}

TEST_CASE("a quoted later fragment has no ports, so it is about nobody") {
    Octets v4 = quoted_v4();
    base::store_be16(&v4[6], 1);
    const auto parsed = parsed_v4(message_v4(kIcmpTimeExceeded, 1, 0, v4));
    REQUIRE(parsed.ok());
    CHECK(parsed.value().kind == IcmpKind::Other);
    const Octets fragment = quoted_v6(hex("06 00 0008 00000001 0050 03e8 01020304"), kProtocolFragment);
    CHECK(parsed_v6(message_v6(kIcmpv6TimeExceeded, 1, 0, fragment)).value().kind == IcmpKind::Other);
}

TEST_CASE("a quote of another protocol has no ports") {
    Octets quote = quoted_v4();
    quote[9] = kProtocolUdp;
    const auto parsed = parsed_v4(message_v4(kIcmpUnreachable, 3, 0, quote));
    REQUIRE(parsed.ok());
    CHECK(parsed.value().quote->protocol == kProtocolUdp);
    CHECK(parsed.value().quote->tuple.local.port == 0);
}

TEST_CASE("kinds without a meaning here are Other, neighbour discovery is known") {
    for (const std::uint8_t type : {kIcmpRedirect, std::uint8_t{9}, std::uint8_t{13}, std::uint8_t{255}}) {
        CHECK(parsed_v4(message_v4(type, 0, 0, {})).value().kind == IcmpKind::Other);
    }
    for (std::uint8_t type = 132; type <= 138; ++type) {
        const IcmpKind kind = type >= 133 && type <= 137 ? IcmpKind::NeighbourDiscovery : IcmpKind::Other;
        CHECK(parsed_v6(message_v6(type, 0, 0, {})).value().kind == kind);
    }
}
