#include <catch2/catch.hpp>
#include <map>

#include "stack/bench.hpp"

namespace terminus::stack {
namespace {

using namespace test;

/// Three connections, two half-opens and two TIME_WAITs.
struct Populated : Bench {
    explicit Populated(bool is_v6) : Bench(is_v6) {
        host().listen(80, {});
        host().listen(81, {.finish_when_sent = true});
        for (const std::uint16_t port : {4000, 4001, 4002})
            (void)handshake(port);
        for (const std::uint16_t port : {4010, 4011}) {
            Peer closing{.seq = wire::SeqNum(port), .port = port};
            const auto to_81 = [&](std::uint8_t flags) {
                Segment segment = closing.segment(flags);
                segment.to_port = 81;
                return segment;
            };
            give({to_81(kSyn)});
            closing.seq += 1;
            closing.ack = iss(port, 81) + 1;
            give({to_81(kAck)});
            closing.ack += 1;
            give({to_81(kFin | kAck)});
            turn();
        }
        for (const std::uint16_t port : {4020, 4021})
            give({Segment{.flags = kSyn, .from_port = port}});
        (void)sent();
        REQUIRE(host().stats().half_open.value() == 2);
        REQUIRE(host().stats().time_wait.value() == 2);
    }

    [[nodiscard]] std::map<std::uint16_t, State> list(std::uint32_t rows_max) {
        std::map<std::uint16_t, State> found;
        std::optional<std::uint64_t> cursor = 0;
        while (cursor) {
            std::uint32_t rows = 0;
            cursor = host().stack().list(
                *cursor, rows_max,
                [&](const wire::FourTuple& tuple, std::uint16_t, Leg leg, const auto& snapshot) {
                    ++rows;
                    REQUIRE(tuple.local.address == us());
                    REQUIRE(leg == Leg::Client);
                    REQUIRE(found.emplace(tuple.remote.port, snapshot.state).second);  // never twice
                });
            REQUIRE(rows <= rows_max);
        }
        return found;
    }
};

const std::map<std::uint16_t, State> kAll{{4000, State::Established}, {4001, State::Established},
                                          {4002, State::Established}, {4010, State::TimeWait},
                                          {4011, State::TimeWait},    {4020, State::SynReceived},
                                          {4021, State::SynReceived}};

TEST_CASE("a listing in pieces of any size shows everything once") {
    Populated bench(GENERATE(false, true));
    for (const std::uint32_t rows_max : {1u, 2u, 3u, 7u, 100u})
        REQUIRE(bench.list(rows_max) == kAll);
}

TEST_CASE("abort_all resets connections and half-opens and leaves TIME_WAITs") {
    const LeakCheck leaks;
    Populated bench(GENERATE(false, true));
    bench.host().stack().abort_all(CloseReason::Drain);
    bench.turn();
    std::size_t resets = 0;
    for (const Sent& one : bench.sent())
        resets += one.tcp->flags.rst() ? 1 : 0;
    REQUIRE(resets == 5);
    REQUIRE(bench.host().live() == 0);
    REQUIRE(bench.host().stats().half_open.value() == 0);
    REQUIRE(bench.host().stats().time_wait.value() == 2);
    REQUIRE(bench.host().closes(CloseReason::Drain) == 5);
    for (std::size_t i = 0; i < 3; ++i)
        REQUIRE(bench.host().flows()[i].closed == CloseReason::Drain);
    REQUIRE(bench.list(100) ==
            std::map<std::uint16_t, State>{{4010, State::TimeWait}, {4011, State::TimeWait}});
    bench.advance(61s);
    REQUIRE(bench.list(100).empty());
}

TEST_CASE("an id of a connection that is gone names nothing, also when its slot has another") {
    // HARDENING 10.
    Bench bench(false, {.connections_max = 1});
    bench.host().listen(80, {});
    Peer first = bench.handshake(4000);
    const ConnectionId stale = bench.host().flows()[0].id;
    REQUIRE(bench.host().stack().find(stale) != nullptr);
    bench.give({first.segment(kRst)});
    REQUIRE(bench.host().stack().find(stale) == nullptr);
    (void)bench.handshake(4001);
    const ConnectionId next = bench.host().flows()[1].id;
    REQUIRE(next.index == stale.index);
    REQUIRE_FALSE(next == stale);
    REQUIRE(bench.host().stack().find(stale) == nullptr);
    bench.host().stack().touch(stale);
    REQUIRE_FALSE(bench.host().has_work());
    REQUIRE(bench.host().stack().tuple(next).remote.port == 4001);
}

}  // namespace
}  // namespace terminus::stack
