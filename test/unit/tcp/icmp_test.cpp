// ICMP errors: RFC 5927, 5461, 1191 and 8201 (HARDENING 16).
#include "bench.hpp"

using namespace terminus;
using namespace terminus::test;
using tcp::IcmpError;

namespace {
bool error(Bench& bench, IcmpError kind, std::uint32_t quoted, std::uint16_t mtu = 0) {
    return bench.c().icmp_error_arrives(kind, bench.own_iss + quoted, mtu, bench.env());
}
}  // namespace

// RFC 5927 4.1.
TEST_CASE("HARDENING 16: an error that quotes what is not in flight is ignored") {
    Bench bench;
    bench.establish();
    CHECK_FALSE(error(bench, IcmpError::TooBig, 1, 600));  // nothing is in flight
    bench.send(std::string(2000, 'x'));
    (void)bench.poll_all();
    CHECK_FALSE(error(bench, IcmpError::TooBig, 0, 600));
    CHECK_FALSE(error(bench, IcmpError::TooBig, 2001, 600));
    CHECK(bench.c().snapshot().send_mss == 1000);
    CHECK(error(bench, IcmpError::Soft, 1));
    CHECK(error(bench, IcmpError::Soft, 2000));
}

// RFC 5461 4.1, RFC 5927 5.2.
TEST_CASE("HARDENING 16: a hard error ends a handshake and nothing later") {
    Bench opening;
    opening.bring_to(State::SynSent);
    CHECK_FALSE(error(opening, IcmpError::Hard, 1));
    CHECK(error(opening, IcmpError::Soft, 0));
    CHECK(opening.c().state() == State::SynSent);
    CHECK(opening.leg().icmp_soft_errors.value() == 1);
    CHECK(error(opening, IcmpError::Hard, 0));
    CHECK(opening.c().state() == State::Closed);
    CHECK(opening.c().close_reason() == CloseReason::Unreachable);
    CHECK(opening.poll_all().empty());

    Bench crossed;
    crossed.bring_to(State::SynReceived);
    CHECK(error(crossed, IcmpError::Hard, 0));
    CHECK(crossed.c().close_reason() == CloseReason::Unreachable);

    Bench refused;
    refused.bring_to(State::SynSent);
    CHECK(error(refused, IcmpError::Refused, 0));
    CHECK(refused.c().close_reason() == CloseReason::Refused);

    Bench bench;
    bench.establish();
    bench.send("x");
    (void)bench.poll_all();
    CHECK(error(bench, IcmpError::Hard, 1));  // RFC 9293 MUST-56, RFC 5927 5.2
    CHECK(error(bench, IcmpError::Refused, 1));
    CHECK(bench.c().state() == State::Established);
    CHECK(bench.leg().icmp_soft_errors.value() == 2);
}

