#include "wire/plain_tcp.hpp"

#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "wire/frames.hpp"

using namespace terminus;
using namespace terminus::wire;
using test::hex;
using test::Octets;
using test::operator+;

namespace {

// What the short way made of it; nothing when it left it to the long one.
struct Read {
    Frame frame;
    TcpSegment segment;
};
std::optional<Read> read(const Octets& bytes, std::uint32_t frame_length) {
    Read result;
    if (!read_plain_tcp(bytes, frame_length, result.frame, result.segment)) return std::nullopt;
    return result;
}
std::optional<Read> read(const Octets& bytes) {
    return read(bytes, static_cast<std::uint32_t>(bytes.size()));
}

// The same by the long way; nothing when that has a fault to find.
std::optional<Read> read_slowly(const Octets& bytes, std::uint32_t frame_length) {
    const auto frame = parse_frame(bytes, frame_length);
    if (!frame || frame.value().ether_type == kEtherTypeArp || frame.value().is_fragment ||
        frame.value().protocol != kProtocolTcp) {
        return std::nullopt;
    }
    const auto segment =
        parse_tcp(base::Bytes(bytes).subspan(frame.value().l4_offset), frame.value().l4_length);
    if (!segment) return std::nullopt;
    return Read{frame.value(), segment.value()};
}

// An ACK with timestamps, PSH and the text "hello".
Octets segment() {
    return hex("03e8 0050 11223344 55667788 8018 1234 0000 0000 0101 080a 0a0b0c0d 01020304") +
           hex("68656c6c6f");
}
Octets syn() {
    return hex(
        "03e8 0050 11223344 00000000 a002 ffff 0000 0000 0204 05b4 0402 080a 0a0b0c0d 00000000 0103 030a");
}

}  // namespace

TEST_CASE("plain TCP over either family is read in one go, as parse_frame() and parse_tcp() read it") {
    const auto l4 = GENERATE(as<Octets>(), segment(), syn(), test::tcp_syn());
    const Octets bytes = GENERATE(true, false) ? test::frame_v4(l4) : test::frame_v6(l4);
    const auto plain = read(bytes);
    REQUIRE(plain);
    const auto slowly = read_slowly(bytes, static_cast<std::uint32_t>(bytes.size()));
    REQUIRE(slowly);
    CHECK(plain->frame == slowly->frame);
    CHECK(plain->segment == slowly->segment);
}

TEST_CASE("Ethernet's padding and buffers that follow don't count as text") {
    const Octets padded = test::frame_v4(test::tcp_syn()) + Octets(6);
    REQUIRE(read(padded));
    CHECK(read(padded)->segment.payload_length == 0);
    Octets chained = test::frame_v6(segment() + Octets(1000));
    const auto whole = static_cast<std::uint32_t>(chained.size());
    chained.resize(chained.size() - 1000);
    REQUIRE(read(chained, whole));
    CHECK(read(chained, whole)->segment.payload_length == 1005);
}

TEST_CASE("what is anything else is left to those who know what is wrong with it") {
    Ipv4Header fragment;
    fragment.more_fragments = true;
    CHECK_FALSE(read(test::frame_v4(segment() + Octets(3), kProtocolTcp, fragment)));
    CHECK_FALSE(read(test::frame_v4(segment(), kProtocolIcmp)));
    CHECK_FALSE(read(test::frame_v6(segment(), kProtocolHopByHop)));
    Ipv4Header broadcast;
    broadcast.source = IpAddress::v4(255, 255, 255, 255);
    CHECK_FALSE(read(test::frame_v4(segment(), kProtocolTcp, broadcast)));
    CHECK_FALSE(read(test::frame_v4(segment(), kProtocolTcp, {}, MacAddress::broadcast())));
    Octets spoilt = test::frame_v4(segment());
    spoilt[kEthernetHeader + 10] ^= 1;  // the IP header's checksum
    CHECK_FALSE(read(spoilt));
    const Octets whole = test::frame_v4(test::tcp_syn());
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(read(Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))));
    }
}

TEST_CASE("whatever bytes are changed, the short way never says anything that the long one does not") {
    base::Rng rng(1);
    std::uint32_t plain = 0, refused = 0;
    for (int round = 0; round < 40'000; ++round) {
        const Octets l4 = rng.below(2) == 0 ? segment() : syn();
        Octets bytes = rng.below(2) == 0 ? test::frame_v4(l4) : test::frame_v6(l4);
        for (std::uint64_t changes = rng.below(3); changes > 0; --changes)
            bytes[rng.below(bytes.size())] = static_cast<std::uint8_t>(rng.next());
        if (bytes[12] == 0x08 && bytes[14] == 0x45 && rng.below(2) == 0) test::refresh_ip_checksum(bytes);
        const auto frame_length = static_cast<std::uint32_t>(bytes.size() + (rng.below(4) == 0 ? 100 : 0));
        const auto quickly = read(bytes, frame_length);
        const auto slowly = read_slowly(bytes, frame_length);
        plain += quickly ? 1 : 0;
        refused += slowly ? 0 : 1;
        if (!quickly) continue;
        REQUIRE(slowly);
        REQUIRE(quickly->frame == slowly->frame);
        REQUIRE(quickly->segment == slowly->segment);
    }
    CHECK(plain > 10'000);
    CHECK(refused > 1'000);
}
