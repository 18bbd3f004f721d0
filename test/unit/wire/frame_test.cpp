#include "wire/frame.hpp"

#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "wire/frames.hpp"
#include "wire/icmp.hpp"
#include "wire/tcp.hpp"

using namespace terminus;
using namespace terminus::wire;
using test::frame_v4;
using test::frame_v6;
using test::hex;
using test::operator+;
using test::Octets;

namespace {

std::optional<Fault> fault_of(const Octets& frame) {
    const auto parsed = parse_frame(frame, static_cast<std::uint32_t>(frame.size()));
    return parsed ? std::nullopt : std::optional(parsed.error());
}
Ipv4Header from(const char* source, const char* destination = "192.0.2.2") {
    Ipv4Header header;
    header.source = *IpAddress::parse(source);
    header.destination = *IpAddress::parse(destination);
    return header;
}
std::optional<Fault> fault_v4(const char* source, const char* destination,
                              std::uint8_t protocol = kProtocolTcp) {
    return fault_of(frame_v4(test::tcp_syn(), protocol, from(source, destination)));
}
std::optional<Fault> fault_v6(const char* source, const char* destination,
                              std::uint8_t protocol = kProtocolTcp) {
    return fault_of(
        frame_v6(test::tcp_syn(), protocol, *IpAddress::parse(source), *IpAddress::parse(destination)));
}

constexpr std::optional<Fault> kGood = std::nullopt;
const MacAddress kGroupMac{{0x33, 0x33, 0, 0, 0, 1}};

}  // namespace

TEST_CASE("a TCP frame over IPv4 is described by its addresses, offsets and lengths") {
    Ipv4Header header;
    header.hop_limit = 61;
    header.traffic_class = 3;
    const Octets bytes = frame_v4(test::tcp_syn() + hex("aabb"), kProtocolTcp, header);
    const auto parsed = parse_frame(bytes, static_cast<std::uint32_t>(bytes.size()));
    REQUIRE(parsed.ok());
    const Frame& frame = parsed.value();
    CHECK(frame.source_mac == test::kPeerMac);
    CHECK(frame.destination_mac == test::kOurMac);
    CHECK(frame.ether_type == kEtherTypeIpv4);
    CHECK(frame.source == test::kPeer4);
    CHECK(frame.destination == test::kOur4);
    CHECK(frame.protocol == kProtocolTcp);
    CHECK(frame.hop_limit == 61);
    CHECK(frame.traffic_class == 3);
    CHECK_FALSE(frame.is_fragment);
    CHECK(frame.l3_offset == 14);
    CHECK(frame.l4_offset == 34);
    CHECK(frame.l4_length == 22);
}

TEST_CASE("a TCP frame over IPv6 with extensions is described by where the transport starts") {
    const Octets bytes = frame_v6(hex("06 00 0104 00000000") + test::tcp_syn(), kProtocolDestinationOptions);
    const auto parsed = parse_frame(bytes, static_cast<std::uint32_t>(bytes.size()));
    REQUIRE(parsed.ok());
    CHECK(parsed.value().ether_type == kEtherTypeIpv6);
    CHECK(parsed.value().source == test::kPeer6);
    CHECK(parsed.value().destination == test::kOur6);
    CHECK(parsed.value().protocol == kProtocolTcp);
    CHECK(parsed.value().l4_offset == 62);
    CHECK(parsed.value().l4_length == 20);
    CHECK(parsed.value().hop_limit == 255);
}

TEST_CASE("an ARP frame is known by its EtherType and where its message starts") {
    const Octets bytes = test::ethernet(kEtherTypeArp, MacAddress::broadcast()) + Octets(46);
    const auto parsed = parse_frame(bytes, 60);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().ether_type == kEtherTypeArp);
    CHECK(parsed.value().l3_offset == 14);
    CHECK(parsed.value().l4_length == 0);
    CHECK(parsed.value().protocol == 0);
}

