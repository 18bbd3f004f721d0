// Explicit congestion notification, RFC 3168.
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;
using tcp::RecoveryState;

namespace {

constexpr std::uint8_t kEce = wire::TcpFlags::kEce, kCwr = wire::TcpFlags::kCwr;

/// A connection that has agreed on ECN, opened by the peer.
struct EcnBench : Bench {
    [[nodiscard]] OutSegment offer(std::uint8_t flags) {
        tcp::HalfOpen half({tuple(), 1, 2, own_iss, mss}, segment(flags, 0, 0), env());
        const OutSegment answer = half.poll_reply(kTimestampOffset, env());
        half.released(env());
        return answer;
    }
    void open() { accept(segment(kSyn | kEce | kCwr, 0, 0)); }
    void marked(std::uint32_t seq, std::string_view text) {
        wire::TcpSegment data = segment(kAck, seq, 1, text);
        data.congestion_experienced = true;
        REQUIRE(receive(data, text) == Disposition::Accepted);
    }
};

}  // namespace

// RFC 3168 6.1.1, RFC 9293 3.8.2, SHLD-8; Linux's tcp_ecn.
TEST_CASE("a SYN that asks for ECN is answered by ECE alone, unless `ecn` is 0") {
    EcnBench bench;
    CHECK(bench.offer(kSyn | kEce | kCwr).flags.bits == (kSyn | kAck | kEce));
    CHECK(bench.offer(kSyn).flags.bits == (kSyn | kAck));
    CHECK(bench.offer(kSyn | kEce).flags.bits == (kSyn | kAck));
    bench.tunables.ecn = 1;
    CHECK(bench.offer(kSyn | kEce | kCwr).flags.bits == (kSyn | kAck | kEce));
    bench.tunables.ecn = 0;
    CHECK(bench.offer(kSyn | kEce | kCwr).flags.bits == (kSyn | kAck));
}

// RFC 3168 6.1.1 and 6.1.1.1.
TEST_CASE("with `ecn` 1 our first SYN asks, its copies don't, and only ECE without CWR agrees") {
    Bench bench;
    bench.tunables.ecn = 1;
    bench.open_active();
    const OutSegment syn = bench.poll_one();
    CHECK(syn.flags.bits == (kSyn | kEce | kCwr));
    CHECK_FALSE(syn.ecn_capable);
    SECTION("agreed") {
        CHECK(bench.receive(kSyn | kAck | kEce, 0, 1) == Disposition::Accepted);
        (void)bench.poll_all();
        bench.send("text");
        CHECK(bench.poll_one().ecn_capable);
    }
    SECTION("declined") {
        const auto flags = static_cast<std::uint8_t>(GENERATE(kSyn | kAck, kSyn | kAck | kEce | kCwr));
        CHECK(bench.receive(flags, 0, 1) == Disposition::Accepted);
        (void)bench.poll_all();
        bench.send("text");
        CHECK_FALSE(bench.poll_one().ecn_capable);
    }
    SECTION("no answer") {
        bench.run_to_deadline();
        CHECK(bench.poll_one().flags.bits == kSyn);
        CHECK(bench.receive(kSyn | kAck | kEce, 0, 1) == Disposition::Accepted);
        (void)bench.poll_all();
        bench.send("text");
        CHECK_FALSE(bench.poll_one().ecn_capable);
    }
}

TEST_CASE("by default we don't ask") {
    Bench bench;
    bench.open_active();
    CHECK(bench.poll_one().flags.bits == kSyn);
}

// RFC 3168 6.1.3.
TEST_CASE("a mark is echoed at once and on every segment until the peer has reduced its window") {
    EcnBench bench;
    bench.open();
    bench.marked(1, "abc");
    CHECK(bench.poll_one().flags.bits == (kAck | kEce));
    CHECK(bench.leg().congestion_marks.value() == 1);
    bench.send("answer");
    CHECK(bench.poll_one().flags.ece());
    (void)bench.receive(kAck, 4, 7, "def");
    bench.run_to_deadline();
    CHECK(bench.poll_one().flags.ece());
    (void)bench.receive(kAck | kCwr, 7, 7, "ghi");
    bench.run_to_deadline();
    CHECK_FALSE(bench.poll_one().flags.ece());
}

TEST_CASE("CWR on a segment that is marked itself begins a new echo") {  // RFC 3168 6.1.3
    EcnBench bench;
    bench.open();
    bench.marked(1, "abc");
    (void)bench.poll_all();
    wire::TcpSegment both = bench.segment(kAck | kCwr, 4, 1, "def");
    both.congestion_experienced = true;
    (void)bench.receive(both, "def");
    bench.run_to_deadline();
    CHECK(bench.poll_one().flags.ece());
}

// RFC 3168 6.1.2, RFC 9293 3.8.2 MUST-19.
TEST_CASE("an echo costs the window once a round trip, and new text tells of it once") {
    EcnBench bench;
    bench.open();
    bench.send(std::string(30'000, 'x'));
    REQUIRE(bench.poll_all().size() == 10);
    bench.advance(40ms);
    std::size_t told = 0;
    for (std::uint32_t up_to = 1001; up_to <= 10'001; up_to += 1000) {
        (void)bench.receive(kAck | kEce, 1, up_to);
        for (const OutSegment& out : bench.poll_all()) {
            CHECK(out.ecn_capable);
            told += out.flags.cwr();
        }
    }
    CHECK(told == 1);
    CHECK(bench.leg().ecn_reductions.value() == 1);
    CHECK(bench.leg().recoveries.value() == 0);
    CHECK(bench.c().recovery().window() <= 6000);
    CHECK(bench.leg().segments_retransmitted_bytes.value() == 0);
    bench.advance(40ms);
    (void)bench.receive(kAck | kEce, 1, 12'001);
    CHECK(bench.leg().ecn_reductions.value() == 2);
}

TEST_CASE("text that is sent again, ACKs and probes are not ECN-capable") {  // RFC 3168 6.1.4 to 6.1.6
    EcnBench bench;
    bench.open();
    bench.send("text");
    CHECK(bench.poll_one().ecn_capable);
    bench.run_to_deadline();
    CHECK_FALSE(bench.poll_one().ecn_capable);
    (void)bench.receive(kAck, 1, 5, "pure");
    bench.run_to_deadline();
    CHECK_FALSE(bench.poll_one().ecn_capable);
    bench.peer_window = 0;
    (void)bench.receive(kAck, 5, 5);
    bench.send("waits");
    bench.run_to_deadline();
    CHECK_FALSE(bench.poll_one().ecn_capable);
}

TEST_CASE("without an agreement marks and echoes mean nothing") {
    Bench bench;
    bench.establish();
    bench.send(std::string(10'000, 'x'));
    (void)bench.poll_all();
    (void)bench.receive(kAck | kEce, 1, 5001);
    CHECK(bench.leg().ecn_reductions.value() == 0);
    wire::TcpSegment data = bench.segment(kAck, 1, 5001, "abc");
    data.congestion_experienced = true;
    (void)bench.receive(data, "abc");
    bench.run_to_deadline();
    for (const OutSegment& out : bench.poll_all())
        CHECK_FALSE(out.flags.ece());
}
