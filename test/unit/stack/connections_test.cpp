#include "stack/connections.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "stack/bench.hpp"
#include "support/archived.hpp"

namespace terminus::stack {
namespace {

using namespace test;
using terminus::test::archived;

/// Connections on their own, each of which has sent a SYN.
struct Opened {
    explicit Opened(std::uint32_t capacity, const Resting& resting) : all(capacity, resting) {}

    std::uint32_t open(std::uint32_t number) {
        const ConnectionSlot slot(flow::Key{.remote_port = static_cast<std::uint16_t>(number)},
                                  ConnectRequest{.cookie = number});
        const std::uint32_t index = all.allocate(
            slot, env.now,
            tcp::Connection::OpenParameters{
                .leg = stats::Leg::Backend, .iss = wire::SeqNum(number * 77'777), .advertised_mss = 1460},
            env);
        REQUIRE(all[index].tcp->poll_transmit(env));
        return index;
    }
    void close(std::uint32_t index) {
        all.awake(index).tcp->released(env);
        all.release(index);
    }
    void rest() {
        env.now += 5ms;
        all.rest(env.now, [this](std::uint32_t index) { rested.push_back(index); });
    }
    [[nodiscard]] std::vector<std::uint8_t> bytes_of(std::uint32_t index) {
        std::vector<std::uint8_t> bytes;
        all.look_at(index, [&](const tcp::Connection& connection) {
            bytes = archived(const_cast<tcp::Connection&>(connection));
        });
        return bytes;
    }

    tcp::Tunables tunables;
    stats::CoreStats stats;
    tcp::SentPool sent{64, 64};
    tcp::Environment env{World::kStart, tunables, stats, sent};
    Connections all;
    std::vector<std::uint32_t> rested;
};

TEST_CASE("a connection at rest is to the byte what it was, whether it is looked at or woken") {
    Opened opened(20, Resting::at_once());
    std::map<std::uint32_t, std::vector<std::uint8_t>> before;
    for (std::uint32_t number = 1; number <= 20; ++number) {
        const std::uint32_t index = opened.open(number);
        before[index] = opened.bytes_of(index);
        opened.env.now += 3ms;
    }
    for (int turn = 0; turn < 10; ++turn)
        opened.rest();
    REQUIRE(opened.all.resting() == 20);
    REQUIRE(opened.rested.size() >= 20);
    REQUIRE(opened.all.resting_bytes() < 20 * 150);
    for (const auto& [index, bytes] : before) {
        REQUIRE(opened.all[index].tcp == nullptr);
        REQUIRE(opened.bytes_of(index) == bytes);
        REQUIRE(opened.all[index].tcp == nullptr);
        REQUIRE(opened.all.awake(index).tcp != nullptr);
        REQUIRE(opened.bytes_of(index) == bytes);
    }
    REQUIRE(opened.all.resting() == 0);
    REQUIRE(opened.all.resting_bytes() == 0);
    REQUIRE(opened.all.wakes() == 20);
    for (const auto& [index, bytes] : before)
        opened.close(index);
}

TEST_CASE("a life of opening, resting, waking and closing keeps every connection what it was") {
    base::Rng rng(GENERATE(as<std::uint64_t>(), 1, 2, 3));
    Opened opened(64, {.after = {}, .samples = 3});
    std::map<std::uint32_t, std::vector<std::uint8_t>> all;
    for (std::uint32_t step = 1; step < 3000; ++step) {
        const std::uint32_t choice = rng.below(4);
        if (choice == 0 && all.size() < 64) {
            const std::uint32_t index = opened.open(step);
            all[index] = opened.bytes_of(index);
        } else if (choice == 1 && !all.empty()) {
            const auto one = std::next(all.begin(), rng.below(static_cast<std::uint32_t>(all.size())));
            opened.close(one->first);
            all.erase(one);
        } else if (choice == 2 && !all.empty()) {
            const auto one = std::next(all.begin(), rng.below(static_cast<std::uint32_t>(all.size())));
            opened.all.awake(one->first).touched = Connections::tick_of(opened.env.now);
        } else {
            opened.rest();
        }
        if (step % 50 != 0) continue;
        for (const auto& [index, bytes] : all)
            REQUIRE(opened.bytes_of(index) == bytes);
    }
    REQUIRE(opened.all.wakes() > 100);
    for (const auto& [index, bytes] : all)
        opened.close(index);
    REQUIRE(opened.all.size() == 0);
    REQUIRE(opened.all.resting_bytes() == 0);
}

TEST_CASE("who has had no turn for a second rests, and who has had one does not") {
    Opened opened(4, {.after = 1s, .samples = 1});
    const std::uint32_t sample = opened.open(1);
    const std::uint32_t quiet = opened.open(2);
    const std::uint32_t busy = opened.open(3);
    const auto go_on = [&](base::Duration span) {
        for (const base::Instant end = opened.env.now + span; opened.env.now < end;) {
            opened.all.awake(busy).touched = Connections::tick_of(opened.env.now);
            opened.rest();
        }
    };
    go_on(950ms);
    REQUIRE(opened.all.resting() == 0);
    REQUIRE_FALSE(opened.all.has_somebody_to_rest(opened.env.now));
    REQUIRE(opened.all.has_somebody_to_rest(opened.env.now + 100ms));
    go_on(1300ms);
    REQUIRE(opened.all[quiet].tcp == nullptr);
    REQUIRE(opened.all[busy].tcp != nullptr);
    go_on(1s);
    REQUIRE(opened.all[sample].tcp == nullptr);  // it had its second look
    for (const std::uint32_t index : {sample, quiet, busy})
        opened.close(index);
}

TEST_CASE("nobody rests before enough of the kind were looked at, and each of those counts once") {
    Opened opened(8, {.after = {}, .samples = 8});
    for (std::uint32_t number = 1; number <= 7; ++number)
        (void)opened.open(number);
    for (int turn = 0; turn < 100; ++turn)
        opened.rest();
    REQUIRE(opened.all.resting() == 0);
    (void)opened.open(8);
    for (int turn = 0; turn < 8; ++turn)
        opened.rest();
    REQUIRE(opened.all.resting() == 8);
    for (std::uint32_t index = 0; index < 8; ++index)
        opened.close(index);
}

TEST_CASE("a connection at rest is listed, served, kept alive and reset like any other") {
    HostOptions options;
    options.tunables.keepalive_time = 10s;
    const LeakCheck leaks;
    Bench bench(false, options);
    bench.host().listen(80, {.send = "answer", .send_after = 5});
    (void)bench.handshake(4000);  // the one that is learnt from
    Peer peer = bench.handshake(4001);
    bench.advance(3s);
    (void)bench.sent();
    REQUIRE(bench.host().stats().connections_resting.value() == 2);

    SECTION("listed") {
        std::uint32_t rows = 0;
        REQUIRE_FALSE(bench.host().stack().list(
            0, 10, [&](const wire::FourTuple& tuple, std::uint16_t, Leg leg, const auto& snapshot) {
                ++rows;
                REQUIRE(leg == Leg::Client);
                REQUIRE(snapshot.state == State::Established);
                REQUIRE(tuple.local.port == 80);
            }));
        REQUIRE(rows == 2);
        REQUIRE(bench.host().stats().connections_resting.value() == 2);
    }
    SECTION("served") {
        bench.give({peer.segment(kAck | kPsh, "query")});
        REQUIRE(bench.host().stats().connections_woken.value() == 1);
        const Sent answer = bench.sent_segment();
        REQUIRE(answer.payload == "answer");
        REQUIRE(answer.tcp->seq == peer.ack);
        REQUIRE(answer.tcp->ack == peer.seq + 5);
    }
    SECTION("kept alive") {
        bench.advance(8s);
        const std::vector<Sent> probes = bench.sent();
        REQUIRE(probes.size() == 2);
        REQUIRE(probes.back().tcp->seq == peer.ack - 1);
        bench.give({peer.segment(kAck)});
        bench.advance(3s);
        REQUIRE(bench.host().stats().connections_resting.value() >= 1);
    }
    SECTION("reset by the peer") {
        bench.give({peer.segment(kRst)});
        REQUIRE(bench.host().closes(CloseReason::ResetReceived) == 1);
        REQUIRE(bench.host().count(State::Established) == 1);
    }
    SECTION("reset by us") {
        bench.host().stack().abort_all(CloseReason::Drain);
        bench.turn();
        REQUIRE(bench.sent().size() == 2);
        REQUIRE(bench.host().count(State::Established) == 0);
    }
}

}  // namespace
}  // namespace terminus::stack
