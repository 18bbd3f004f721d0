#include "sim/impairment.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "sim/frame_copy.hpp"
#include "sim/link.hpp"
#include "support/pool.hpp"
#include "wire/frame.hpp"
#include "wire/frames.hpp"
#include "wire/icmp.hpp"

namespace terminus::sim {
namespace {

using namespace std::chrono_literals;
using test::Octets;

constexpr base::Instant kStart = base::instant_from_ns(5'000'000'000);

/// A segment of `text` bytes whose checksums are right.
Octets segment_frame(bool is_v6, std::size_t text) {
    Octets l4 = test::tcp_syn();
    l4.resize(l4.size() + text, 'x');
    const wire::IpAddress from = is_v6 ? test::kPeer6 : test::kPeer4;
    const wire::IpAddress to = is_v6 ? test::kOur6 : test::kOur4;
    base::store_be16(&l4[16], wire::l4_checksum(from, to, wire::kProtocolTcp, l4));
    return is_v6 ? test::frame_v6(l4) : test::frame_v4(l4);
}

bool is_good(const packet::Buffer& frame) {
    const auto parsed = wire::parse_frame(frame.bytes(), frame.length());
    if (!parsed || parsed.value().protocol != wire::kProtocolTcp) return false;
    return wire::l4_checksum_is_good(
        parsed.value(), frame.bytes().subspan(parsed.value().l4_offset, parsed.value().l4_length));
}

struct Pair {
    MemoryPort a{{.mac = test::kPeerMac, .capabilities = MemoryPort::able()}};
    MemoryPort b{{.mac = test::kOurMac, .capabilities = MemoryPort::able()}};
    Link link;

    explicit Pair(const LinkSettings& settings) : link(a, b, test::pool(), settings) { link.advance(kStart); }
    void send(const Octets& frame) {
        packet::Batch batch;
        batch.push_back(test::make_buffer(frame));
        a.transmit(batch);
        link.advance(kStart);
    }
    [[nodiscard]] const LinkCounters& there() const { return link.counters(Direction::AToB); }
};

TEST_CASE("each bit that may be flipped is one that a checksum covers") {
    const bool is_v6 = GENERATE(false, true);
    const Octets bytes = segment_frame(is_v6, 30);
    const std::uint32_t covered = is_v6 ? 50 : 70;  // with IPv4's own header
    for (std::uint32_t where = 0; where < covered * 8; ++where) {
        packet::Buffer frame = copy_bytes(bytes, test::pool(), where % 3 == 0 ? 16 : 0);
        if (!frame.is_linear()) {
            REQUIRE(flip_bit(frame, where));
            frame = copy_frame(frame, test::pool(), 0);
        } else {
            REQUIRE(is_good(frame));
            REQUIRE(flip_bit(frame, where));
        }
        REQUIRE_FALSE(is_good(frame));
    }
    packet::Buffer arp = copy_bytes(test::ethernet(wire::kEtherTypeArp), test::pool(), 0);
    REQUIRE_FALSE(flip_bit(arp, 7));
}

TEST_CASE("what a path can't carry is lost, and its sender is told how much it carries") {
    const bool is_v6 = GENERATE(false, true);
    Pair pair({.delay = 10us, .path_mtu = 1300});
    const std::size_t headers = is_v6 ? 60 : 40;
    pair.send(segment_frame(is_v6, 1300 - headers));
    REQUIRE(pair.there().too_big == 0);
    pair.send(segment_frame(is_v6, 1301 - headers));
    REQUIRE(pair.there().too_big == 1);
    pair.link.advance(kStart + 10us);
    REQUIRE(pair.b.waiting_to_receive() == 1);
    packet::Batch answers;
    pair.a.receive(answers);
    REQUIRE(answers.size() == 1);
    const packet::Buffer answer = answers.take(0);
    const auto frame = wire::parse_frame(answer.bytes(), answer.length());
    REQUIRE(frame.ok());
    REQUIRE(frame.value().destination_mac == test::kPeerMac);
    const auto message =
        wire::parse_icmp(frame.value().source, frame.value().destination,
                         answer.bytes().subspan(frame.value().l4_offset, frame.value().l4_length));
    REQUIRE(message.ok());
    REQUIRE(message.value().next_hop_mtu == 1300);
    REQUIRE(message.value().quote);
    CHECK(message.value().quote->seq == wire::SeqNum(1));
    CHECK(message.value().quote->tuple.local.port == 1000);
}

TEST_CASE("a black hole says nothing") {
    Pair pair({.delay = 10us, .path_mtu = 1300, .is_black_hole = true});
    pair.send(segment_frame(false, 1400));
    pair.link.advance(kStart + 1s);
    REQUIRE(pair.there().too_big == 1);
    REQUIRE(pair.a.waiting_to_receive() == 0);
    REQUIRE(pair.b.waiting_to_receive() == 0);
}

TEST_CASE("a burst takes several frames in a row, jitter lets them overtake each other") {
    Pair bursts({.burst_permille = 1000, .burst_max = 5});
    for (int i = 0; i < 50; ++i)
        bursts.send(segment_frame(false, 1));
    REQUIRE(bursts.there().lost == 50);

    Pair jitter({.delay = 1ms, .jitter = 5ms});
    for (int i = 0; i < 50; ++i)
        jitter.send(segment_frame(false, static_cast<std::size_t>(i)));
    jitter.link.advance(kStart + 1ms - 1ns);
    REQUIRE(jitter.b.waiting_to_receive() == 0);
    jitter.link.advance(kStart + 6ms);
    packet::Batch arrived;
    jitter.b.receive(arrived);
    std::vector<std::uint32_t> lengths;
    for (std::uint16_t i = 0; i < arrived.size(); ++i)
        lengths.push_back(ip_length(arrived.take(i)));
    REQUIRE_FALSE(lengths.empty());
    REQUIRE_FALSE(std::is_sorted(lengths.begin(), lengths.end()));
}

TEST_CASE("a corrupted frame arrives, counted, and its checksum shows it") {
    Pair pair({.corrupt_permille = 1000});
    pair.send(segment_frame(false, 100));
    pair.link.advance(kStart + 1s);
    packet::Batch arrived;
    pair.b.receive(arrived);
    REQUIRE(arrived.size() == 1);
    REQUIRE_FALSE(is_good(arrived.take(0)));
    REQUIRE(pair.there().corrupted == 1);
}

TEST_CASE("a receiver's own pool takes what arrives, and misses it when it is empty") {
    rte_mempool* const tiny = rte_pktmbuf_pool_create("impairment_tiny", 1, 0, 16, 2176, 0);
    REQUIRE(tiny != nullptr);
    {
        Pair pair({.delay = 10us});
        pair.link.receive_into(Direction::AToB, tiny);
        pair.send(segment_frame(false, 1));
        pair.send(segment_frame(false, 2));
        REQUIRE(rte_mempool_avail_count(tiny) == 1);
        pair.link.advance(kStart + 10us);
        REQUIRE(rte_mempool_avail_count(tiny) == 0);
        REQUIRE(pair.there().delivered == 1);
        REQUIRE(pair.there().no_buffer == 1);
    }
    rte_mempool_free(tiny);
}

}  // namespace
}  // namespace terminus::sim
