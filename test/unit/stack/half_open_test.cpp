#include <catch2/catch.hpp>

#include "stack/bench.hpp"

// LISTEN and what is born of it.
namespace terminus::stack {
namespace {

using namespace test;

// RFC 9293 3.9.1.1, MUST-42.
TEST_CASE(
    "HARDENING 26: the half-open table takes as many as it may and drops the next SYN without an answer") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.syncookies = 0;
    SECTION("by memory") {
        options.half_open_max = 4;
    }
    SECTION("by max_syn_backlog") {
        options.tunables.max_syn_backlog = 4;
    }
    Bench bench(false, options);
    bench.host().listen(80, {});
    bench.give({syn_from(1), syn_from(2), syn_from(3), syn_from(4)});
    REQUIRE(bench.host().stats().half_open.value() == 4);
    REQUIRE(bench.drops(DropReason::TcpHalfOpenLimit) == 0);
    (void)bench.sent();
    bench.give({syn_from(5)});
    REQUIRE(bench.drops(DropReason::TcpHalfOpenLimit) == 1);
    REQUIRE(bench.sent().empty());
    // A known one is still answered, and its place is free again when it is reset.
    bench.give({syn_from(1)});
    REQUIRE(bench.sent_segment().tcp->flags.bits == (kSyn | kAck));
    bench.give({Segment{.flags = kRst, .seq = wire::SeqNum(2), .from_port = 1}});
    REQUIRE(bench.host().stats().half_open.value() == 3);
    REQUIRE(bench.host().closes(CloseReason::ResetReceived) == 1);
    bench.give({syn_from(5)});
    REQUIRE(bench.host().stats().half_open.value() == 4);
}

TEST_CASE("the SYN-ACK is sent again at 1, 3 and 7 seconds, then the half-open is gone") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.synack_retries = 2;
    Bench bench(GENERATE(false, true), options);
    bench.host().listen(80, {});
    bench.turn();
    (void)bench.sent();
    bench.give({syn_from(4000)});
    const wire::TcpSegment first = *bench.sent_segment().tcp;
    bench.advance(1s - kTick);
    const auto no_segments = [&] {
        for (const Sent& one : bench.sent()) {
            if (one.tcp) return false;
        }
        return true;
    };
    REQUIRE(no_segments());
    bench.advance(2 * kTick);
    const wire::TcpSegment second = *bench.sent_segment().tcp;
    REQUIRE(second.seq == first.seq);
    REQUIRE(second.flags == first.flags);
    bench.advance(2s - 3 * kTick);
    REQUIRE(no_segments());
    bench.advance(4 * kTick);
    bool again = false;
    for (const Sent& one : bench.sent())
        again = again || one.tcp.has_value();
    REQUIRE(again);
    bench.advance(4s - 6 * kTick);
    REQUIRE(bench.host().stats().half_open.value() == 1);
    bench.advance(8 * kTick);
    REQUIRE(bench.host().stats().half_open.value() == 0);
    REQUIRE(bench.host().count(State::SynReceived) == 0);
    REQUIRE(bench.host().closes(CloseReason::SynAckTimeout) == 1);
    REQUIRE(bench.host().stats().leg(Leg::Client).retransmits[stats::RetransmitCause::SynAck].value() == 2);
    REQUIRE(bench.host().stats().leg(Leg::Client).timer_expirations[stats::Timer::Establishment].value() ==
            3);
    REQUIRE(no_segments());
}

TEST_CASE("with no slot free the half-open stays, and the peer's next segment promotes it") {
    const LeakCheck leaks;
    Bench bench(false, {.connections_max = 1});
    bench.host().listen(80, {});
    Peer first = bench.handshake(4000);
    REQUIRE(bench.host().flows().size() == 1);
    Peer second = bench.handshake(4001);
    REQUIRE(bench.drops(DropReason::TcpSlotLimit) == 1);
    REQUIRE(bench.host().stats().half_open.value() == 1);
    REQUIRE(bench.host().flows().size() == 1);
    REQUIRE(bench.sent().empty());
    bench.advance(1s + 2 * kTick);
    REQUIRE(bench.sent_segment().tcp->flags.bits == (kSyn | kAck));

    bench.give({first.segment(kRst)});
    bench.give({second.segment(kAck, "still here")});
    REQUIRE(bench.drops(DropReason::TcpSlotLimit) == 1);
    REQUIRE(bench.host().stats().half_open.value() == 0);
    REQUIRE(bench.host().flows().size() == 2);
    REQUIRE(bench.host().flows()[1].received == "still here");
    REQUIRE(bench.host().count(State::Established) == 1);
}

