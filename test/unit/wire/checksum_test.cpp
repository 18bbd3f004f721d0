#include "wire/checksum.hpp"

#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "wire/frames.hpp"

using namespace terminus;
using namespace terminus::wire;
using test::hex;
using test::Octets;

namespace {

// RFC 1071 4.1, as it stands there: the yardstick for the fast one.
std::uint16_t reference_sum(base::Bytes data) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < data.size(); ++i)
        total += i % 2 == 0 ? data[i] * 256u : data[i];
    while (total > 0xffff)
        total = (total >> 16) + (total & 0xffff);
    return static_cast<std::uint16_t>(total);
}

Octets random_octets(base::Rng& rng, std::size_t size) {
    Octets octets(size);
    for (auto& octet : octets)
        octet = static_cast<std::uint8_t>(rng.next());
    return octets;
}

}  // namespace

TEST_CASE("RFC 1071's example sums to what the RFC says") {
    CHECK(fold(sum(hex("0001 f203 f4f5 f6f7"))) == 0xddf2);
    CHECK(finish(sum(hex("0001 f203 f4f5 f6f7"))) == 0x220d);
}

TEST_CASE("the sum of any bytes at any alignment is that of RFC 1071's loop") {
    base::Rng rng(1);
    for (int round = 0; round < 300; ++round) {
        const Octets data = random_octets(rng, rng.below(200) + 8);
        const std::size_t start = rng.below(8);
        const base::Bytes piece = base::Bytes(data).subspan(start);
        REQUIRE(fold(sum(piece)) == reference_sum(piece));
    }
    CHECK(sum({}) == 0);
    CHECK(fold(sum(Octets(1501, 0xff))) == reference_sum(Octets(1501, 0xff)));
}

TEST_CASE("a chain split anywhere has the sum of the whole") {
    base::Rng rng(2);
    const Octets data = random_octets(rng, 257);
    const std::uint16_t whole = fold(sum(data));
    for (std::size_t first = 0; first <= data.size(); ++first) {
        const std::size_t second = first + rng.below(static_cast<std::uint32_t>(data.size() - first + 1));
        ChecksumAccumulator chain;
        chain.add(base::Bytes(data).first(first));
        chain.add(base::Bytes(data).subspan(first, second - first));
        chain.add(base::Bytes(data).subspan(second));
        REQUIRE(fold(chain.partial()) == whole);
        REQUIRE(chain.bytes() == data.size());
    }
}

TEST_CASE("a TCP segment over IPv4 proves good, and bad after any flipped bit") {
    // A SYN as Linux lays it out, 10.0.0.1:43210 to 10.0.0.2:80.
    const auto source = IpAddress::v4(10, 0, 0, 1);
    const auto destination = IpAddress::v4(10, 0, 0, 2);
    Octets segment = hex(
        "a8ca 0050 12345678 00000000 a002 faf0 0000 0000 0204 05b4 0402 080a 00010203 00000000 0103 0307");
    // Worked out by hand from RFC 9293 3.1: words of the pseudo-header and the segment.
    std::uint32_t by_hand = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 6 + 40;
    for (std::size_t i = 0; i < segment.size(); i += 2)
        by_hand += base::load_be16(&segment[i]);
    by_hand = (by_hand >> 16) + (by_hand & 0xffff);
    by_hand = (by_hand >> 16) + (by_hand & 0xffff);
    const std::uint16_t checksum = l4_checksum(source, destination, kProtocolTcp, segment);
    CHECK(checksum == static_cast<std::uint16_t>(~by_hand));

    base::store_be16(&segment[16], checksum);
    const std::uint64_t pseudo = pseudo_sum(source, destination, kProtocolTcp, 40);
    CHECK(is_good(pseudo + sum(segment)));
    for (std::size_t bit = 0; bit < segment.size() * 8; ++bit) {
        segment[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        REQUIRE_FALSE(is_good(pseudo + sum(segment)));
        segment[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
}

TEST_CASE("the pseudo-header of IPv6 has all of both addresses and the upper half of the length") {
    const auto source = *IpAddress::parse("2001:db8::1");
    const auto destination = *IpAddress::parse("2001:db8::2");
    const Octets header =
        hex("20010db8000000000000000000000001 20010db8000000000000000000000002 00012345 000000 06");
    CHECK(fold(pseudo_sum(source, destination, kProtocolTcp, 0x12345)) == fold(sum(header)));
}

TEST_CASE("folding adds carries back until none is left") {
    CHECK(fold(0) == 0);
    CHECK(fold(0xffff) == 0xffff);
    CHECK(fold(0x10000) == 1);
    CHECK(fold(0x1ffff) == 1);
    CHECK(fold(0xffffffff) == 0xffff);
    CHECK(fold(0x100000000) == 1);
    CHECK(fold(0xffffffffffffffff) == 0xffff);
    CHECK(fold(0xfffffffeffffffff) == 0xfffe);
    CHECK(finish(0xffff) == 0);
}
