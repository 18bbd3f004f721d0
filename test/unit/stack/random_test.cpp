#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "stack/bench.hpp"

// Two hosts, a bad wire, and connections that behave at random: whatever happens, no byte is wrong, and in
// the end nothing is left.
namespace terminus::stack {
namespace {

using namespace test;

constexpr std::uint16_t kPairs = 40;
constexpr std::uint16_t kFirstPort = 1000;

packet::PortCapabilities any_port(base::Rng& rng) {
    switch (rng.below(3)) {
        case 0:
            return sim::MemoryPort::able();
        case 1:
            return sim::MemoryPort::plain();
        default:
            return sim::MemoryPort::pointer_keeping();
    }
}

struct PairOfScripts {
    Script client;
    Script server;
    bool ends_normally = true;
};

PairOfScripts any_scripts(base::Rng& rng) {
    PairOfScripts made;
    made.client.send = random_bytes(rng.next(), rng.below(20'000));
    made.server.send = random_bytes(rng.next(), rng.below(60'000));
    switch (rng.below(5)) {
        case 0:  // request and response
            made.server.send_after = made.client.send.size();
            made.server.finish_when_sent = true;
            made.client.finish_when_peer_finished = true;
            break;
        case 1:  // the client half-closes and then downloads
            made.client.finish_when_sent = true;
            made.server.finish_when_peer_finished = true;
            break;
        case 2:  // both talk and close at once
            made.client.finish_when_sent = true;
            made.server.finish_when_sent = true;
            break;
        case 3:  // the server speaks first
            made.client.send_after = made.server.send.size();
            made.client.finish_when_sent = true;
            made.server.finish_when_peer_finished = true;
            break;
        default:  // somebody resets in the middle
            made.client.finish_when_sent = true;
            made.server.finish_when_sent = true;
            made.client.reset_after = made.server.send.size() / 2;
            made.ends_normally = false;
            break;
    }
    return made;
}

Flow* accepted_on(Host& host, std::uint16_t port) {
    for (Flow& flow : host.flows()) {
        if (flow.tuple.local.port == port) return &flow;
    }
    return nullptr;
}

bool is_prefix(const std::string& part, const std::string& whole) {
    return whole.compare(0, part.size(), part) == 0;
}

TEST_CASE(
    "over a wire that loses, repeats, reorders and cuts up frames every stream arrives as it was sent") {
    const LeakCheck leaks;
    const std::uint64_t seed = GENERATE(1, 2, 3, 4, 5, 6);
    INFO("seed " << seed);
    base::Rng rng(seed);
    World world;
    HostOptions options{.number = 1, .capabilities = any_port(rng), .time_wait_max = 16, .seed = seed};
    options.mtu = rng.below(2) == 0 ? 1500 : 1280;
    options.tunables.rmem = 16'384u << rng.below(6);
    options.tunables.timestamps = rng.below(3) != 0;
    Host& left = world.add_host(options);
    options.number = 2;
    options.seed = seed + 100;
    options.capabilities = any_port(rng);
    options.tunables.rmem = 16'384u << rng.below(6);
    Host& right = world.add_host(options);
    sim::Link& link = world.connect(
        left, right,
        {.delay = std::chrono::microseconds(50 + rng.below(20'000)),
         .loss_permille = rng.below(60),
         .duplicate_permille = rng.below(30),
         .reorder_permille = rng.below(100),
         .reorder_delay = std::chrono::microseconds(1 + rng.below(5000)),
         .segment_bytes = static_cast<std::uint16_t>(rng.below(2) == 0 ? 0 : 100 + rng.below(1000)),
         .seed = seed});

    std::vector<PairOfScripts> pairs;
    std::vector<Flow*> clients;
    for (std::uint16_t i = 0; i < kPairs; ++i) {
        pairs.push_back(any_scripts(rng));
        Host& client = i % 2 == 0 ? left : right;
        Host& server = i % 2 == 0 ? right : left;
        const auto port = static_cast<std::uint16_t>(kFirstPort + i);
        server.listen(port, pairs[i].server);
        clients.push_back(&client.connect(server.endpoint(port, rng.below(2) == 0),
                                          static_cast<std::uint16_t>(port + 10'000), pairs[i].client,
                                          world.now()));
        world.run(std::chrono::microseconds(rng.below(3000)));
    }
    const auto all_done = [&] {
        return left.live() == 0 && right.live() == 0 && left.stats().half_open.value() == 0 &&
               right.stats().half_open.value() == 0;
    };
    REQUIRE(world.run_until(std::chrono::minutes(20), all_done));
    REQUIRE(link.counters(sim::Direction::AToB).delivered > 100);

    for (std::uint16_t i = 0; i < kPairs; ++i) {
        INFO("pair " << i);
        const Flow& client = *clients[i];
        Host& server_host = i % 2 == 0 ? right : left;
        const Flow* const server = accepted_on(server_host, static_cast<std::uint16_t>(kFirstPort + i));
        REQUIRE(client.closed);
        REQUIRE(is_prefix(client.received, pairs[i].server.send));
        if (server == nullptr) {
            REQUIRE_FALSE(pairs[i].ends_normally);
            continue;
        }
        REQUIRE(server->closed);
        REQUIRE(is_prefix(server->received, pairs[i].client.send));
        if (!pairs[i].ends_normally) continue;
        CHECK(client.closed == CloseReason::Normal);
        CHECK(server->closed == CloseReason::Normal);
        CHECK(client.received == pairs[i].server.send);
        CHECK(server->received == pairs[i].client.send);
    }
    world.run(130s);
    for (Host* host : {&left, &right}) {
        REQUIRE(host->stats().time_wait.value() == 0);
        REQUIRE(host->count(State::TimeWait) == 0);
        REQUIRE_FALSE(host->has_work());
    }
}

}  // namespace
}  // namespace terminus::stack
