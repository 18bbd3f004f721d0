#include "wire/ipv6.hpp"

#include <catch2/catch.hpp>

#include "wire/frames.hpp"

using namespace terminus;
using namespace terminus::wire;
using test::hex;
using test::operator+;
using test::Octets;

namespace {

Octets packet_of(const Octets& payload, std::uint8_t next_header) {
    const Octets frame = test::frame_v6(payload, next_header);
    return Octets(frame.begin() + 14, frame.end());
}

// The payload after the chain, or what was wrong.
base::Result<Ipv6Payload, Fault> skipped(const Octets& payload, std::uint8_t next_header) {
    const Octets packet = packet_of(payload, next_header);
    const auto header = parse_ipv6(packet, packet.size());
    REQUIRE(header.ok());
    return skip_extensions(header.value(), packet);
}
std::optional<Fault> fault_of(const Octets& payload, std::uint8_t next_header) {
    const auto result = skipped(payload, next_header);
    return result ? std::nullopt : std::optional(result.error());
}

// An extension of eight bytes: next header, length 0, PadN over the rest.
Octets options(std::uint8_t next) {
    return Octets{next, 0, 1, 4, 0, 0, 0, 0};
}
Octets routing(std::uint8_t next, std::uint8_t type, std::uint8_t left) {
    return {next, 0, type, left, 0, 0, 0, 0};
}
Octets fragment(std::uint8_t next, std::uint16_t offset, bool more) {
    Octets out{next, 0, 0, 0, 0, 0, 0, 1};
    base::store_be16(&out[2], static_cast<std::uint16_t>(offset | (more ? 1 : 0)));
    return out;
}
const Octets kTcp = test::tcp_syn();

}  // namespace

TEST_CASE("an IPv6 header is written byte for byte and read back") {
    Ipv6Header header;
    header.source = test::kPeer6;
    header.destination = test::kOur6;
    header.next_header = kProtocolTcp;
    header.hop_limit = 63;
    header.traffic_class = 0xab;
    header.flow_label = 0xcdef1;
    header.payload_length = 20;
    Octets out(60);
    write_ipv6(header, out);
    CHECK(Octets(out.begin(), out.begin() + 40) ==
          hex("6abcdef1 0014 06 3f 20010db8000000000000000000000001 20010db8000000000000000000000002"));
    const auto parsed = parse_ipv6(out, out.size());
    REQUIRE(parsed.ok());
    CHECK(parsed.value().source == header.source);
    CHECK(parsed.value().destination == header.destination);
    CHECK(parsed.value().traffic_class == 0xab);
    CHECK(parsed.value().flow_label == 0xcdef1);
    CHECK(parsed.value().hop_limit == 63);
    CHECK(parsed.value().payload_length == 20);
}

TEST_CASE("HARDENING 1: lengths that the frame does not hold are refused, padding is tolerated") {
    const Octets packet = packet_of(Octets(4), kProtocolTcp);
    CHECK(parse_ipv6(packet, 44).ok());
    CHECK(parse_ipv6(packet, 50).ok());
    CHECK(parse_ipv6(packet, 43).error() == Fault::IpTotalLength);
    CHECK(parse_ipv6(packet, 39).error() == Fault::IpTruncated);
    CHECK(parse_ipv6(base::Bytes(packet).first(39), 44).error() == Fault::IpTruncated);
}

TEST_CASE("HARDENING 2: version 4 behind IPv6's EtherType is refused") {
    Octets packet = packet_of(Octets(4), kProtocolTcp);
    packet[0] = 0x45;
    CHECK(parse_ipv6(packet, packet.size()).error() == Fault::IpVersion);
}

TEST_CASE("HARDENING 2: extension headers are skipped to the transport header") {
    CHECK(skipped(kTcp, kProtocolTcp).value().offset == 40);
    const auto all = skipped(options(kProtocolDestinationOptions) + options(kProtocolRouting) +
                                 routing(kProtocolDestinationOptions, 2, 0) + options(kProtocolTcp) + kTcp,
                             kProtocolHopByHop);
    REQUIRE(all.ok());
    CHECK(all.value().protocol == kProtocolTcp);
    CHECK(all.value().offset == 72);
    CHECK_FALSE(all.value().is_fragment);
    Octets wide(16, 0);
    wide[0] = kProtocolTcp;
    wide[1] = 1;
    CHECK(skipped(wide + kTcp, kProtocolDestinationOptions).value().offset == 56);
}

TEST_CASE("HARDENING 2: repeated or misplaced extension headers are refused") {
    CHECK(fault_of(options(kProtocolHopByHop) + options(kProtocolTcp) + kTcp, kProtocolHopByHop) ==
          Fault::IpExtensionChain);
    CHECK(fault_of(options(kProtocolHopByHop) + options(kProtocolTcp) + kTcp, kProtocolDestinationOptions) ==
          Fault::IpExtensionChain);
    const Octets two = options(kProtocolDestinationOptions) + options(kProtocolTcp) + kTcp;
    CHECK(fault_of(two, kProtocolDestinationOptions) == std::nullopt);
    CHECK(fault_of(options(kProtocolDestinationOptions) + two, kProtocolDestinationOptions) ==
          Fault::IpExtensionChain);
    CHECK(fault_of(routing(kProtocolRouting, 2, 0) + routing(kProtocolTcp, 2, 0) + kTcp, kProtocolRouting) ==
          Fault::IpExtensionChain);
    CHECK(fault_of(fragment(kProtocolFragment, 0, false) + fragment(kProtocolTcp, 0, false) + kTcp,
                   kProtocolFragment) == Fault::IpExtensionChain);
}

