// What a receiver's SACK options say: RFC 2018 4, RFC 2883 4, and that they fit beside text (RFC 6691).
#include "tcp/sack_report.hpp"

#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {

using Blocks = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// A connection that has agreed on SACK, and a peer that sends ten bytes at a time.
struct SackBench : Bench {
    explicit SackBench(SeqNum own = SeqNum(1000), SeqNum peer = SeqNum(500'000)) : Bench(own, peer) {
        tunables.sack = true;
    }
    void open() { accept(sack_syn()); }
    Disposition ten(std::uint32_t seq) { return receive(kAck, seq, 1, "0123456789"); }
    [[nodiscard]] Blocks blocks_of(const OutSegment& out) const {
        Blocks result;
        for (std::size_t i = 0; i < out.options.sack_count; ++i)
            result.emplace_back(out.options.sack[i].left - peer_iss, out.options.sack[i].right - peer_iss);
        return result;
    }
    Blocks answer() { return blocks_of(poll_one()); }
};

}  // namespace

// RFC 2018 4.
TEST_CASE("the first SACK block has the segment that triggered the ACK, then the most recent ones follow") {
    SackBench bench;
    bench.open();
    bench.ten(21);
    CHECK(bench.answer() == Blocks{{21, 31}});
    bench.ten(41);
    CHECK(bench.answer() == Blocks{{41, 51}, {21, 31}});
    bench.ten(61);
    bench.ten(31);  // two in one turn: the order in which they came
    CHECK(bench.answer().front() == std::pair<std::uint32_t, std::uint32_t>{21, 51});
    bench.ten(81);
    CHECK(bench.answer() == Blocks{{81, 91}, {21, 51}, {61, 71}});
    bench.ten(101);
    bench.ten(121);
    CHECK(bench.answer() == Blocks{{121, 131}, {101, 111}, {81, 91}, {21, 51}});
    bench.ten(71);  // one that was forgotten is whole again when it grows
    CHECK(bench.answer() == Blocks{{61, 91}, {121, 131}, {101, 111}, {21, 51}});
}

TEST_CASE("with timestamps three SACK blocks are sent") {
    SackBench bench;
    bench.tunables.timestamps = true;
    bench.peer_timestamp = 5;
    bench.open();
    for (std::uint32_t i = 1; i <= 4; ++i)
        bench.ten(1 + 20 * i);
    const OutSegment out = bench.poll_one();
    CHECK(bench.blocks_of(out) == Blocks{{81, 91}, {61, 71}, {41, 51}});
    CHECK(wire::tcp_options_length(out.options) == 40);
}

TEST_CASE("blocks go when the gap before them is filled, and with the last one the option") {
    SackBench bench;
    bench.open();
    bench.ten(11);
    bench.ten(31);
    CHECK(bench.answer() == Blocks{{31, 41}, {11, 21}});
    bench.ten(1);
    const OutSegment out = bench.poll_one();
    CHECK(bench.ack_of(out) == 21);
    CHECK(bench.blocks_of(out) == Blocks{{31, 41}});
    bench.ten(21);
    CHECK(bench.answer().empty());
    CHECK(bench.read().size() == 40);
}

TEST_CASE("SACK blocks are right across the wrap of sequence numbers") {
    SackBench bench(SeqNum(1), SeqNum(UINT32_MAX - 24));
    bench.open();
    bench.ten(21);
    bench.ten(41);
    CHECK(bench.answer() == Blocks{{41, 51}, {21, 31}});
    bench.ten(31);
    CHECK(bench.answer() == Blocks{{21, 51}});
}

TEST_CASE("a peer that doesn't permit SACK gets none, and a duplicate ACK for each segment of a turn") {
    SackBench bench;  // RFC 2018 2, RFC 5681 4.2
    bench.establish();
    bench.ten(11);
    bench.ten(31);
    bench.ten(51);
    const auto out = bench.poll_all();
    REQUIRE(out.size() == 3);
    for (const OutSegment& ack : out) {
        CHECK(ack.options.sack_count == 0);
        CHECK(bench.ack_of(ack) == 1);
    }
}

// RFC 2883 4.1.
TEST_CASE("a segment that came before is reported once, in the first block") {
    SackBench bench;
    bench.open();
    bench.ten(1);
    (void)bench.poll_all();
    bench.ten(21);
    CHECK(bench.answer() == Blocks{{21, 31}});
    SECTION("below the cumulative ACK") {
        bench.ten(1);
        CHECK(bench.answer() == Blocks{{1, 11}, {21, 31}});
        bench.ten(41);
        CHECK(bench.answer() == Blocks{{41, 51}, {21, 31}});
    }
    SECTION("below it in part") {
        (void)bench.receive(kAck, 6, 1, "5678901234");
        CHECK(bench.answer() == Blocks{{6, 11}, {21, 31}});
    }
    SECTION("ahead of the gap: the block that holds it is the second") {
        bench.ten(41);
        (void)bench.poll_all();
        bench.ten(21);
        CHECK(bench.answer() == Blocks{{21, 31}, {21, 31}, {41, 51}});
    }
    SECTION("ahead of the gap in part") {
        (void)bench.receive(kAck, 26, 1, "5678901234");
        CHECK(bench.answer() == Blocks{{26, 31}, {21, 36}});
    }
    SECTION("a keepalive probe has no text and is none") {
        (void)bench.receive(kAck, 10, 1);
        CHECK(bench.answer() == Blocks{{21, 31}});
    }
}

