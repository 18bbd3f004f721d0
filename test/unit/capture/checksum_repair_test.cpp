#include "capture/checksum_repair.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/frame.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"
#include "wire/protocol.hpp"

namespace terminus::capture {
namespace {

using Frame = std::vector<std::uint8_t>;

constexpr std::size_t kIp = 14, kV4Message = kIp + 20, kV6Message = kIp + 40;
const wire::IpAddress kV4Source = wire::IpAddress::v4(192, 0, 2, 1),
                      kV4Destination = wire::IpAddress::v4(192, 0, 2, 80),
                      kV6Source = *wire::IpAddress::parse("2001:db8::1"),
                      kV6Destination = *wire::IpAddress::parse("2001:db8::80");

Frame joined(const Frame& head, const Frame& tail) {
    Frame all = head;
    all.insert(all.end(), tail.begin(), tail.end());
    return all;
}

/// `message` behind Ethernet and IPv4 or IPv6; the IP header is right.
Frame packet(bool is_v6, std::uint8_t protocol, const Frame& message) {
    Frame frame(is_v6 ? kV6Message : kV4Message);
    wire::write_ethernet({.ether_type = is_v6 ? wire::kEtherTypeIpv6 : wire::kEtherTypeIpv4}, frame);
    const auto length = static_cast<std::uint16_t>(message.size());
    const base::MutableBytes ip = base::MutableBytes(frame).subspan(kIp);
    if (is_v6) {
        wire::write_ipv6({.source = kV6Source,
                          .destination = kV6Destination,
                          .next_header = protocol,
                          .payload_length = length},
                         ip);
    } else {
        wire::write_ipv4({.source = kV4Source,
                          .destination = kV4Destination,
                          .protocol = protocol,
                          .total_length = static_cast<std::uint16_t>(20 + length)},
                         ip);
    }
    return joined(frame, message);
}

std::uint16_t pseudo(bool is_v6, std::uint8_t protocol, std::uint32_t length) {
    return wire::fold(wire::pseudo_sum(is_v6 ? kV6Source : kV4Source, is_v6 ? kV6Destination : kV4Destination,
                                       protocol, length));
}

/// A message of the protocol, its checksum zero, and where that lies.
struct Sample {
    std::uint8_t protocol;
    std::size_t checksum;
    Frame message;
};
Sample tcp() {
    Frame message(20 + 5, 7);
    std::fill_n(message.begin() + 16, 2, 0);
    message[12] = 0x50;
    return {wire::kProtocolTcp, 16, message};
}
Sample udp() {
    Frame message(8 + 5, 9);
    message[4] = 0;
    message[5] = 13;
    std::fill_n(message.begin() + 6, 2, 0);
    return {wire::kProtocolUdp, 6, message};
}
Sample icmp(bool is_v6) {
    Frame message(8 + 5, 3);
    std::fill_n(message.begin() + 2, 2, 0);
    return {is_v6 ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp, 2, message};
}

Frame with_checksum(Sample sample, std::uint16_t value) {
    base::store_be16(&sample.message[sample.checksum], value);
    return sample.message;
}

/// Whether a receiver would take the message.
bool is_good(const Frame& frame, bool is_v6, const Sample& sample) {
    const base::Bytes message =
        base::Bytes(frame).subspan(is_v6 ? kV6Message : kV4Message, sample.message.size());
    const std::uint16_t start =
        sample.protocol == wire::kProtocolIcmp
            ? std::uint16_t{0}
            : pseudo(is_v6, sample.protocol, static_cast<std::uint32_t>(sample.message.size()));
    return wire::is_good(start + wire::sum(message));
}

TEST_CASE("checksums left to the sender's device are finished") {
    for (const bool is_v6 : {false, true}) {
        for (const Sample& sample : {tcp(), udp()}) {
            const auto length = static_cast<std::uint32_t>(sample.message.size());
            Frame frame =
                packet(is_v6, sample.protocol, with_checksum(sample, pseudo(is_v6, sample.protocol, length)));
            CHECK_FALSE(is_good(frame, is_v6, sample));
            CHECK(repair_checksums(frame) == ChecksumRepair::Unfinished);
            CHECK(is_good(frame, is_v6, sample));
            const Frame before = frame;
            CHECK(repair_checksums(frame) == ChecksumRepair::Right);
            CHECK(frame == before);
        }
    }
}

TEST_CASE("any other wrong checksum of TCP, UDP and ICMP is repaired") {
    for (const bool is_v6 : {false, true}) {
        for (const Sample& sample : {tcp(), udp(), icmp(is_v6)}) {
            Frame frame = packet(is_v6, sample.protocol, with_checksum(sample, 0x1234));
            CHECK(repair_checksums(frame) == ChecksumRepair::Wrong);
            CHECK(is_good(frame, is_v6, sample));
        }
    }
}

TEST_CASE("IPv4's header checksum is repaired, too, and nothing else is touched") {
    const Sample sample = tcp();
    Frame right = packet(false, sample.protocol, with_checksum(sample, 0));
    CHECK(repair_checksums(right) == ChecksumRepair::Wrong);
    Frame frame = right;
    base::store_be16(&frame[kIp + 10], 0);
    CHECK(repair_checksums(frame) == ChecksumRepair::Wrong);
    CHECK(frame == right);
    base::store_be16(&frame[kIp + 10], 0);
    base::store_be16(&frame[kV4Message + 16], 0x1234);
    CHECK(repair_checksums(frame) == ChecksumRepair::Wrong);
    CHECK(frame == right);
}

TEST_CASE("a protocol without a known checksum has its IPv4 header repaired only") {
    Frame frame = packet(false, 47, Frame(30, 1));
    CHECK(repair_checksums(frame) == ChecksumRepair::Right);
    const Frame right = frame;
    frame[kIp + 10] ^= 1;
    CHECK(repair_checksums(frame) == ChecksumRepair::Wrong);
    CHECK(frame == right);
}

TEST_CASE("bytes after the packet are not summed, nor after the datagram of UDP") {
    for (const Sample& sample : {tcp(), udp()}) {
        Frame frame = joined(packet(false, sample.protocol, with_checksum(sample, 1)), Frame(6, 0xaa));
        CHECK(repair_checksums(frame) == ChecksumRepair::Wrong);
        CHECK(is_good(frame, false, sample));
    }
    Sample longer = udp();
    longer.message.insert(longer.message.end(), 4, 0xaa);
    Frame frame = packet(false, longer.protocol, with_checksum(longer, 1));
    CHECK(repair_checksums(frame) == ChecksumRepair::Wrong);
    CHECK(is_good(frame, false, udp()));
}

TEST_CASE("UDP over IPv4 may do without a checksum, and over IPv6 not") {
    Frame v4 = packet(false, wire::kProtocolUdp, udp().message);
    CHECK(repair_checksums(v4) == ChecksumRepair::Right);
    Frame v6 = packet(true, wire::kProtocolUdp, udp().message);
    CHECK(repair_checksums(v6) == ChecksumRepair::Wrong);
    CHECK(is_good(v6, true, udp()));
}

TEST_CASE("a UDP checksum that comes out as zero is written as all ones") {
    // RFC 768: zero says that there is none.
    Sample sample = udp();
    const std::uint64_t sum = pseudo(false, sample.protocol, 13) + wire::sum(sample.message);
    const auto first = static_cast<std::uint16_t>(base::load_be16(&sample.message[0]) + wire::finish(sum));
    base::store_be16(&sample.message[0], first);  // the sum of all is now 0xffff
    Frame frame = packet(false, sample.protocol, with_checksum(sample, 1));
    REQUIRE(repair_checksums(frame) == ChecksumRepair::Wrong);
    CHECK(base::load_be16(&frame[kV4Message + 6]) == 0xffff);
    CHECK(is_good(frame, false, sample));
}

TEST_CASE("tags of a VLAN and extension headers are skipped") {
    const Sample sample = tcp();
    Frame tagged = packet(false, sample.protocol, sample.message);
    const Frame tags{0x88, 0xa8, 0, 5, 0x81, 0, 0, 6};
    tagged.insert(tagged.begin() + 12, tags.begin(), tags.end());
    CHECK(repair_checksums(tagged) == ChecksumRepair::Wrong);
    tagged.erase(tagged.begin() + 12, tagged.begin() + 20);
    CHECK(is_good(tagged, false, sample));

    const Frame padding{wire::kProtocolTcp, 0, 1, 4, 0, 0, 0, 0};
    Frame extended = packet(true, wire::kProtocolDestinationOptions, joined(padding, sample.message));
    CHECK(repair_checksums(extended) == ChecksumRepair::Wrong);
    extended.erase(extended.begin() + kV6Message, extended.begin() + kV6Message + 8);
    CHECK(is_good(extended, true, sample));
}

TEST_CASE("fragments are left alone") {
    for (const std::uint8_t byte : {0x20, 0x01}) {  // more of them, or an offset
        Frame frame = packet(false, wire::kProtocolTcp, tcp().message);
        frame[kIp + 6] = byte;
        const Frame before = frame;
        CHECK(repair_checksums(frame) == ChecksumRepair::Fragment);
        CHECK(frame == before);
    }
    const Frame fragment{wire::kProtocolTcp, 0, 0, 8, 0, 0, 0, 1};
    Frame frame = packet(true, wire::kProtocolFragment, joined(fragment, tcp().message));
    const Frame before = frame;
    CHECK(repair_checksums(frame) == ChecksumRepair::Fragment);
    CHECK(frame == before);
    Frame whole = packet(false, wire::kProtocolTcp, tcp().message);
    whole[kIp + 6] = 0x40;  // may not be fragmented
    CHECK(repair_checksums(whole) == ChecksumRepair::Wrong);
}

TEST_CASE("a frame that was cut anywhere is left alone") {
    for (const bool is_v6 : {false, true}) {
        const Frame whole = packet(is_v6, wire::kProtocolTcp, tcp().message);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            Frame frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            const Frame before = frame;
            REQUIRE(repair_checksums(frame) == ChecksumRepair::Cut);
            REQUIRE(frame == before);
        }
    }
    Frame tagged{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0, 0, 6, 8};
    CHECK(repair_checksums(tagged) == ChecksumRepair::Cut);
}

TEST_CASE("what is no IP, or nothing that can be read, is left alone") {
    Frame arp(42, 1);
    arp[12] = 8;
    arp[13] = 6;
    Frame version = packet(false, wire::kProtocolTcp, tcp().message);
    version[kIp] = 0x65;
    Frame header = packet(false, wire::kProtocolTcp, tcp().message);
    header[kIp] = 0x44;
    Frame other_version = packet(true, wire::kProtocolTcp, tcp().message);
    other_version[kIp] = 0x45;
    Frame short_tcp = packet(false, wire::kProtocolTcp, Frame(19, 1));
    Frame short_udp = packet(false, wire::kProtocolUdp, Frame(5, 1));
    Frame udp_length = packet(false, wire::kProtocolUdp, udp().message);
    udp_length[kV4Message + 5] = 14;
    udp_length[kV4Message + 6] = 1;
    Frame chain = packet(true, wire::kProtocolHopByHop, Frame(8, 0xff));
    for (Frame* frame :
         {&arp, &version, &header, &other_version, &short_tcp, &short_udp, &udp_length, &chain}) {
        const Frame before = *frame;
        CHECK(repair_checksums(*frame) == ChecksumRepair::Right);
        CHECK(*frame == before);
    }
}

}  // namespace
}  // namespace terminus::capture
