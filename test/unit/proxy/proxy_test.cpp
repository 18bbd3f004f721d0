#include "proxy/proxy.hpp"

#include <catch2/catch.hpp>

#include "proxy/world.hpp"

namespace terminus::proxy {
namespace {

using namespace std::chrono_literals;
using stats::CloseReason;
using stats::Leg;
using test::Flow;
using test::LeakCheck;
using test::pattern;
using test::Script;
using test::World;

TEST_CASE("a request reaches the backend and its response the client, byte by byte, in both families") {
    const LeakCheck leaks;
    World world({.is_v6 = GENERATE(false, true)});
    const std::string request = pattern(1, 3000);
    const std::string response = pattern(2, 100'000);
    world.serve(8080, {.send = response, .send_after = request.size(), .finish_when_sent = true});
    Flow& client = world.connect({.send = request, .finish_when_peer_finished = true});
    REQUIRE(world.run_until(5s, [&] { return client.closed.has_value(); }));
    REQUIRE(client.received == response);
    REQUIRE(world.served().size() == 1);
    REQUIRE(world.served()[0].received == request);
    REQUIRE(client.closed == CloseReason::Normal);
    world.run(1s);
    REQUIRE(world.live() == 0);
    REQUIRE(world.proxy().sessions() == 0);
    REQUIRE(world.proxy().source_ports_used() == 0);
    REQUIRE(world.stats().source_ports_used.value() == 0);
}

}  // namespace
}  // namespace terminus::proxy
