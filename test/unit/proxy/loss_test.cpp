#include <algorithm>
#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "proxy/world.hpp"

// Many sessions at once over cables that lose and reorder, from seeds that are printed when a case fails.
namespace terminus::proxy {
namespace {

using namespace std::chrono_literals;
using stats::CloseReason;
using test::Flow;
using test::LeakCheck;
using test::pattern;
using test::Script;
using test::World;

TEST_CASE("every byte of every session arrives in order through loss and reordering, and all end") {
    const LeakCheck leaks;
    const auto seed = GENERATE(range<std::uint64_t>(1, 21));
    CAPTURE(seed);
    World::Options options{.is_v6 = seed % 2 == 0,
                           .backends = {World::backend(9, seed % 2 == 0), World::backend(8080, seed % 2 == 0),
                                        World::backend(8081, seed % 2 == 0)},
                           .connect_timeout = 20s,
                           .seed = seed};
    options.client_cable = {.delay = 2ms, .jitter = 1ms, .loss_permille = 10, .seed = seed * 7 + 1};
    options.backend_cable = {.delay = 500us, .jitter = 300us, .loss_permille = 10, .seed = seed * 7 + 2};
    World world(options);
    base::Rng rng(seed);
    const std::string response = pattern(seed, 20'000 + rng.below(60'000));
    const bool server_first = rng.below(2) == 0;
    const std::size_t request_min = 1000;
    world.serve(
        8080,
        {.send = response, .send_after = server_first ? 0 : request_min, .finish_when_peer_finished = true});
    world.serve(8081, {.send = response, .send_after = request_min, .finish_when_sent = true});

    constexpr std::size_t kSessions = 20;
    std::vector<Flow*> clients;
    for (std::size_t i = 0; i < kSessions; ++i) {
        clients.push_back(&world.connect(
            {.send = pattern(seed * 1000 + i, request_min + rng.below(40'000)), .finish_when_sent = true}));
        world.run(std::chrono::microseconds(rng.below(3000)));
    }
    REQUIRE(world.run_until(600s, [&] {
        for (const Flow* client : clients) {
            if (!client->closed) return false;
        }
        return world.proxy().sessions() == 0;
    }));
    for (const Flow* client : clients) {
        REQUIRE(client->closed == CloseReason::Normal);
        REQUIRE(client->received == response);
    }
    // Each request reached one backend, whole.
    std::vector<std::string> requests;
    for (const Flow* client : clients)
        requests.push_back(client->script.send);
    std::vector<std::string> received;
    for (const Flow& flow : world.served()) {
        if (!flow.received.empty()) received.push_back(flow.received);
    }
    std::sort(requests.begin(), requests.end());
    std::sort(received.begin(), received.end());
    REQUIRE(requests == received);
    REQUIRE(world.proxy().source_ports_used() == 0);
    REQUIRE(world.live() == 0);
}

TEST_CASE("sessions whose ends reset and vanish at random leave nothing behind") {
    const LeakCheck leaks;
    const auto seed = GENERATE(range<std::uint64_t>(1, 21));
    CAPTURE(seed);
    World::Options options{.idle_timeout = 60s, .half_close_timeout = 30s, .seed = seed};
    options.client_cable = {.delay = 1ms, .jitter = 1ms, .loss_permille = 20, .seed = seed * 11 + 1};
    options.backend_cable = {.delay = 1ms, .jitter = 1ms, .loss_permille = 20, .seed = seed * 11 + 2};
    World world(options);
    base::Rng rng(seed + 100);
    world.serve(8080, {.send = pattern(seed, 50'000), .finish_when_peer_finished = true});
    std::vector<Flow*> clients;
    for (std::size_t i = 0; i < 30; ++i) {
        Script script{.send = pattern(i, rng.below(30'000)), .finish_when_sent = rng.below(2) == 0};
        if (rng.below(3) == 0) script.reset_after = rng.below(50'000);
        clients.push_back(&world.connect(std::move(script)));
        world.run(std::chrono::milliseconds(rng.below(5)));
        if (rng.below(4) == 0 && !world.served().empty()) {
            world.reset_served(world.served()[rng.below(static_cast<std::uint32_t>(world.served().size()))]);
        }
        if (rng.below(4) == 0) world.reset(*clients[rng.below(static_cast<std::uint32_t>(clients.size()))]);
    }
    world.run(3s);
    world.backend_cable().cut(true);  // and then all backends vanish
    REQUIRE(world.run_until(1h, [&] { return world.proxy().sessions() == 0; }));
    REQUIRE(world.proxy().source_ports_used() == 0);
    REQUIRE(world.stats().source_ports_used.value() == 0);
}

}  // namespace
}  // namespace terminus::proxy