TEST_CASE("HARDENING 2: a chain that is long is refused whatever it is made of") {
    Octets chain;
    for (int i = 0; i < 200; ++i)
        chain = chain + options(kProtocolDestinationOptions);
    CHECK(fault_of(chain + kTcp, kProtocolDestinationOptions) == Fault::IpExtensionChain);
}

TEST_CASE("HARDENING 2: routing type 0 is refused, others only while they have somewhere to go") {
    CHECK(fault_of(routing(kProtocolTcp, 0, 0) + kTcp, kProtocolRouting) == Fault::IpExtensionChain);
    CHECK(fault_of(routing(kProtocolTcp, 2, 1) + kTcp, kProtocolRouting) == Fault::IpExtensionChain);
    CHECK(fault_of(routing(kProtocolTcp, 2, 0) + kTcp, kProtocolRouting) == std::nullopt);
}

TEST_CASE("HARDENING 2: an unknown option that says discard is obeyed, one that says skip is skipped") {
    const auto with_option = [](std::uint8_t type) {
        return Octets{kProtocolTcp, 0, type, 4, 0, 0, 0, 0} + kTcp;
    };
    CHECK(fault_of(with_option(0x1e), kProtocolDestinationOptions) == std::nullopt);
    CHECK(fault_of(with_option(0x5e), kProtocolDestinationOptions) == Fault::IpExtensionChain);
    CHECK(fault_of(with_option(0x9e), kProtocolDestinationOptions) == Fault::IpExtensionChain);
    CHECK(fault_of(with_option(0xc2), kProtocolHopByHop) == Fault::IpExtensionChain);  // jumbogram
    CHECK(fault_of(Octets{kProtocolTcp, 0, 5, 2, 0, 0, 1, 0}, kProtocolHopByHop) == std::nullopt);
    CHECK(fault_of(Octets{kProtocolTcp, 0, 1, 5, 0, 0, 0, 0} + kTcp, kProtocolDestinationOptions) ==
          Fault::IpExtensionChain);  // an option that ends past its header
    CHECK(fault_of(Octets{kProtocolTcp, 0, 0, 0, 0, 0, 0, 1} + kTcp, kProtocolDestinationOptions) ==
          Fault::IpExtensionChain);  // an option without room for its length
}

TEST_CASE("HARDENING 1: an extension header that ends past the packet is refused") {
    Octets extension = options(kProtocolTcp);
    CHECK(skipped(extension, kProtocolDestinationOptions).value().offset == 48);  // ends with the packet
    extension[1] = 1;
    CHECK(fault_of(extension, kProtocolDestinationOptions) == Fault::IpTruncated);
    CHECK(fault_of(Octets(7), kProtocolDestinationOptions) == Fault::IpTruncated);
    CHECK(fault_of({}, kProtocolHopByHop) == Fault::IpTruncated);
    CHECK(fault_of(Octets(7), kProtocolFragment) == Fault::IpTruncated);
}

TEST_CASE("HARDENING 1: a chain that leaves the first buffer is refused, not followed") {
    const Octets packet = packet_of(options(kProtocolDestinationOptions) + options(kProtocolTcp) + kTcp,
                                    kProtocolDestinationOptions);
    const auto header = parse_ipv6(packet, packet.size());
    REQUIRE(header.ok());
    CHECK(skip_extensions(header.value(), base::Bytes(packet).first(56)).ok());
    for (std::size_t length = 40; length < 56; ++length) {
        REQUIRE(skip_extensions(header.value(), base::Bytes(packet).first(length)).error() ==
                Fault::IpExtensionChain);
    }
}

TEST_CASE("HARDENING 9: a fragment header ends the chain, an atomic one is skipped") {
    const auto first = skipped(fragment(kProtocolTcp, 0, true) + Octets(24), kProtocolFragment);
    REQUIRE(first.ok());
    CHECK(first.value().is_fragment);
    CHECK(first.value().offset == 48);
    CHECK(first.value().more_fragments);
    // RFC 6946: offset zero and no more fragments is a whole packet.
    const auto atomic = skipped(fragment(kProtocolTcp, 0, false) + kTcp, kProtocolFragment);
    REQUIRE(atomic.ok());
    CHECK_FALSE(atomic.value().is_fragment);
    CHECK(atomic.value().protocol == kProtocolTcp);
    CHECK(atomic.value().offset == 48);
}

TEST_CASE("HARDENING 9: impossible IPv6 fragments are refused") {
    CHECK(fault_of(fragment(kProtocolTcp, 0, true) + Octets(25), kProtocolFragment) ==
          Fault::FragmentMalformed);
    CHECK(fault_of(fragment(kProtocolTcp, 0, true), kProtocolFragment) == Fault::FragmentMalformed);
    CHECK(fault_of(fragment(kProtocolTcp, 8, false), kProtocolFragment) == Fault::FragmentMalformed);
    CHECK(fault_of(fragment(kProtocolTcp, 65528, false) + Octets(7), kProtocolFragment) == std::nullopt);
    CHECK(fault_of(fragment(kProtocolTcp, 65528, false) + Octets(8), kProtocolFragment) ==
          Fault::FragmentMalformed);
}
