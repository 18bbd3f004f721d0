#include <catch2/catch.hpp>

#include "stack/bench.hpp"

namespace terminus::stack {
namespace {

using namespace test;

TEST_CASE("two hosts exchange data and close, in both families, on ports of every kind") {
    const LeakCheck leaks;
    const bool is_v6 = GENERATE(false, true);
    const packet::PortCapabilities capabilities =
        GENERATE(sim::MemoryPort::able(), sim::MemoryPort::plain(), sim::MemoryPort::pointer_keeping());
    World world;
    Host& client = world.add_host({.number = 1, .capabilities = capabilities});
    Host& server = world.add_host({.number = 2, .capabilities = capabilities, .seed = 2});
    world.connect(client, server);
    const std::string request = random_bytes(1, 5000);
    const std::string response = random_bytes(2, 200'000);
    server.listen(80, {.send = response, .send_after = request.size(), .finish_when_sent = true});
    Flow& flow = client.connect(server.endpoint(80, is_v6), 4000,
                                {.send = request, .finish_when_peer_finished = true}, world.now());
    REQUIRE(world.run_until(10s, [&] { return flow.closed.has_value(); }));
    REQUIRE(flow.received == response);
    REQUIRE(flow.closed == CloseReason::Normal);
    REQUIRE(server.flows().size() == 1);
    REQUIRE(server.flows()[0].received == request);
    REQUIRE(server.flows()[0].closed == CloseReason::Normal);

    // The server closed first, so the TIME_WAIT is its.
    REQUIRE(server.count(State::TimeWait) == 1);
    REQUIRE(server.stats().time_wait.value() == 1);
    REQUIRE(client.count(State::TimeWait) == 0);
    REQUIRE(client.live() == 0);
    REQUIRE(server.live() == 0);
    world.run(61s);
    REQUIRE(server.count(State::TimeWait) == 0);
    REQUIRE(server.stats().time_wait.value() == 0);
    REQUIRE(client.drops() + server.drops() == 0);
}

}  // namespace
}  // namespace terminus::stack