TEST_CASE("HARDENING 1: padding after a short packet is not the packet's") {
    const Octets v4 = frame_v4(test::tcp_syn()) + Octets(6, 0xff);
    CHECK(parse_frame(v4, 60).value().l4_length == 20);
    const Octets v6 = frame_v6(test::tcp_syn()) + Octets(6, 0xff);
    CHECK(parse_frame(v6, 80).value().l4_length == 20);
}

TEST_CASE("HARDENING 1: a frame cut anywhere is refused or reads nothing outside") {
    for (const Octets& whole :
         {frame_v4(test::tcp_syn()),
          frame_v6(hex("06 00 0104 00000000") + test::tcp_syn(), kProtocolDestinationOptions)}) {
        for (std::size_t length = 0; length < whole.size(); ++length) {
            const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
            REQUIRE(fault_of(cut).has_value());
        }
        CHECK(fault_of(whole) == kGood);
    }
}

TEST_CASE("HARDENING 1: the first buffer of a chain is enough when it holds the headers") {
    const Octets bytes = frame_v4(test::tcp_syn() + Octets(1400));
    const auto length = static_cast<std::uint32_t>(bytes.size());
    const auto parsed = parse_frame(base::Bytes(bytes).first(34), length);
    REQUIRE(parsed.ok());
    CHECK(parsed.value().l4_length == 1420);
    CHECK(parse_frame(base::Bytes(bytes).first(33), length).error() == Fault::IpTruncated);
    CHECK(parse_frame(bytes, length - 1).error() == Fault::IpTotalLength);
}

TEST_CASE("HARDENING 2: an IP header of the other version is refused") {
    Octets v6_in_v4 = frame_v6(test::tcp_syn());
    base::store_be16(&v6_in_v4[12], kEtherTypeIpv4);
    CHECK(fault_of(v6_in_v4) == Fault::IpVersion);
    Octets v4_in_v6 = frame_v4(test::tcp_syn() + Octets(40));
    base::store_be16(&v4_in_v6[12], kEtherTypeIpv6);
    CHECK(fault_of(v4_in_v6) == Fault::IpVersion);
}

TEST_CASE("protocols other than TCP and the family's own ICMP are refused") {
    CHECK(fault_of(frame_v4(test::tcp_syn(), kProtocolIcmp)) == kGood);
    CHECK(fault_of(frame_v4(test::tcp_syn(), kProtocolIcmpv6)) == Fault::IpProtocolUnknown);
    CHECK(fault_of(frame_v4(test::tcp_syn(), kProtocolUdp)) == Fault::IpProtocolUnknown);
    CHECK(fault_of(frame_v6(test::tcp_syn(), kProtocolIcmpv6)) == kGood);
    CHECK(fault_of(frame_v6(test::tcp_syn(), kProtocolIcmp)) == Fault::IpProtocolUnknown);
    CHECK(fault_of(frame_v6(test::tcp_syn(), kProtocolNoNext)) == Fault::IpProtocolUnknown);
    CHECK(fault_of(frame_v6(test::tcp_syn(), 51)) == Fault::IpProtocolUnknown);
}

TEST_CASE("HARDENING 8: source = destination (LAND) is refused in both families") {
    CHECK(fault_v4("192.0.2.2", "192.0.2.2") == Fault::IpAddress);
    CHECK(fault_v4("192.0.2.3", "192.0.2.2") == kGood);
    CHECK(fault_v6("2001:db8::2", "2001:db8::2") == Fault::IpAddress);
}

// RFC 9293 3.9.2.3, MUST-63.
TEST_CASE("HARDENING 8: a source that no host can be is refused") {
    CHECK(fault_v4("0.0.0.0", "192.0.2.2") == Fault::IpAddress);
    CHECK(fault_v4("0.255.255.255", "192.0.2.2") == Fault::IpAddress);
    CHECK(fault_v4("1.0.0.0", "192.0.2.2") == kGood);
    CHECK(fault_v4("127.0.0.1", "192.0.2.2") == Fault::IpAddress);
    CHECK(fault_v4("224.0.0.1", "192.0.2.2") == Fault::IpAddress);
    CHECK(fault_v4("223.255.255.255", "192.0.2.2") == kGood);
    CHECK(fault_v4("255.255.255.255", "192.0.2.2") == Fault::IpAddress);
    CHECK(fault_v4("127.0.0.1", "192.0.2.2", kProtocolIcmp) == Fault::IpAddress);
    CHECK(fault_v6("::", "2001:db8::2") == Fault::IpAddress);
    CHECK(fault_v6("::1", "2001:db8::2") == Fault::IpAddress);
    CHECK(fault_v6("ff02::1", "2001:db8::2") == Fault::IpAddress);
    CHECK(fault_v6("ff02::1", "2001:db8::2", kProtocolIcmpv6) == Fault::IpAddress);
    CHECK(fault_v6("::2", "2001:db8::2") == kGood);
}

