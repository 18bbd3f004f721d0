// Timestamps on arrival: RFC 7323 4.3, 5.3 and 5.5.
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;

namespace {
std::uint32_t snd_una(Bench& bench) {
    return bench.c().send_space().una - bench.own_iss;
}
}  // namespace

// RFC 7323 5.3, HARDENING 15.
TEST_CASE(
    "HARDENING 15: a timestamp older than TS.Recent is refused before the ACK is used, with an ACK in "
    "reply") {
    Bench bench;
    bench.tunables.timestamps = true;
    bench.peer_timestamp = 1000;
    bench.establish();
    bench.send("abc");
    (void)bench.poll_all();
    bench.peer_timestamp = 999;
    CHECK(bench.receive(kAck, 1, 4, "x") == Disposition::Dropped);
    CHECK(snd_una(bench) == 1);
    CHECK(bench.drops(DropReason::TcpPaws) == 1);
    CHECK(bench.poll_one().options.timestamps->echo_reply == 1000);
    bench.peer_timestamp = 1000;
    CHECK(bench.receive(kAck, 1, 4, "x") == Disposition::Accepted);
    CHECK(snd_una(bench) == 4);
}

TEST_CASE("HARDENING 15, 29: timestamps wrap round: half a circle ahead is newer, beyond is older") {
    const std::uint32_t start = GENERATE(0u, 1000u, 0x7fffffffu, 0x80000000u, 0xffffffffu);
    Bench bench;
    bench.tunables.timestamps = true;
    bench.peer_timestamp = start;
    bench.establish();
    bench.peer_timestamp = start + 0x80000000u;
    CHECK(bench.receive(kAck, 1, 1, "x") == Disposition::Dropped);
    bench.peer_timestamp = start + 0x7fffffffu;
    CHECK(bench.receive(kAck, 1, 1, "x") == Disposition::Accepted);
    CHECK(bench.c().recent_timestamp() == start + 0x7fffffffu);
}

TEST_CASE(
    "HARDENING 15: TS.Recent is taken from segments that reach back to the last ACK sent, and no others") {  // CVE-2005-0356
    Bench bench;
    bench.tunables.timestamps = true;
    bench.tunables.delack_segments = 10;
    bench.peer_timestamp = 1000;
    bench.establish();
    bench.peer_timestamp = 2000;
    (void)bench.receive(kAck, 2, 1, "ahead");
    CHECK(bench.c().recent_timestamp() == 1000u);
    (void)bench.poll_all();
    bench.peer_timestamp = 1500;
    (void)bench.receive(kAck, 1, 1, "x");
    CHECK(bench.c().recent_timestamp() == 1500u);
    (void)bench.poll_all();  // acknowledges up to 7
    bench.peer_timestamp = 1600;
    (void)bench.receive(kAck, 7, 1, "y");  // held back
    CHECK(bench.c().recent_timestamp() == 1600u);
    bench.peer_timestamp = 1700;
    (void)bench.receive(kAck, 8, 1, "z");  // Last.ACK.sent is 7: the ACK to come echoes the earliest
    CHECK(bench.c().recent_timestamp() == 1600u);
}

TEST_CASE("after more than 24 days of silence an older timestamp is believed") {  // RFC 7323 5.5
    Bench bench;
    bench.tunables.timestamps = true;
    bench.tunables.keepalive = false;
    bench.peer_timestamp = 1000;
    bench.establish();
    bench.advance(24h * 24);
    bench.peer_timestamp = 1;
    CHECK(bench.receive(kAck, 1, 1, "x") == Disposition::Dropped);
    bench.advance(1s);
    CHECK(bench.receive(kAck, 1, 1, "x") == Disposition::Accepted);
    CHECK(bench.c().recent_timestamp() == 1u);
}

TEST_CASE("a RST needs no timestamp, and a segment that lost its timestamp is taken") {
    Bench bench;
    bench.tunables.timestamps = true;
    bench.peer_timestamp = 1000;
    bench.establish();
    bench.peer_timestamp.reset();
    CHECK(bench.receive(kAck, 1, 1, "x") == Disposition::Accepted);
    bench.peer_timestamp = 1;
    CHECK(bench.receive(kRst, 2, 0) == Disposition::Accepted);
    CHECK(bench.c().state() == State::Closed);
}

// RFC 7323 5.3 R3, RFC 5961 5.
TEST_CASE("a segment with an unbelievable ACK leaves TS.Recent alone") {
    Bench bench;
    bench.tunables.timestamps = true;
    bench.peer_timestamp = 100;
    bench.establish();
    bench.peer_timestamp = 200'000;
    CHECK(bench.receive(kAck | kFin, 1, 9999) == Disposition::Dropped);
    CHECK(bench.c().recent_timestamp() == 100u);
    bench.peer_timestamp = 101;
    CHECK(bench.receive(kAck, 1, 1, "real") == Disposition::Accepted);
    CHECK(bench.c().recent_timestamp() == 101u);
}
