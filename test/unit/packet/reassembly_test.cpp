#include "packet/reassembly.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "packet/frame_access.hpp"
#include "support/archived.hpp"
#include "support/pool.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/ipv6.hpp"

using namespace terminus;
using namespace std::chrono_literals;
using packet::Buffer;
using packet::FragmentFault;
using packet::Reassembler;

namespace {

constexpr base::Instant kStart = base::instant_from_ns(1'000'000);

struct Piece {
    std::uint32_t offset;
    std::uint32_t length;
    bool more;
};

std::vector<std::uint8_t> payload(std::size_t length) {
    std::vector<std::uint8_t> bytes(length);
    for (std::size_t i = 0; i < length; ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 13 + (i >> 8));
    return bytes;
}

/// Fragment `piece` of `whole` as it comes off the wire: TCP over IPv4, or over IPv6 behind `extensions`.
std::vector<std::uint8_t> fragment(bool v4, const std::vector<std::uint8_t>& whole, Piece piece,
                                   std::uint32_t id, const std::vector<std::uint8_t>& extensions = {}) {
    const std::size_t headers =
        wire::kEthernetHeader + (v4 ? wire::kIpv4Header : wire::kIpv6Header + extensions.size() + 8);
    std::vector<std::uint8_t> bytes(headers + piece.length);
    const base::MutableBytes out(bytes);
    wire::write_ethernet({{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, std::uint16_t(v4 ? 0x0800 : 0x86dd)},
                         out);
    if (v4) {
        wire::Ipv4Header header;
        header.source = wire::IpAddress::v4(192, 0, 2, 1);
        header.destination = wire::IpAddress::v4(192, 0, 2, 2);
        header.protocol = wire::kProtocolTcp;
        header.total_length = static_cast<std::uint16_t>(wire::kIpv4Header + piece.length);
        header.identification = static_cast<std::uint16_t>(id);
        header.fragment_offset = static_cast<std::uint16_t>(piece.offset);
        header.more_fragments = piece.more;
        wire::write_ipv4(header, out.subspan(14));
    } else {
        wire::Ipv6Header header;
        header.source = *wire::IpAddress::parse("2001:db8::1");
        header.destination = *wire::IpAddress::parse("2001:db8::2");
        header.next_header = extensions.empty() ? wire::kProtocolFragment : wire::kProtocolDestinationOptions;
        header.payload_length = static_cast<std::uint16_t>(extensions.size() + 8 + piece.length);
        wire::write_ipv6(header, out.subspan(14));
        std::copy(extensions.begin(), extensions.end(), bytes.begin() + 54);
        std::uint8_t* at = bytes.data() + 54 + extensions.size();
        at[0] = wire::kProtocolTcp;
        base::store_be16(at + 2, static_cast<std::uint16_t>(piece.offset | (piece.more ? 1 : 0)));
        base::store_be32(at + 4, id);
    }
    std::copy_n(whole.begin() + piece.offset, piece.length,
                bytes.begin() + static_cast<std::ptrdiff_t>(headers));
    return bytes;
}

Reassembler::Outcome offer(Reassembler& reassembler, Buffer frame, base::Instant now = kStart) {
    const auto header = wire::parse_frame(frame.bytes(), frame.length());
    REQUIRE(header.ok());
    REQUIRE(header.value().is_fragment);
    return reassembler.offer(std::move(frame), header.value(), now);
}

Reassembler::Outcome offer(Reassembler& reassembler, const std::vector<std::uint8_t>& bytes,
                           base::Instant now = kStart) {
    return offer(reassembler, test::make_buffer(bytes), now);
}

/// What a receiver finds in the whole: its payload, after the headers proved true.
std::string payload_of(const Buffer& datagram) {
    const std::string all = test::to_string(datagram);
    const base::Bytes bytes(reinterpret_cast<const std::uint8_t*>(all.data()), all.size());
    const auto frame = wire::parse_frame(bytes, static_cast<std::uint32_t>(bytes.size()));
    REQUIRE(frame.ok());
    CHECK_FALSE(frame.value().is_fragment);
    CHECK(frame.value().protocol == wire::kProtocolTcp);
    CHECK(frame.value().l4_offset + frame.value().l4_length == all.size());
    return all.substr(frame.value().l4_offset);
}

std::string as_text(const std::vector<std::uint8_t>& bytes) {
    return {bytes.begin(), bytes.end()};
}

bool is_kept(const Reassembler::Outcome& outcome) {
    return !outcome.datagram && !outcome.dropped;
}

}  // namespace

TEST_CASE("fragments in any order become the datagram") {
    const auto before = test::buffers_in_use();
    const auto whole = payload(1500);
    std::vector<Piece> pieces{{0, 400, true}, {400, 400, true}, {800, 400, true}, {1200, 300, false}};
    std::sort(pieces.begin(), pieces.end(), [](Piece a, Piece b) { return a.offset < b.offset; });
    do {
        for (const bool v4 : {true, false}) {
            Reassembler reassembler({});
            for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
                REQUIRE(is_kept(offer(reassembler, fragment(v4, whole, pieces[i], 7))));
            }
            const auto last = offer(reassembler, fragment(v4, whole, pieces.back(), 7));
            REQUIRE(last.datagram);
            CHECK(payload_of(last.datagram) == as_text(whole));
            CHECK(reassembler.datagrams_waiting() == 0);
            CHECK(reassembler.buffers_held() == 0);
        }
    } while (std::next_permutation(pieces.begin(), pieces.end(),
                                   [](Piece a, Piece b) { return a.offset < b.offset; }));
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("a padded last fragment adds no padding to the payload") {
    const auto whole = payload(404);
    Reassembler reassembler({});
    auto last = fragment(true, whole, {400, 4, false}, 7);
    last.resize(60, 0xee);
    REQUIRE(is_kept(offer(reassembler, last)));
    const auto outcome = offer(reassembler, fragment(true, whole, {0, 400, true}, 7));
    REQUIRE(outcome.datagram);
    CHECK(payload_of(outcome.datagram) == as_text(whole));
}

TEST_CASE("fragments that are chains themselves are put together") {
    const auto whole = payload(1000);
    Reassembler reassembler({});
    for (const Piece piece : {Piece{0, 504, true}, Piece{504, 496, false}}) {
        const auto bytes = fragment(true, whole, piece, 7);
        auto outcome = offer(reassembler, test::make_chain(bytes, 100));
        if (piece.more) {
            REQUIRE(is_kept(outcome));
            continue;
        }
        REQUIRE(outcome.datagram);
        CHECK(payload_of(outcome.datagram) == as_text(whole));
    }
}

TEST_CASE("extension headers before IPv6's fragment header stay, the fragment header goes") {
    const auto whole = payload(800);
    const std::vector<std::uint8_t> options{wire::kProtocolFragment, 0, 1, 4, 0, 0, 0, 0};
    Reassembler reassembler({});
    REQUIRE(is_kept(offer(reassembler, fragment(false, whole, {0, 400, true}, 7, options))));
    const auto outcome = offer(reassembler, fragment(false, whole, {400, 400, false}, 7, options));
    REQUIRE(outcome.datagram);
    CHECK(outcome.datagram.length() == 14 + 40 + 8 + 800);
    CHECK(payload_of(outcome.datagram) == as_text(whole));
}

// RFC 6946: a fragment header with neither offset nor "more" is skipped. Its second byte is reserved, not a
// length.
TEST_CASE("an atomic fragment header in front of a real one leads nobody astray") {
    const auto whole = payload(800);
    std::vector<std::uint8_t> atomic{wire::kProtocolFragment, 0xff, 0, 0, 0, 0, 0, 1};
    Reassembler reassembler({});
    auto first = fragment(false, whole, {0, 400, true}, 7, atomic);
    auto second = fragment(false, whole, {400, 400, false}, 7, atomic);
    first[14 + 6] = second[14 + 6] = wire::kProtocolFragment;
    const auto header = wire::parse_frame(first, static_cast<std::uint32_t>(first.size()));
    if (!header.ok()) return;  // the parser may refuse two of them; then nothing comes here
    REQUIRE(is_kept(offer(reassembler, first)));
    const auto outcome = offer(reassembler, second);
    REQUIRE(outcome.datagram);
    CHECK(payload_of(outcome.datagram) == as_text(whole));
}

TEST_CASE("datagrams that differ in identification or protocol are kept apart") {
    const auto whole = payload(800);
    Reassembler reassembler({});
    REQUIRE(is_kept(offer(reassembler, fragment(true, whole, {0, 400, true}, 7))));
    CHECK(is_kept(offer(reassembler, fragment(true, whole, {400, 400, false}, 8))));
    auto icmp = fragment(true, whole, {400, 400, false}, 7);
    icmp[14 + 9] = wire::kProtocolIcmp;
    base::store_be16(icmp.data() + 24, 0);
    base::store_be16(icmp.data() + 24, wire::finish(wire::sum(base::Bytes(icmp).subspan(14, 20))));
    CHECK(is_kept(offer(reassembler, icmp)));
    CHECK(reassembler.datagrams_waiting() == 3);
}

// HARDENING 9, RFC 5722 4: an overlap spoils the whole datagram, what is still to come included.
TEST_CASE("HARDENING 9: an overlapping fragment spoils its datagram until the time is over") {
    const auto whole = payload(1200);
    const auto before = test::buffers_in_use();
    const Piece overlap = GENERATE(Piece{392, 400, true}, Piece{0, 400, true}, Piece{200, 160, true},
                                   Piece{0, 408, true}, Piece{392, 8, true});
    INFO("offset " << overlap.offset << " length " << overlap.length);
    for (const bool v4 : {true, false}) {
        Reassembler reassembler({});
        REQUIRE(is_kept(offer(reassembler, fragment(v4, whole, {0, 400, true}, 7))));
        CHECK(offer(reassembler, fragment(v4, whole, overlap, 7)).dropped == FragmentFault::Malformed);
        CHECK(reassembler.buffers_held() == 0);
        CHECK(test::buffers_in_use() == before);
        CHECK(offer(reassembler, fragment(v4, whole, {400, 800, false}, 7)).dropped ==
              FragmentFault::Malformed);
        CHECK(offer(reassembler, fragment(v4, whole, {0, 400, true}, 7)).dropped == FragmentFault::Malformed);
        REQUIRE(is_kept(offer(reassembler, fragment(v4, whole, {0, 400, true}, 7), kStart + 15s)));
        CHECK(offer(reassembler, fragment(v4, whole, {400, 800, false}, 7), kStart + 15s).datagram);
    }
}

TEST_CASE("HARDENING 9: a fragment beyond the last one, or a second end, spoils the datagram") {
    const auto whole = payload(1200);
    Reassembler reassembler({});
    REQUIRE(is_kept(offer(reassembler, fragment(true, whole, {400, 400, false}, 1))));
    CHECK(offer(reassembler, fragment(true, whole, {800, 400, true}, 1)).dropped == FragmentFault::Malformed);
    REQUIRE(is_kept(offer(reassembler, fragment(true, whole, {400, 400, false}, 2))));
    CHECK(offer(reassembler, fragment(true, whole, {800, 400, false}, 2)).dropped ==
          FragmentFault::Malformed);
    REQUIRE(is_kept(offer(reassembler, fragment(true, whole, {800, 400, true}, 3))));
    CHECK(offer(reassembler, fragment(true, whole, {400, 400, false}, 3)).dropped ==
          FragmentFault::Malformed);
    // "More" at the very end of what the last one said.
    REQUIRE(is_kept(offer(reassembler, fragment(true, whole, {800, 400, false}, 4))));
    CHECK(offer(reassembler, fragment(true, whole, {1000, 200, true}, 4)).dropped ==
          FragmentFault::Malformed);
    CHECK(reassembler.buffers_held() == 0);
}

// RFC 1858, RFC 3128. wire::parse_frame() refuses some of these too; here they come past it.
TEST_CASE("HARDENING 9: tiny fragments and odd lengths are refused") {
    Reassembler reassembler({});
    const auto whole = payload(100);
    const Buffer model = test::make_buffer(fragment(true, whole, {0, 40, true}, 7));
    const auto parsed = wire::parse_frame(model.bytes(), model.length());
    REQUIRE(parsed.ok());
    const auto with_length = [&](std::uint32_t length) {
        wire::Frame header = parsed.value();
        header.l4_length = length;
        return reassembler.offer(test::make_buffer(fragment(true, whole, {0, 40, true}, 7)), header, kStart);
    };
    CHECK(with_length(0).dropped == FragmentFault::Malformed);
    CHECK(with_length(16).dropped == FragmentFault::Malformed);
    CHECK(with_length(39).dropped == FragmentFault::Malformed);
    CHECK(reassembler.datagrams_waiting() == 0);
    CHECK(is_kept(with_length(24)));
}

TEST_CASE("the timeout counts from the first fragment: one tick before it the datagram still completes") {
    const auto whole = payload(800);
    const auto before = test::buffers_in_use();
    Reassembler reassembler({});
    REQUIRE(is_kept(offer(reassembler, fragment(true, whole, {0, 400, true}, 1))));
    CHECK(reassembler.next_deadline() == kStart + 15s);
    CHECK(reassembler.expire(kStart + 15s - 1ns) == 0);
    CHECK(offer(reassembler, fragment(true, whole, {400, 400, false}, 1), kStart + 15s - 1ns).datagram);
    CHECK(reassembler.next_deadline() == base::kNever);

    REQUIRE(is_kept(offer(reassembler, fragment(true, whole, {0, 400, true}, 2))));
    CHECK(reassembler.expire(kStart + 15s) == 1);
    CHECK(reassembler.datagrams_waiting() == 0);
    CHECK(test::buffers_in_use() == before);
    CHECK(is_kept(offer(reassembler, fragment(true, whole, {400, 400, false}, 2), kStart + 15s)));
}

// HARDENING 9, CVE-2018-5391: endless fragments find an end.
TEST_CASE(
    "HARDENING 9: datagrams, fragments and buffers are bounded, and a bound that was reached is left again") {
    const auto whole = payload(1200);
    const auto before = test::buffers_in_use();
    {
        Reassembler::Settings settings;
        settings.datagrams_max = 2;
        Reassembler reassembler(settings);
        CHECK(is_kept(offer(reassembler, fragment(true, whole, {0, 400, true}, 1))));
        CHECK(is_kept(offer(reassembler, fragment(true, whole, {0, 400, true}, 2))));
        CHECK(offer(reassembler, fragment(true, whole, {0, 400, true}, 3)).dropped == FragmentFault::Limit);
        CHECK(offer(reassembler, fragment(true, whole, {400, 800, false}, 1)).datagram);
        CHECK(is_kept(offer(reassembler, fragment(true, whole, {0, 400, true}, 3))));
    }
    {
        Reassembler::Settings settings;
        settings.fragments_max = 2;
        Reassembler reassembler(settings);
        CHECK(is_kept(offer(reassembler, fragment(true, whole, {0, 400, true}, 1))));
        CHECK(is_kept(offer(reassembler, fragment(true, whole, {400, 400, true}, 1))));
        CHECK(offer(reassembler, fragment(true, whole, {800, 400, false}, 1)).dropped ==
              FragmentFault::Limit);
    }
    {
        Reassembler::Settings settings;
        settings.buffers_max = 2;
        Reassembler reassembler(settings);
        CHECK(is_kept(offer(reassembler, fragment(true, whole, {0, 400, true}, 1))));
        CHECK(is_kept(offer(reassembler, fragment(true, whole, {0, 400, true}, 2))));
        CHECK(offer(reassembler, fragment(true, whole, {0, 400, true}, 3)).dropped == FragmentFault::Limit);
        CHECK(reassembler.datagrams_waiting() == 2);
        CHECK(reassembler.buffers_held() == 2);
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("HARDENING 7: a device's word for the first fragment's checksum does not count for the whole") {
    const auto whole = payload(800);
    Reassembler reassembler({});
    Buffer first = test::make_buffer(fragment(true, whole, {0, 400, true}, 1));
    first.get()->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    REQUIRE(is_kept(offer(reassembler, std::move(first))));
    const auto outcome = offer(reassembler, fragment(true, whole, {400, 400, false}, 1));
    REQUIRE(outcome.datagram);
    CHECK_FALSE(packet::device_verified_l4(outcome.datagram));
}

TEST_CASE("random fragments never yield a datagram that was not sent, and leak nothing") {
    const std::uint64_t seed = GENERATE(1u, 2u, 3u);
    INFO("seed " << seed);
    base::Rng rng(seed);
    const auto before = test::buffers_in_use();
    {
        const auto whole = payload(1600);
        Reassembler reassembler({});
        base::Instant now = kStart;
        for (int i = 0; i < 5000; ++i) {
            const std::uint32_t offset = rng.below(20) * 80;
            const std::uint32_t length = std::min<std::uint32_t>(80 * (1 + rng.below(6)), 1600 - offset);
            const bool v4 = rng.below(2) == 0;
            auto outcome =
                offer(reassembler,
                      fragment(v4, whole, {offset, length, offset + length != 1600}, rng.below(4)), now);
            if (outcome.datagram) {
                REQUIRE(payload_of(outcome.datagram) == as_text(whole));
            }
            now += std::chrono::milliseconds(rng.below(3000));
        }
    }
    CHECK(test::buffers_in_use() == before);
}

TEST_CASE("fragments that wait, copied by their bytes, become the datagram with those that come later") {
    const auto before = test::buffers_in_use();
    {
        const auto whole = payload(1500);
        Reassembler reassembler({});
        REQUIRE(is_kept(offer(reassembler, fragment(true, whole, {800, 700, false}, 7))));
        REQUIRE(is_kept(offer(reassembler, fragment(true, whole, {0, 400, true}, 7))));
        REQUIRE(is_kept(offer(reassembler, fragment(false, whole, {0, 400, true}, 8), kStart + 1s)));
        REQUIRE_FALSE(is_kept(offer(reassembler, fragment(false, whole, {0, 400, true}, 8))));  // spoilt now
        Reassembler copy({});
        test::copy_by_archive<packet::BufferReader>(reassembler, copy, test::pool());
        CHECK(copy.buffers_held() == reassembler.buffers_held());
        CHECK(copy.datagrams_waiting() == 2);
        CHECK(copy.next_deadline() == reassembler.next_deadline());
        CHECK_FALSE(is_kept(offer(copy, fragment(false, whole, {400, 1100, false}, 8))));
        const auto last = offer(copy, fragment(true, whole, {400, 400, true}, 7));
        REQUIRE(last.datagram);
        CHECK(payload_of(last.datagram) == as_text(whole));
        CHECK(copy.expire(kStart + 1min) == 0);
        CHECK(copy.datagrams_waiting() == 0);
    }
    CHECK(test::buffers_in_use() == before);
}