TEST_CASE("HARDENING 8: a mapped address in an IPv6 header is refused, as source and as destination") {
    CHECK(fault_of(frame_v6(test::tcp_syn(), kProtocolTcp, test::kPeer4, test::kOur6)) == Fault::IpAddress);
    CHECK(fault_of(frame_v6(test::tcp_syn(), kProtocolTcp, test::kPeer6, test::kOur4)) == Fault::IpAddress);
}

// RFC 9293 3.9.2.3, MUST-57.
TEST_CASE("HARDENING 8: TCP to many is refused, ICMP to many is handed on") {
    CHECK(fault_v4("192.0.2.1", "224.0.0.1") == Fault::IpAddress);
    CHECK(fault_v4("192.0.2.1", "224.0.0.1", kProtocolIcmp) == kGood);
    CHECK(fault_v4("192.0.2.1", "255.255.255.255") == Fault::IpAddress);
    CHECK(fault_v4("192.0.2.1", "255.255.255.255", kProtocolIcmp) == kGood);
    CHECK(fault_v6("2001:db8::1", "ff02::1") == Fault::IpAddress);
    CHECK(fault_v6("2001:db8::1", "ff02::1:ff00:2", kProtocolIcmpv6) == kGood);
    CHECK(fault_of(frame_v4(test::tcp_syn(), kProtocolTcp, {}, MacAddress::broadcast())) == Fault::IpAddress);
    CHECK(fault_of(frame_v6(test::tcp_syn(), kProtocolTcp, test::kPeer6, test::kOur6, kGroupMac)) ==
          Fault::IpAddress);
}

TEST_CASE("HARDENING 8: a loopback or zero destination is refused for every protocol") {
    for (const std::uint8_t protocol : {kProtocolTcp, kProtocolIcmp}) {
        CHECK(fault_v4("192.0.2.1", "127.0.0.1", protocol) == Fault::IpAddress);
        CHECK(fault_v4("192.0.2.1", "0.0.0.0", protocol) == Fault::IpAddress);
    }
    CHECK(fault_v6("2001:db8::1", "::1", kProtocolIcmpv6) == Fault::IpAddress);
    CHECK(fault_v6("2001:db8::1", "::", kProtocolIcmpv6) == Fault::IpAddress);
}

TEST_CASE("duplicate address detection comes from the unspecified address and is handed on") {
    CHECK(fault_v6("::", "ff02::1:ff00:2", kProtocolIcmpv6) == kGood);
}

TEST_CASE("HARDENING 9: fragments are flagged, those that cut or overlay the TCP header refused") {
    Ipv4Header header;
    header.more_fragments = true;
    const Octets first = frame_v4(test::tcp_syn() + Octets(4), kProtocolTcp, header);
    CHECK(parse_frame(first, static_cast<std::uint32_t>(first.size())).value().is_fragment);
    CHECK(fault_of(frame_v4(Octets(16), kProtocolTcp, header)) == Fault::FragmentMalformed);
    CHECK(fault_of(frame_v4(Octets(16), kProtocolIcmp, header)) == kGood);
    header.fragment_offset = 16;
    CHECK(fault_of(frame_v4(Octets(16), kProtocolTcp, header)) == Fault::FragmentMalformed);
    header.fragment_offset = 24;
    CHECK(fault_of(frame_v4(Octets(16), kProtocolTcp, header)) == kGood);

    CHECK(fault_of(frame_v6(hex("06 00 0001 00000001") + Octets(16), kProtocolFragment)) ==
          Fault::FragmentMalformed);
    CHECK(fault_of(frame_v6(hex("06 00 0008 00000001") + Octets(16), kProtocolFragment)) ==
          Fault::FragmentMalformed);
    const Octets later = frame_v6(hex("06 00 0018 00000001") + Octets(16), kProtocolFragment);
    const auto parsed = parse_frame(later, static_cast<std::uint32_t>(later.size()));
    REQUIRE(parsed.ok());
    CHECK(parsed.value().is_fragment);
    CHECK(parsed.value().l4_offset == 62);
    CHECK(parsed.value().l4_length == 16);
}

