#include "wire/ipv4.hpp"

#include <catch2/catch.hpp>

#include "wire/frames.hpp"

using namespace terminus;
using namespace terminus::wire;
using test::hex;
using test::Octets;

namespace {

Octets packet_of(std::size_t payload, Ipv4Header header = {}) {
    const Octets frame = test::frame_v4(Octets(payload, 0xaa), kProtocolTcp, header);
    return Octets(frame.begin() + 14, frame.end());
}

void refresh(Octets& packet) {
    base::store_be16(&packet[10], 0);
    base::store_be16(&packet[10], finish(sum(base::Bytes(packet).first((packet[0] & 0xfu) * 4))));
}

std::optional<Fault> fault_of(const Octets& packet, std::size_t length) {
    const auto parsed = parse_ipv4(packet, length);
    return parsed ? std::nullopt : std::optional(parsed.error());
}
std::optional<Fault> fault_of(const Octets& packet) {
    return fault_of(packet, packet.size());
}

}  // namespace

TEST_CASE("an IPv4 header is written byte for byte and read back") {
    Ipv4Header header;
    header.source = IpAddress::v4(192, 168, 0, 1);
    header.destination = IpAddress::v4(192, 168, 0, 199);
    header.protocol = kProtocolUdp;
    header.total_length = 0x73;
    header.dont_fragment = true;
    Octets out(115, 0);
    write_ipv4(header, out);
    CHECK(Octets(out.begin(), out.begin() + 20) == hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7"));
    const auto parsed = parse_ipv4(out, out.size());
    REQUIRE(parsed.ok());
    CHECK(parsed.value().source == header.source);
    CHECK(parsed.value().destination == header.destination);
    CHECK(parsed.value().protocol == kProtocolUdp);
    CHECK(parsed.value().hop_limit == 64);
    CHECK(parsed.value().dont_fragment);
    CHECK_FALSE(parsed.value().is_fragment());
    CHECK(parsed.value().header_length == 20);
    CHECK(parsed.value().total_length == 0x73);
}

TEST_CASE("HARDENING 1: an IPv4 header that the frame does not hold is refused") {
    const Octets packet = packet_of(0);
    CHECK(fault_of(packet) == std::nullopt);
    CHECK(fault_of(Octets(packet.begin(), packet.end() - 1)) == Fault::IpTruncated);
    CHECK(fault_of(packet, 19) == Fault::IpTruncated);
}

TEST_CASE(
    "HARDENING 1: a total length under the header's or over the frame's is refused, padding is tolerated") {
    Octets packet = packet_of(4);
    CHECK(fault_of(packet) == std::nullopt);
    for (const auto& [total, fault] :
         {std::pair<std::uint16_t, std::optional<Fault>>{19, Fault::IpTotalLength},
          {20, std::nullopt},
          {24, std::nullopt},
          {25, Fault::IpTotalLength},
          {0, Fault::IpTotalLength},
          {65535, Fault::IpTotalLength}}) {
        base::store_be16(&packet[2], total);
        refresh(packet);
        INFO("total length " << total);
        CHECK(fault_of(packet) == fault);
    }
}

TEST_CASE("HARDENING 1: a total length that ends in a later buffer of a chain is believed") {
    Octets packet = packet_of(4);
    base::store_be16(&packet[2], 1000);
    refresh(packet);
    CHECK(fault_of(packet, 1000) == std::nullopt);
    CHECK(fault_of(packet, 999) == Fault::IpTotalLength);
}

TEST_CASE("HARDENING 2: an IP version other than the EtherType's is refused") {
    Octets packet = packet_of(4);
    for (const int version : {0, 3, 5, 6, 15}) {
        packet[0] = static_cast<std::uint8_t>(version << 4 | 5);
        refresh(packet);
        CHECK(fault_of(packet) == Fault::IpVersion);
    }
}

TEST_CASE("HARDENING 2: a header length under five words or past the packet is refused") {
    Octets packet = packet_of(40);
    for (int words = 0; words < 16; ++words) {
        packet[0] = static_cast<std::uint8_t>(0x40 | words);
        if (words >= 5) refresh(packet);
        INFO("words " << words);
        CHECK(fault_of(packet) == (words < 5 ? std::optional(Fault::IpHeaderLength) : std::nullopt));
    }
    Octets shorter = packet_of(20);
    shorter[0] = 0x4a;
    refresh(shorter);
    CHECK(fault_of(shorter) == std::nullopt);
    shorter[0] = 0x4b;
    CHECK(fault_of(shorter) == Fault::IpHeaderLength);
}

// RFC 9293 3.9.2, MUST-50.
TEST_CASE("HARDENING 2: IPv4 options are skipped and belong to the checksum") {
    Octets packet = packet_of(8);
    packet[0] = 0x46;
    refresh(packet);
    const auto parsed = parse_ipv4(packet, packet.size());
    REQUIRE(parsed.ok());
    CHECK(parsed.value().header_length == 24);
    packet[22] ^= 1;
    CHECK(fault_of(packet) == Fault::IpChecksum);
    base::store_be16(&packet[2], 23);
    refresh(packet);
    CHECK(fault_of(packet) == Fault::IpTotalLength);
}

TEST_CASE("HARDENING 7: any flipped bit of an IPv4 header is noticed") {
    const Octets good = packet_of(40);
    for (std::size_t bit = 0; bit < 160; ++bit) {
        Octets packet = good;
        packet[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        REQUIRE(fault_of(packet).has_value());
    }
    Octets zero = good;
    base::store_be16(&zero[10], 0);
    CHECK(fault_of(zero) == Fault::IpChecksum);
}

TEST_CASE("HARDENING 9: fragments are known, and impossible ones refused") {
    Ipv4Header header;
    header.more_fragments = true;
    CHECK(parse_ipv4(packet_of(8, header), 28).value().is_fragment());
    CHECK(fault_of(packet_of(9, header)) ==
          Fault::FragmentMalformed);  // not the last, not a multiple of eight
    CHECK(fault_of(packet_of(0, header)) == Fault::FragmentMalformed);
    header.more_fragments = false;
    header.fragment_offset = 8;
    CHECK(parse_ipv4(packet_of(9, header), 29).value().fragment_offset == 8);
    CHECK(fault_of(packet_of(0, header)) == Fault::FragmentMalformed);
    header.fragment_offset = 65504;  // 65504 + 20 + 11 = 65535
    CHECK(fault_of(packet_of(11, header)) == std::nullopt);
    CHECK(fault_of(packet_of(12, header)) == Fault::FragmentMalformed);
}