TEST_CASE("a segment for no service is answered by a RST that the peer believes") {
    Bench bench(GENERATE(false, true));
    bench.give({Segment{.flags = kSyn, .seq = wire::SeqNum(70), .payload = "data", .to_port = 81}});
    // RFC 9293 3.10.7.1: without an ACK: sequence zero, and everything is acknowledged.
    wire::TcpSegment reset = *bench.sent().back().tcp;
    REQUIRE(reset.flags.bits == (kRst | kAck));
    REQUIRE(reset.seq == wire::SeqNum(0));
    REQUIRE(reset.ack == wire::SeqNum(75));
    bench.give({Segment{.flags = kAck, .ack = wire::SeqNum(99), .to_port = 81}});
    reset = *bench.sent_segment().tcp;
    REQUIRE(reset.flags.bits == kRst);
    REQUIRE(reset.seq == wire::SeqNum(99));
    REQUIRE(bench.drops(DropReason::TcpNoListener) == 2);
    const stats::LegStats& leg = bench.host().stats().leg(Leg::Client);
    REQUIRE(leg.resets_sent[stats::ResetReason::NoConnection].value() == 2);
    REQUIRE(bench.host().stats().resets_sent_without_connection.value() == 2);
    // HARDENING 13: nothing ever answers a RST.
    bench.give({Segment{.flags = kRst, .to_port = 81}});
    REQUIRE(bench.sent().empty());
    REQUIRE(bench.drops(DropReason::TcpNoListener) == 3);
}

TEST_CASE(
    "HARDENING 18: RSTs for no connection are limited to a thousand a second, a quarter to one address") {
    Bench bench;
    const auto resets = [&] { return bench.host().stats().resets_sent_without_connection.value(); };
    const auto flood_from = [&](std::uint8_t number) {
        for (std::uint16_t burst = 0; burst < 6; ++burst) {
            std::vector<Octets> frames;
            for (std::uint16_t i = 0; i < 50; ++i) {
                const auto port = static_cast<std::uint16_t>(1000 + burst * 50 + i);
                frames.push_back(
                    bench.frame({.flags = kSyn, .from_port = port, .to_port = 81, .from = number}));
            }
            bench.give(frames);
        }
    };
    flood_from(10);
    REQUIRE(resets() == 250);
    for (std::uint8_t number = 11; number < 15; ++number)
        flood_from(number);
    REQUIRE(bench.drops(DropReason::TcpNoListener) == 5 * 300);
    REQUIRE(resets() == 1000);
    bench.advance(1s);
    bench.give({Segment{.flags = kSyn, .to_port = 81, .from = 10}});
    REQUIRE(resets() == 1001);
}

TEST_CASE("HARDENING 5: only a clean SYN opens; other combinations of bits are dropped or refused") {
    // HARDENING 5.
    Bench bench;
    bench.host().listen(80, {});
    std::uint64_t silent = 0;
    for (const int flags :
         {0, int{kFin}, kFin | kPsh | wire::TcpFlags::kUrg, kSyn | kFin, kSyn | kRst, 0xff & ~kAck}) {
        bench.give({Segment{.flags = static_cast<std::uint8_t>(flags)}});
        REQUIRE(bench.drops(DropReason::TcpBadFlags) == ++silent);
    }
    for (const int flags : {int{kAck}, kSyn | kAck, kFin | kAck}) {
        bench.give({Segment{.flags = static_cast<std::uint8_t>(flags)}});
    }
    REQUIRE(bench.drops(DropReason::TcpNoListener) == 3);
    REQUIRE(bench.host().stats().resets_sent_without_connection.value() == 3);
    REQUIRE(bench.host().stats().half_open.value() == 0);
    REQUIRE(bench.host().drops() == silent + 3);
}

TEST_CASE("during a drain new SYNs are refused and what is there goes on") {
    const LeakCheck leaks;
    Bench bench;
    bench.host().listen(80, {});
    Peer peer = bench.handshake(4000);
    bench.give({syn_from(4001)});
    (void)bench.sent();
    bench.host().stack().set_draining(true);
    bench.give({syn_from(4002)});
    REQUIRE(bench.sent_segment().tcp->flags.bits == (kRst | kAck));
    REQUIRE(bench.drops(DropReason::TcpDraining) == 1);
    REQUIRE(bench.host().stats().leg(Leg::Client).resets_sent[stats::ResetReason::Draining].value() == 1);
    bench.give({peer.segment(kAck, "go on")});
    REQUIRE(bench.host().flows()[0].received == "go on");
    bench.give({Segment{.seq = wire::SeqNum(4002), .ack = bench.iss(4001) + 1, .from_port = 4001}});
    REQUIRE(bench.host().flows().size() == 2);
    bench.host().stack().set_draining(false);
    bench.give({syn_from(4003)});
    REQUIRE(bench.host().stats().half_open.value() == 1);
}