// RFC 9293 3.1, MUST-3.
TEST_CASE("HARDENING 7: a TCP checksum is verified over pseudo-header and segment, zero is no exception") {
    for (const bool v6 : {false, true}) {
        const IpAddress source = v6 ? test::kPeer6 : test::kPeer4;
        const IpAddress destination = v6 ? test::kOur6 : test::kOur4;
        Octets segment = test::tcp_syn() + hex("616263");
        base::store_be16(&segment[16], l4_checksum(source, destination, kProtocolTcp, segment));
        const Octets bytes = (v6 ? frame_v6(segment) : frame_v4(segment)) + Octets(3, 0x55);
        const auto frame = parse_frame(bytes, static_cast<std::uint32_t>(bytes.size()));
        REQUIRE(frame.ok());
        const base::Bytes l4 = base::Bytes(bytes).subspan(frame.value().l4_offset);
        CHECK(l4_checksum_is_good(frame.value(), l4));
        CHECK_FALSE(l4_checksum_is_good(frame.value(), l4.first(22)));
        ChecksumAccumulator chain(l4_pseudo_sum(frame.value()));
        chain.add(l4.first(21));
        chain.add(l4.subspan(21, 2));
        CHECK(is_good(chain.partial()));

        Octets spoilt = bytes;
        base::store_be16(&spoilt[frame.value().l4_offset + 16u], 0);
        CHECK_FALSE(l4_checksum_is_good(frame.value(), base::Bytes(spoilt).subspan(frame.value().l4_offset)));
    }
}

TEST_CASE("an ICMP checksum has the pseudo-header in IPv6 only") {
    Octets message(8);
    write_icmp({kIcmpEchoRequest, 0, 1}, test::kPeer4, test::kOur4, {}, message);
    Octets bytes = frame_v4(message, kProtocolIcmp);
    CHECK(l4_checksum_is_good(parse_frame(bytes, 42).value(), base::Bytes(bytes).subspan(34)));
    write_icmp({kIcmpv6EchoRequest, 0, 1}, test::kPeer6, test::kOur6, {}, message);
    bytes = frame_v6(message, kProtocolIcmpv6);
    CHECK(l4_checksum_is_good(parse_frame(bytes, 62).value(), base::Bytes(bytes).subspan(54)));
}

TEST_CASE("HARDENING 1: any bytes whatever are parsed without reading outside or claiming more than came") {
    base::Rng rng(5);
    for (int round = 0; round < 20000; ++round) {
        Octets bytes = rng.below(2) == 0 ? frame_v4(test::tcp_syn() + Octets(rng.below(40)))
                                         : frame_v6(hex("06 00 0104 00000000") + test::tcp_syn(), 60);
        for (std::uint32_t changes = rng.below(6); changes > 0; --changes) {
            bytes[rng.below(static_cast<std::uint32_t>(bytes.size()))] =
                static_cast<std::uint8_t>(rng.next());
        }
        if (bytes[13] == 0) test::refresh_ip_checksum(bytes);
        bytes.resize(bytes.size() - rng.below(3));
        const auto parsed = parse_frame(bytes, static_cast<std::uint32_t>(bytes.size()));
        if (!parsed || parsed.value().ether_type == kEtherTypeArp) continue;
        REQUIRE(parsed.value().l4_offset + std::size_t{parsed.value().l4_length} <= bytes.size());
    }
}