TEST_CASE("duplicates are not reported when `dsack` is off") {
    SackBench bench;
    bench.tunables.dsack = false;
    bench.open();
    bench.ten(1);
    (void)bench.poll_all();
    bench.ten(1);
    CHECK(bench.answer().empty());
    bench.ten(21);
    bench.ten(21);
    CHECK(bench.answer() == Blocks{{21, 31}});
}

// RFC 6691 4, RFC 9293 MUST-16.
TEST_CASE("text beside SACK blocks is shorter by what they take, and full again without them") {
    SackBench bench;
    bench.open();
    bench.ten(21);
    bench.ten(41);
    bench.send(std::string(3000, 'd'));
    const auto out = bench.poll_all();
    REQUIRE(out.size() >= 3);
    for (const OutSegment& segment : out)
        CHECK(segment.payload_length + wire::tcp_options_length(segment.options) <= 1000);
    CHECK(out[0].payload_length == 1000 - 20);
    CHECK(bench.blocks_of(out[0]) == Blocks{{41, 51}, {21, 31}});
}

// HARDENING 4, 21 (CVE-2019-11479): the peer's smallest MSS.
TEST_CASE("HARDENING 4, 21: with a tiny MSS the blocks leave at least half of each segment to the text") {
    SackBench bench;
    bench.peer_mss = 1;
    bench.open();
    for (std::uint32_t i = 1; i <= 4; ++i)
        bench.ten(1 + 20 * i);
    bench.send(std::string(200, 'd'));
    const auto out = bench.poll_all();
    REQUIRE(out.size() > 2);
    CHECK(out[0].options.sack_count == 2);
    CHECK(out[0].payload_length == 48 - 20);
}

// HARDENING 20, 27.
TEST_CASE(
    "HARDENING 20, 27: segments ahead of gaps are bounded for a core, and each that leaves makes room") {
    SackBench bench;
    bench.tunables.max_out_of_order = 3;
    bench.stats.out_of_order_buffers.set(1);  // another connection's
    bench.open();
    CHECK(bench.ten(21) == Disposition::Accepted);
    CHECK(bench.ten(41) == Disposition::Accepted);
    CHECK(bench.stats.out_of_order_buffers.value() == 3);
    CHECK(bench.ten(61) == Disposition::Dropped);
    CHECK(bench.drops(DropReason::TcpOutOfOrderLimit) == 1);
    CHECK(bench.answer() == Blocks{{41, 51}, {21, 31}});  // RFC 2018 3: what is not held is not reported
    CHECK(bench.receive(kAck, 1, 1, std::string(20, 'x')) == Disposition::Accepted);
    CHECK(bench.stats.out_of_order_buffers.value() == 2);
    bench.finish_with_connection();
    CHECK(bench.stats.out_of_order_buffers.value() == 1);
}

TEST_CASE("HARDENING 20: gaps and bytes ahead of them are bounded for a connection") {  // HARDENING 20
    SackBench bench;
    bench.open();
    SECTION("gaps") {
        bench.tunables.out_of_order_holes = 1;
        CHECK(bench.ten(21) == Disposition::Accepted);
        CHECK(bench.ten(41) == Disposition::Dropped);
        CHECK(bench.ten(31) == Disposition::Accepted);
    }
    SECTION("bytes") {
        bench.tunables.out_of_order_bytes = 15;
        CHECK(bench.ten(21) == Disposition::Accepted);
        CHECK(bench.ten(41) == Disposition::Dropped);
    }
    CHECK(bench.drops(DropReason::TcpOutOfOrderLimit) == 1);
}

// RFC 2018 8; HARDENING 26.
TEST_CASE(
    "HARDENING 26: while buffers are out the filler of the first gap takes the place of the farthest run") {
    SackBench bench;
    bench.open();
    bench.ten(21);
    bench.ten(41);
    (void)bench.poll_all();
    bench.may_keep_payload = false;
    CHECK(bench.ten(61) == Disposition::Dropped);
    CHECK(bench.drops(DropReason::BufferPressure) == 1);
    CHECK(bench.receive(kAck, 1, 1, std::string(20, 'x')) == Disposition::Accepted);
    const OutSegment out = bench.poll_one();
    CHECK(bench.ack_of(out) == 31);
    CHECK(bench.blocks_of(out).empty());
    CHECK(bench.read().size() == 30);
    CHECK(bench.ten(31) == Disposition::Dropped);  // nothing is held that it would set free
}