TEST_CASE(
    "HARDENING 16: of ICMP errors only a hard one that quotes the SYN-ACK's very number ends a half-open") {
    // HARDENING 16, RFC 5927 4.1, RFC 5461 4.1, RFC 9293 MUST-56.
    const LeakCheck leaks;
    const bool is_v6 = GENERATE(false, true);
    Bench bench(is_v6);
    bench.host().listen(80, {});
    bench.give({syn_from(4000)});
    const Sent syn_ack = bench.sent().back();
    const std::uint8_t unreachable = is_v6 ? 1 : 3;
    const std::uint8_t port_code = is_v6 ? 4 : 3;
    const auto too_big = [&] {
        return is_v6 ? bench.icmp_error(2, 0, 1280, syn_ack) : bench.icmp_error(3, 4, 576, syn_ack);
    };
    bench.give(too_big());
    bench.give(bench.icmp_error(unreachable, 0, 0, syn_ack));  // no route: soft
    REQUIRE(bench.host().drops() == 0);
    REQUIRE(bench.host().stats().half_open.value() == 1);

    for (const std::uint32_t distance : {1u, 0xffff'ffffu}) {
        Sent other = syn_ack;
        base::store_be32(&other.bytes[other.frame.l4_offset + 4], (syn_ack.tcp->seq + distance).value());
        bench.give(bench.icmp_error(unreachable, port_code, 0, other));
    }
    REQUIRE(bench.drops(DropReason::IcmpUnmatched) == 2);
    REQUIRE(bench.host().stats().half_open.value() == 1);

    bench.give(bench.icmp_error(unreachable, port_code, 0, syn_ack));
    REQUIRE(bench.host().stats().half_open.value() == 0);
    REQUIRE(bench.host().count(State::SynReceived) == 0);
    REQUIRE(bench.host().closes(CloseReason::Unreachable) == 1);
    REQUIRE(bench.host().stack().armed_timers() == 0);
    REQUIRE(bench.sent().empty());
}

// RFC 9293 3.9.1.1, MUST-41.
TEST_CASE("HARDENING 10: half-opens of a listener that a reload removed are reset, others are not") {
    // HARDENING 10.
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {});
    bench.host().listen(81, {});
    Segment other = syn_from(4001);
    other.to_port = 81;
    bench.give({syn_from(4000), other});
    (void)bench.sent();
    const wire::SeqNum iss = bench.iss();
    bench.host().unlisten(80);
    bench.host().stack().services_changed();
    bench.turn();
    const wire::TcpSegment reset = *bench.sent_segment().tcp;
    REQUIRE(reset.flags.bits == (kRst | kAck));
    REQUIRE(reset.source_port == 80);
    REQUIRE(reset.seq == iss + 1);
    REQUIRE(reset.ack == wire::SeqNum(4001));
    REQUIRE(bench.host().stats().half_open.value() == 1);
    REQUIRE(bench.host().closes(CloseReason::ServiceRemoved) == 1);
    // The late ACK of the child finds nothing.
    bench.give({Segment{.seq = wire::SeqNum(4001), .ack = iss + 1}});
    REQUIRE(bench.drops(DropReason::TcpNoListener) == 1);
    REQUIRE(bench.host().flows().empty());
}

TEST_CASE("half-opens of a removed service go a bounded number a turn, and none is completed meanwhile") {
    const LeakCheck leaks;
    Bench bench;
    bench.host().listen(80, {});
    constexpr std::uint16_t kMany = 1000, kFirst = 4000;
    for (std::uint16_t i = 0; i < kMany; ++i)
        bench.give({syn_from(static_cast<std::uint16_t>(kFirst + i))});
    (void)bench.sent();
    REQUIRE(bench.host().stats().half_open.value() == kMany);
    const wire::SeqNum iss = bench.iss(kFirst);
    bench.host().unlisten(80);
    bench.host().stack().services_changed();
    REQUIRE(bench.host().has_work());
    bench.give({Segment{.seq = wire::SeqNum(kFirst + 1), .ack = iss + 1, .from_port = kFirst}});
    REQUIRE(bench.host().closes(CloseReason::ServiceRemoved) == 1 + kTimerBudget);
    for (int turn = 0; turn < kMany && bench.host().has_work(); ++turn)
        bench.turn();
    REQUIRE(bench.host().flows().empty());
    REQUIRE(bench.host().stats().half_open.value() == 0);
    REQUIRE(bench.host().closes(CloseReason::ServiceRemoved) == kMany);
}

}  // namespace
}  // namespace terminus::stack