TEST_CASE("too big lowers the MSS and sends again at once, without a congestion signal") {
    Bench bench;
    bench.establish();
    bench.send(std::string(3000, 'x'));
    (void)bench.poll_all();
    CHECK(error(bench, IcmpError::TooBig, 1, 640));
    CHECK(bench.c().snapshot().send_mss == 600);
    CHECK(bench.c().snapshot().congestion_window_bytes == 10'000);
    const auto out = bench.poll_all();
    REQUIRE(out.size() == 5);
    CHECK(bench.seq_of(out[0]) == 1);
    for (const auto& segment : out)
        CHECK(segment.payload_length == 600);
    CHECK(bench.leg().retransmits[RetransmitCause::PathMtu].value() == 5);
}

// RFC 1191 3, RFC 5927 7.2.
TEST_CASE("HARDENING 16: too big only lowers, to a floor, and timestamps keep their room") {
    Bench bench;
    bench.tunables.timestamps = true;
    bench.peer_timestamp = 1;
    bench.establish();
    bench.send(std::string(3000, 'x'));
    (void)bench.poll_all();
    CHECK(error(bench, IcmpError::TooBig, 1, 1500));
    CHECK(bench.c().snapshot().send_mss == 988);
    CHECK(error(bench, IcmpError::TooBig, 1, 800));
    CHECK(bench.c().snapshot().send_mss == 760 - 12);
    for (const std::uint16_t mtu : {68, 1, 0}) {
        CHECK(error(bench, IcmpError::TooBig, 1, mtu));
        CHECK(bench.c().snapshot().send_mss == 512 - 12);
    }
    CHECK(error(bench, IcmpError::TooBig, 1, 700));
    CHECK(bench.c().snapshot().send_mss == 512 - 12);
}

// RFC 7413 4.2.2, RFC 1191 6.4: nothing else would ever tell of it once the handshake is over.
TEST_CASE("too big is believed of text that went ahead of the handshake's end") {
    Bench bench;
    bench.promote();
    bench.c().open_fast(make_slice("cookie"), bench.env());
    bench.send(std::string(2000, 'x'));
    REQUIRE(bench.poll_all().size() >= 2);
    REQUIRE(bench.c().state() == State::SynReceived);
    CHECK(error(bench, IcmpError::TooBig, 1, 800));
    CHECK(bench.c().snapshot().send_mss == 760);
    (void)bench.poll_all();
    CHECK(bench.receive(kAck, 7, 1) == Disposition::Accepted);
    for (const OutSegment& out : bench.poll_all())
        CHECK(out.payload_length <= 760);
}

// RFC 1191 6.3, RFC 8201 4.
TEST_CASE("HARDENING 16: what a router lowered is tried again after ten minutes, and not before") {
    Bench bench;
    bench.establish();
    const auto exchange = [&](std::uint32_t from, std::uint32_t length) {
        bench.send(std::string(length, 'x'));
        (void)bench.poll_all();
        CHECK(bench.receive(kAck, 1, from + length) == Disposition::Accepted);
    };
    bench.send(std::string(1000, 'x'));
    (void)bench.poll_all();
    CHECK(error(bench, IcmpError::TooBig, 1, 800));
    (void)bench.poll_all();
    CHECK(bench.receive(kAck, 1, 1001) == Disposition::Accepted);
    bench.advance(5min);
    bench.send(std::string(1000, 'x'));
    (void)bench.poll_all();
    CHECK(error(bench, IcmpError::TooBig, 1001, 640));  // a second, smaller one: the ten minutes begin anew
    (void)bench.poll_all();
    bench.advance(10min - 1ns);
    CHECK(bench.receive(kAck, 1, 2001) == Disposition::Accepted);
    CHECK(bench.c().snapshot().send_mss == 600);
    bench.advance(1ns);
    exchange(2001, 600);
    CHECK(bench.c().snapshot().send_mss == 1000);  // as agreed on in the handshake
    // The router still can't, and says so: from the start.
    bench.send(std::string(1000, 'x'));
    (void)bench.poll_all();
    CHECK(error(bench, IcmpError::TooBig, 2601, 640));
    CHECK(bench.c().snapshot().send_mss == 600);
    (void)bench.poll_all();
    bench.advance(10min);
    CHECK(bench.receive(kAck, 1, 3601) == Disposition::Accepted);
    CHECK(bench.c().snapshot().send_mss == 1000);
}

TEST_CASE("for IPv6 the floor is its least MTU") {
    Bench bench;
    bench.ipv6 = true;
    bench.path_mss = 1440;
    bench.peer_mss = 1440;
    bench.establish_active();
    bench.send(std::string(3000, 'x'));
    (void)bench.poll_all();
    CHECK(error(bench, IcmpError::TooBig, 1, 600));
    CHECK(bench.c().snapshot().send_mss == 1220);
}

TEST_CASE("too big during the handshake shapes what follows it") {
    Bench bench;
    bench.bring_to(State::SynSent);
    CHECK(error(bench, IcmpError::TooBig, 0, 640));
    (void)bench.receive(kSyn | kAck, 0, 1);
    CHECK(bench.c().snapshot().send_mss == 600);
}

TEST_CASE(
    "too big about a SYN-ACK shapes the first text, and about text that went ahead of it brings it again") {
    Bench bench;
    bench.promote();
    CHECK(error(bench, IcmpError::TooBig, 0, 640));
    CHECK(bench.receive(kAck, 1, 1) == Disposition::Accepted);
    bench.send(std::string(1000, 'x'));
    CHECK(bench.poll_all()[0].payload_length == 600);

    Bench fast;
    fast.promote();
    fast.c().open_fast({}, fast.env());
    (void)fast.poll_all();
    fast.send(std::string(1000, 'x'));
    CHECK(fast.poll_one().payload_length == 1000);
    CHECK(error(fast, IcmpError::TooBig, 1, 640));
    const auto again = fast.poll_all();
    REQUIRE(again.size() == 2);
    CHECK(fast.seq_of(again[0]) == 1);
    CHECK(again[0].payload_length == 600);
    CHECK(again[1].payload_length == 400);
    CHECK(error(fast, IcmpError::TooBig, 1, 560));
    CHECK(fast.c().snapshot().send_mss == 520);
}

TEST_CASE("nothing quoted matters after the end") {
    Bench bench;
    bench.bring_to(State::TimeWait);
    CHECK_FALSE(error(bench, IcmpError::Hard, 1));
    bench.c().abort(CloseReason::Drain, bench.env());
    CHECK_FALSE(error(bench, IcmpError::Hard, 1));
}
