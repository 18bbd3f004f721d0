#include <rte_mbuf.h>

#include <algorithm>
#include <bitset>
#include <catch2/catch.hpp>
#include <numeric>

#include "stack/bench.hpp"

// Rows of docs/hardening.md that take a whole core to show: what an observer learns, and what a crowd costs.
namespace terminus::stack {
namespace {

using namespace test;

Segment stamped_syn_from(std::uint16_t port) {
    Segment syn = syn_from(port);
    syn.options.timestamps = {.value = 1, .echo_reply = 0};
    return syn;
}

TEST_CASE("HARDENING 7: a flag that says good counts only from a device that computes checksums") {
    const bool computes = GENERATE(false, true);
    HostOptions options;
    options.capabilities.rx_checksum = computes;
    Bench bench(false, options);
    bench.host().listen(80, {});
    Octets spoilt = bench.frame({.flags = kSyn});
    spoilt[wire::kEthernetHeader + wire::kIpv4Header + 17] ^= 1;
    packet::Buffer frame = terminus::test::make_buffer(spoilt);
    frame.get()->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    bench.host().port().arrive(std::move(frame));
    bench.turn();
    REQUIRE(bench.drops(DropReason::TcpChecksum) == (computes ? 0 : 1));
    REQUIRE(bench.host().stats().half_open.value() == (computes ? 1 : 0));
}

/// More frames than one turn takes, at one moment.
void give_in_bursts(Bench& bench, const std::vector<Octets>& frames) {
    constexpr std::ptrdiff_t kBurst = 32;
    for (auto at = frames.begin(); at != frames.end();) {
        const auto end = at + std::min(kBurst, frames.end() - at);
        bench.give(std::vector<Octets>(at, end));
        at = end;
    }
}

// RFC 6528 3, RFC 7323 5.4. Six SYNs a tenth of a second apart are what nmap's SEQ test sends.
TEST_CASE("HARDENING 11: whoever collects SYN-ACKs finds no pattern in their numbers or timestamps") {
    Bench bench;
    bench.host().listen(80, {});
    bench.turn();
    (void)bench.sent();
    std::vector<std::uint32_t> numbers;
    std::vector<std::uint32_t> clocks;
    for (std::uint16_t port = 4000; port < 4006; ++port) {
        bench.give({stamped_syn_from(port)});
        const Sent answer = bench.sent_segment();
        numbers.push_back(answer.tcp->seq.value());
        REQUIRE(answer.tcp->options.timestamps);
        clocks.push_back(answer.tcp->options.timestamps->value);
        bench.advance(100ms);
        (void)bench.sent();
    }
    std::uint32_t divisor = 0;
    for (std::size_t i = 1; i < numbers.size(); ++i) {
        const std::uint32_t step = numbers[i] - numbers[i - 1];
        divisor = std::gcd(divisor, step);
        CHECK(std::min(step, 0u - step) > 1'000'000);  // nothing near the last one, nor at 4 us a step
        CHECK(clocks[i] - clocks[i - 1] > 1000);       // not one clock for all, read 100 ms later
        CHECK(std::bitset<32>(step).count() > 4);
    }
    CHECK(divisor < 10);  // nmap's GCD: 1 or so for the random, 64000 and the like for the simple
}

TEST_CASE("HARDENING 11: the numbers of one 4-tuple move forward from connection to connection") {
    Bench bench;
    bench.host().listen(80, {});
    wire::SeqNum last = bench.iss();
    for (int i = 0; i < 20; ++i) {
        const Peer peer = bench.handshake();
        const wire::SeqNum iss = peer.ack - 1;
        if (i > 0) REQUIRE(iss.after(last));
        last = iss;
        bench.give({peer.segment(kRst)});
        bench.advance(3s);
        (void)bench.sent();
    }
}

// RFC 6864 4.1, RFC 7739.
TEST_CASE("HARDENING 17: no packet carries a number of a common counter") {
    Bench bench;
    bench.host().listen(80, {.send = random_bytes(1, 20'000)});
    const Peer first = bench.handshake(4000);
    const Peer second = bench.handshake(4001);
    bench.give({Segment{.flags = kSyn, .to_port = 81}});  // and a RST
    std::vector<Sent> all = bench.sent();
    bench.give({first.segment(kSyn), second.segment(kSyn)});
    for (Sent& one : bench.sent())
        all.push_back(std::move(one));
    REQUIRE(all.size() > 10);
    for (const Sent& one : all) {
        const std::uint8_t* const header = &one.bytes[wire::kEthernetHeader];
        CHECK(base::load_be16(header + 4) == 0);       // the identification ...
        CHECK(base::load_be16(header + 6) == 0x4000);  // ... of what is never fragmented
    }
}

// RFC 5961 10, CVE-2016-5696: an observer who forges a peer's address learns only what a reply tells him that
// he gets himself: his own connection's challenge ACKs, and the RSTs of a closed port.
TEST_CASE("HARDENING 17: what a stranger gets is the same whether a guessed 4-tuple exists or not") {
    const auto seen_by_a_stranger = [](bool exists) {
        Bench bench;
        bench.host().listen(80, {});
        const Peer own = bench.handshake(5000, 3);
        if (exists) (void)bench.handshake(4000);
        bench.turn();
        (void)bench.sent();
        for (int i = 0; i < 200; ++i) {
            Segment forged{.flags = kSyn, .seq = wire::SeqNum(i * 1000u), .from_port = 4000};
            bench.give({forged});
            forged.flags = kRst;
            bench.give({forged});
        }
        std::vector<Octets> flood;  // no connection would answer each by a RST, within a limit
        for (int i = 0; i < 2000; ++i)
            flood.push_back(bench.frame({.flags = kAck, .seq = wire::SeqNum(i * 1000u), .from_port = 4000}));
        give_in_bursts(bench, flood);
        for (int i = 0; i < 20; ++i)
            bench.give({own.segment(kSyn)});
        bench.give({Segment{.flags = kSyn, .from_port = 5001, .to_port = 81, .from = 3}});
        std::vector<Octets> got;
        for (const Sent& one : bench.sent()) {
            if (one.frame.destination == bench.peer(3)) got.push_back(one.bytes);
        }
        return got;
    };
    const std::vector<Octets> without = seen_by_a_stranger(false);
    REQUIRE(without.size() == 10 + 1);  // challenge_ack_limit, and the RST
    REQUIRE(seen_by_a_stranger(true) == without);
}

// DESIGN 3.7: a turn's work is bounded, whatever is due.
TEST_CASE("HARDENING 28: thousands of half-opens due in one tick leave a connection its latency") {
    const LeakCheck leaks;
    HostOptions options;
    options.half_open_max = 4096;
    options.tunables.max_syn_backlog = 4096;
    options.tunables.delack_segments = 1;
    Bench bench(false, options);
    bench.host().listen(80, {});
    Peer peer = bench.handshake(9);
    std::vector<Octets> flood;
    for (std::uint16_t port = 10'000; port < 10'000 + 4000; ++port)
        flood.push_back(bench.frame(stamped_syn_from(port)));
    give_in_bursts(bench, flood);
    REQUIRE(bench.host().stats().half_open.value() == 4000);
    (void)bench.sent();

    // All their SYN-ACKs are due now; the connection's text comes in each of the turns that they take. A few
    // are sent in each as long as that makes none late.
    constexpr base::Duration kTurn = 50us;
    const base::Instant due = bench.now() + 1s + 2 * kTick;
    std::size_t repeated = 0;
    std::uint32_t turns = 0;
    while (repeated < 4000 && turns < 100) {
        bench.host().port().arrive(terminus::test::make_buffer(bench.frame(peer.segment(kAck, "?"))));
        peer.seq += 1;
        bench.host().turn(due + turns * kTurn);
        ++turns;
        std::size_t sent = 0;
        bool answered = false;
        while (const auto frame = bench.host().port().take_transmitted()) {
            const Octets bytes = [&] {
                const std::string text = terminus::test::to_string(*frame);
                return Octets(text.begin(), text.end());
            }();
            const std::uint16_t to = base::load_be16(&bytes[36]);
            answered |= to == peer.port;
            sent += to >= 10'000 ? 1 : 0;
        }
        REQUIRE(answered);
        REQUIRE(sent <= kTimerBudget);
        repeated += sent;
    }
    REQUIRE(repeated == 4000);
    REQUIRE(turns <= 4000 / kTimerBudget + kTimersLate / kTurn + 4);
    REQUIRE(bench.host().flows()[0].received.size() == turns);
}

TEST_CASE("HARDENING 28: of a crowded tick a turn takes a few while none is late, and none gets late") {
    HostOptions options;
    options.half_open_max = 4096;
    options.tunables.max_syn_backlog = 4096;
    Bench bench(false, options);
    bench.host().listen(80, {});
    constexpr std::uint16_t kClients = 300;
    std::vector<Octets> flood;
    for (std::uint16_t port = 10'000; port < 10'000 + kClients; ++port)
        flood.push_back(bench.frame(stamped_syn_from(port)));
    give_in_bursts(bench, flood);
    const base::Instant due = bench.now() + 1s;
    bench.host().turn(due);
    while (bench.host().port().take_transmitted()) {
    }
    std::size_t repeated = 0;
    for (std::uint32_t turn = 1; turn <= kClients / kTimerBudgetInTime + 1; ++turn) {
        bench.host().turn(due + 2 * kTick + turn * 10us);
        std::size_t sent = 0;
        while (bench.host().port().take_transmitted())
            ++sent;
        REQUIRE(sent <= kTimerBudgetInTime);
        repeated += sent;
    }
    REQUIRE(repeated == kClients);
}

TEST_CASE("HARDENING 28: connections that idle by the hundred cost nothing but their slots") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.keepalive = false;
    Bench bench(false, options);
    bench.host().listen(80, {});
    for (std::uint16_t port = 4000; port < 4500; ++port)
        (void)bench.handshake(port);
    bench.advance(1s);
    REQUIRE(bench.host().count(State::Established) == 500);
    REQUIRE(bench.host().stack().armed_timers() == 0);
    REQUIRE_FALSE(bench.host().stack().has_work());
    // A slow loris: a byte each, every ten seconds, is a byte's work each.
    const std::uint64_t sent = bench.host().stats().frames_sent.value();
    Peer slow{.seq = wire::SeqNum(7000 + 4000 + 1), .port = 4000};
    for (int i = 0; i < 50; ++i) {
        slow.ack = bench.host().stack().find(bench.host().flows()[0].id)->send_space().nxt;
        bench.give({slow.segment(kAck, "G")});
        slow.seq += 1;
        bench.advance(10s);
    }
    REQUIRE(bench.host().flows()[0].received == std::string(50, 'G'));
    REQUIRE(bench.host().stats().frames_sent.value() - sent <=
            2 * 50);  // an ACK each, and questions for the next hop
}

// A process that was stopped for longer than 2 MSL, on a clock that went on.
TEST_CASE("HARDENING 29: after a pause of hours everything that was due is over and what lived lives on") {
    const LeakCheck leaks;
    HostOptions options;
    options.tunables.keepalive_time = 10h;
    Bench bench(GENERATE(false, true), options);
    bench.host().listen(80, {.finish_when_peer_finished = true});
    Peer living = bench.handshake(4000);
    Peer closing = bench.handshake(4001);
    bench.give({closing.segment(kFin | kAck)});
    closing.seq += 1;
    closing.ack += 1;
    bench.give({closing.segment(kAck)});
    bench.give({stamped_syn_from(4002)});
    (void)bench.sent();
    REQUIRE(bench.host().stats().half_open.value() == 1);

    bench.pause(3h);
    REQUIRE(bench.host().count(State::Established) == 1);
    (void)bench.sent();
    bench.give({living.segment(kAck, "after the pause")});
    REQUIRE(bench.host().flows()[0].received == "after the pause");
    REQUIRE(bench.sent().back().tcp->ack == living.seq + 15);
    bench.advance(200s);  // the half-open's further SYN-ACKs, which no pause makes up for at once
    REQUIRE(bench.host().stats().half_open.value() == 0);
    REQUIRE(bench.host().stats().time_wait.value() == 0);
    REQUIRE(bench.host().live() == 1);
}

TEST_CASE("HARDENING 29: a clock that steps back stands still, and no text waits for it") {
    const LeakCheck leaks;
    Bench bench(GENERATE(false, true));
    bench.host().listen(80, {});
    Peer peer = bench.handshake();
    (void)bench.sent();
    for (const base::Duration step : std::initializer_list<base::Duration>{-1s, -1h, -24h}) {
        bench.step_clock(step);
        bench.give({peer.segment(kAck, "still here")});
        peer.seq += 10;
        const std::vector<Sent> sent = bench.sent();
        REQUIRE(sent.size() == 1);
        REQUIRE(sent[0].tcp->ack == peer.seq);
        bench.step_clock(-step);
        bench.advance(10ms);
        (void)bench.sent();
    }
    REQUIRE(bench.host().flows()[0].received.size() == 30);
    REQUIRE(bench.host().count(State::Established) == 1);
}

}  // namespace
}  // namespace terminus::stack
