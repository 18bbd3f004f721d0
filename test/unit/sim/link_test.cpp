#include "sim/link.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "packet/frame_builder.hpp"
#include "sim/frame_copy.hpp"
#include "support/pool.hpp"
#include "wire/frame.hpp"

namespace terminus::sim {
namespace {

using namespace std::chrono_literals;

constexpr base::Instant kStart = base::instant_from_ns(5'000'000'000);
constexpr base::Duration kTick{1};

/// Two ports and a wire; what is sent is marked by its first byte.
struct Pair {
    MemoryPort a{{.mac = {{2, 0, 0, 0, 0, 1}}, .capabilities = MemoryPort::able()}};
    MemoryPort b{{.mac = {{2, 0, 0, 0, 0, 2}}, .capabilities = MemoryPort::able()}};
    Link link;

    explicit Pair(const LinkSettings& settings) : link(a, b, test::pool(), settings) { link.advance(kStart); }

    static void send(MemoryPort& port, std::uint8_t mark, std::size_t length = 60) {
        packet::Batch batch;
        batch.push_back(test::make_buffer(std::vector<std::uint8_t>(length, mark)));
        port.transmit(batch);
    }
    static std::vector<int> received(MemoryPort& port) {
        std::vector<int> marks;
        packet::Batch batch;
        port.receive(batch);
        for (std::uint16_t i = 0; i < batch.size(); ++i)
            marks.push_back(batch.take(i).bytes()[0]);
        return marks;
    }
    [[nodiscard]] const LinkCounters& there() const { return link.counters(Direction::AToB); }
    [[nodiscard]] const LinkCounters& back() const { return link.counters(Direction::BToA); }
};

TEST_CASE("a frame arrives exactly when its delay has passed, and not a nanosecond earlier") {
    Pair pair({.delay = 100us});
    REQUIRE(pair.link.next_delivery() == base::kNever);
    Pair::send(pair.a, 1);
    pair.link.advance(kStart);
    REQUIRE(pair.link.next_delivery() == kStart + 100us);
    REQUIRE(pair.link.under_way(Direction::AToB) == 1);
    pair.link.advance(kStart + 100us - kTick);
    REQUIRE(pair.b.waiting_to_receive() == 0);
    pair.link.advance(kStart + 100us);
    REQUIRE(Pair::received(pair.b) == std::vector{1});
    REQUIRE(pair.a.waiting_to_receive() == 0);
    REQUIRE(pair.there().delivered == 1);
    REQUIRE(pair.there().delivered_bytes == 60);
    REQUIRE(pair.link.next_delivery() == base::kNever);
}

TEST_CASE("frames cross in both directions, in the order in which they were sent") {
    Pair pair({});
    for (std::uint8_t i = 0; i < 5; ++i) {
        Pair::send(pair.a, i);
        Pair::send(pair.b, static_cast<std::uint8_t>(100 + i));
    }
    pair.link.advance(kStart);
    pair.link.advance(kStart + 1s);
    REQUIRE(Pair::received(pair.b) == std::vector{0, 1, 2, 3, 4});
    REQUIRE(Pair::received(pair.a) == std::vector{100, 101, 102, 103, 104});
    REQUIRE(pair.there().sent == 5);
    REQUIRE(pair.back().sent == 5);
}

TEST_CASE("the receiver's buffers are not the sender's") {
    const std::uint32_t before = test::buffers_in_use();
    {
        Pair pair({});
        const packet::Buffer kept = test::make_buffer(std::vector<std::uint8_t>(60, 3));
        rte_mbuf_refcnt_update(kept.get(), 1);
        packet::Batch batch;
        batch.push_back(packet::Buffer(kept.get()));
        pair.a.transmit(batch);
        pair.link.advance(kStart);
        REQUIRE(rte_mbuf_refcnt_read(kept.get()) == 1);
        pair.link.advance(kStart + 1s);
        packet::Batch arrived;
        pair.b.receive(arrived);
        REQUIRE(arrived.size() == 1);
        REQUIRE(arrived.peek(0) != kept.get());
        REQUIRE(arrived.take(0).bytes()[59] == 3);
    }
    REQUIRE(test::buffers_in_use() == before);
}

TEST_CASE("a queue holds frames, whatever their lengths: a short one fits behind long ones") {
    Pair pair({.bits_per_second = 1'000'000'000, .queue_max = 2});
    Pair::send(pair.a, 0, 1500);
    Pair::send(pair.a, 1, 1500);
    Pair::send(pair.a, 2);
    Pair::send(pair.a, 3);
    pair.link.advance(kStart);
    REQUIRE(pair.there().overflowed == 1);
    REQUIRE(pair.link.under_way(Direction::AToB) == 3);
}

TEST_CASE("a wire with a rate sends one frame after the other and overflows when too many wait") {
    // 60 bytes and Ethernet's 24 take 84 * 8 = 672 ns at 1 Gbit/s.
    Pair pair({.delay = 10us, .bits_per_second = 1'000'000'000, .queue_max = 2});
    for (std::uint8_t i = 0; i < 5; ++i)
        Pair::send(pair.a, i);
    pair.link.advance(kStart);
    REQUIRE(pair.there().overflowed == 2);
    REQUIRE(pair.link.next_delivery() == kStart + 10us + 672ns);
    pair.link.advance(kStart + 10us + 2 * 672ns - kTick);
    REQUIRE(Pair::received(pair.b) == std::vector{0});
    pair.link.advance(kStart + 10us + 3 * 672ns);
    REQUIRE(Pair::received(pair.b) == std::vector{1, 2});
}

TEST_CASE("loss takes about the share it was given, the same frames for the same seed") {
    const auto run = [](std::uint64_t seed) {
        Pair pair({.loss_permille = 250, .seed = seed});
        std::vector<int> arrived;
        for (int i = 0; i < 400; ++i) {
            Pair::send(pair.a, static_cast<std::uint8_t>(i & 0xff));
            pair.link.advance(kStart + i * 1ms);
            for (const int mark : Pair::received(pair.b))
                arrived.push_back(mark);
        }
        REQUIRE(pair.there().lost > 60);
        REQUIRE(pair.there().lost < 140);
        REQUIRE(pair.there().lost + pair.there().delivered + pair.link.under_way(Direction::AToB) == 400);
        return arrived;
    };
    REQUIRE(run(1) == run(1));
    REQUIRE(run(1) != run(2));
}

TEST_CASE("the two directions of a wire lose different frames") {
    Pair pair({.loss_permille = 500});
    for (int i = 0; i < 60; ++i) {
        Pair::send(pair.a, static_cast<std::uint8_t>(i));
        Pair::send(pair.b, static_cast<std::uint8_t>(i));
    }
    pair.link.advance(kStart);
    pair.link.advance(kStart + 1s);
    REQUIRE(Pair::received(pair.a) != Pair::received(pair.b));
}

TEST_CASE("a frame that is held back is overtaken, and a duplicate arrives beside its original") {
    Pair pair({.delay = 10us, .reorder_permille = 1000, .reorder_delay = 1ms});
    Pair::send(pair.a, 1);
    pair.link.advance(kStart);
    pair.link.configure(Direction::AToB, {.delay = 10us, .duplicate_permille = 1000});
    Pair::send(pair.a, 2);
    pair.link.advance(kStart);
    pair.link.advance(kStart + 10us);
    REQUIRE(Pair::received(pair.b) == std::vector{2, 2});
    pair.link.advance(kStart + 1010us);
    REQUIRE(Pair::received(pair.b) == std::vector{1});
    REQUIRE(pair.there().reordered == 1);
    REQUIRE(pair.there().duplicated == 1);
    REQUIRE(pair.there().delivered == 3);
}

TEST_CASE("a cut wire and a port that is down lose what is sent, and not what was under way") {
    Pair pair({.delay = 10us});
    Pair::send(pair.a, 1);
    pair.link.advance(kStart);
    pair.link.set_cut(true);
    Pair::send(pair.a, 2);
    pair.link.advance(kStart + 10us);
    REQUIRE(Pair::received(pair.b) == std::vector{1});
    REQUIRE(pair.there().lost == 1);
    pair.link.set_cut(false);
    pair.b.set_link(false);
    Pair::send(pair.a, 3);
    pair.link.advance(kStart + 1s);
    REQUIRE(pair.there().lost == 2);
}

TEST_CASE("a chain arrives as few pieces as fit, or as many as asked for") {
    std::vector<std::uint8_t> bytes(1000);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 7);
    const packet::Buffer chain = test::make_chain(bytes, 300);
    const packet::Buffer whole = copy_frame(chain, test::pool(), 0);
    REQUIRE(whole.is_linear());
    REQUIRE(test::to_string(whole) == test::to_string(chain));
    const packet::Buffer pieces = copy_frame(chain, test::pool(), 7);
    REQUIRE(pieces.get()->nb_segs == 143);
    REQUIRE(pieces.length() == 1000);
    REQUIRE(test::to_string(pieces) == test::to_string(chain));
}

TEST_CASE("a short frame is padded to sixty bytes with something else than zeros") {
    const packet::Buffer shortest = copy_bytes(std::vector<std::uint8_t>(54, 1), test::pool(), 0);
    REQUIRE(shortest.length() == 60);
    REQUIRE(shortest.bytes()[53] == 1);
    REQUIRE(shortest.bytes()[54] == 0xee);
    REQUIRE(copy_bytes(std::vector<std::uint8_t>(61, 1), test::pool(), 0).length() == 61);
}

TEST_CASE("an empty pool loses the frame, counted") {
    MemoryPort a({.mac = {{2, 0, 0, 0, 0, 1}}});
    MemoryPort b({.mac = {{2, 0, 0, 0, 0, 2}}});
    rte_mempool* const tiny = rte_pktmbuf_pool_create("link_test_tiny", 1, 0, 16, 2048, 0);
    REQUIRE(tiny != nullptr);
    {
        Link link(a, b, tiny, LinkSettings{});
        Pair::send(a, 1);
        Pair::send(a, 2);
        link.advance(kStart);
        REQUIRE(link.counters(Direction::AToB).no_buffer == 1);
        REQUIRE(link.under_way(Direction::AToB) == 1);
    }
    rte_mempool_free(tiny);
}

TEST_CASE("the checksums that a device was asked for are right when the frame arrives, whatever its pieces") {
    const bool is_v6 = GENERATE(false, true);
    const std::uint16_t segment_bytes = GENERATE(std::uint16_t{0}, std::uint16_t{13});
    packet::FrameBuilder builder(test::pool(), test::indirect_pool(), MemoryPort::able());
    packet::FrameAddressing addressing;
    addressing.source = *wire::IpAddress::parse(is_v6 ? "fd00::1" : "10.0.0.1");
    addressing.destination = *wire::IpAddress::parse(is_v6 ? "fd00::2" : "10.0.0.2");
    packet::ByteQueue queue;
    const std::string text = GENERATE(std::string("odd"), std::string(1001, 'x'));
    queue.push_back(test::make_slice(text));
    packet::Buffer frame = builder.tcp(addressing, {.source_port = 1, .destination_port = 2}, &queue, 0,
                                       static_cast<std::uint32_t>(text.size()));
    REQUIRE((frame.get()->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM) != 0);
    REQUIRE((frame.get()->nb_segs == 2) == (text.size() == 1001));

    const packet::Buffer copy = copy_frame(frame, test::pool(), segment_bytes);
    const std::string bytes = test::to_string(copy);
    const base::Bytes all(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    const auto parsed = wire::parse_frame(all, copy.length());  // verifies IPv4's header
    REQUIRE(parsed.ok());
    REQUIRE(wire::l4_checksum_is_good(parsed.value(),
                                      all.subspan(parsed.value().l4_offset, parsed.value().l4_length)));
}

}  // namespace
}  // namespace terminus::sim
