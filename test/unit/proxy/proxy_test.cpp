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
using test::require_nothing_left;
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
    require_nothing_left(world);
    REQUIRE(world.served()[0].closed == CloseReason::Normal);
    REQUIRE(world.closes(Leg::Client, CloseReason::Normal) == 1);
    REQUIRE(world.closes(Leg::Backend, CloseReason::Normal) == 1);
}

TEST_CASE("a connection to a backend tells for which client it was made, for as long as both are there") {
    const LeakCheck leaks;
    World world({.is_v6 = GENERATE(false, true)});
    world.serve(8080, {.finish_when_peer_finished = true});
    Flow& client = world.connect({.send = "GET", .finish_when_peer_finished = true});
    REQUIRE(world.run_until(1s, [&] { return !world.served().empty(); }));
    const auto turned = [](const wire::FourTuple& tuple) {
        return wire::FourTuple{tuple.remote, tuple.local};
    };
    const wire::FourTuple backend_leg = turned(world.served()[0].tuple);
    REQUIRE(world.proxy().client_behind(world.node().stack(), backend_leg) == turned(client.tuple));
    REQUIRE_FALSE(world.proxy().client_behind(world.node().stack(), turned(client.tuple)));
    wire::FourTuple other = backend_leg;
    ++other.local.port;
    REQUIRE_FALSE(world.proxy().client_behind(world.node().stack(), other));
    world.reset(client);
    REQUIRE(world.run_until(1s, [&] { return world.served()[0].closed.has_value(); }));
    REQUIRE_FALSE(world.proxy().client_behind(world.node().stack(), backend_leg));
}

TEST_CASE("a server that speaks first is heard before the client says anything") {
    const LeakCheck leaks;
    World world({.is_v6 = GENERATE(false, true)});
    world.serve(8080, {.send = "220 ready\r\n"});
    Flow& client = world.connect({.send = "HELO\r\n", .send_after = 11});
    REQUIRE(world.run_until(1s, [&] { return client.received == "220 ready\r\n"; }));
    REQUIRE(world.run_until(1s, [&] { return world.served()[0].received == "HELO\r\n"; }));
    REQUIRE(world.count(tcp::State::Established) == 2);
}

TEST_CASE("a big upload and a big download pass each other at once") {
    const LeakCheck leaks;
    World world({});
    const std::string up = pattern(3, 3'000'000);
    const std::string down = pattern(4, 3'000'000);
    world.serve(8080, {.send = down, .finish_when_sent = true});
    Flow& client = world.connect({.send = up, .finish_when_sent = true});
    REQUIRE(world.run_until(60s, [&] { return client.closed.has_value() && world.served()[0].closed; }));
    REQUIRE(client.received == down);
    REQUIRE(world.served()[0].received == up);
    require_nothing_left(world);
}

// RFC 9293 3.6, MUST-12: a FIN is no abort.
TEST_CASE("a client that half-closes downloads for three times fin_timeout") {
    const LeakCheck leaks;
    World world({.is_v6 = GENERATE(false, true)});
    world.serve(8080, {});
    Flow& client = world.connect({.send = "GET", .finish_when_sent = true});
    REQUIRE(world.run_until(1s, [&] { return !world.served().empty() && world.served()[0].peer_finished; }));
    Flow& server = world.served()[0];
    REQUIRE(server.received == "GET");
    for (int second = 0; second < 180; ++second) {
        server.script.send += pattern(static_cast<std::uint64_t>(second), 500);
        world.act_served(server);
        world.run(1s);
        REQUIRE(client.received == server.script.send);
        REQUIRE(world.count(tcp::State::CloseWait) == 1);
        REQUIRE(world.count(tcp::State::FinWait2) == 1);
    }
    server.script.finish_when_sent = true;
    world.act_served(server);
    REQUIRE(world.run_until(1s, [&] { return client.closed.has_value(); }));
    REQUIRE(client.closed == CloseReason::Normal);
    require_nothing_left(world);
    REQUIRE(world.stats().leg(Leg::Backend).timer_expirations[stats::Timer::FinWait2].value() == 0);
}

TEST_CASE("a backend that half-closes still receives the whole upload") {
    const LeakCheck leaks;
    World world({});
    const std::string up = pattern(5, 500'000);
    world.serve(8080, {.send = "go", .finish_when_sent = true});
    Flow& client = world.connect({.send = up, .send_after = 2});
    REQUIRE(world.run_until(1s, [&] { return client.peer_finished; }));
    REQUIRE(client.received == "go");
    REQUIRE(world.run_until(5s, [&] { return world.served()[0].received.size() == up.size(); }));
    world.run(100s);  // beyond fin_timeout: both legs have somebody
    REQUIRE(world.live() == 2);
    client.script.finish_when_sent = true;
    world.act(client);
    REQUIRE(world.run_until(1s, [&] { return world.served()[0].closed.has_value(); }));
    REQUIRE(world.served()[0].received == up);
    REQUIRE(world.served()[0].closed == CloseReason::Normal);
    require_nothing_left(world);
}

TEST_CASE("both sides close at once and nothing is lost") {
    const LeakCheck leaks;
    World world({});
    world.serve(8080, {.send = "from the server", .finish_when_sent = true});
    Flow& client = world.connect({.send = "from the client", .finish_when_sent = true});
    REQUIRE(world.run_until(
        5s, [&] { return client.closed && !world.served().empty() && world.served()[0].closed; }));
    REQUIRE(client.received == "from the server");
    REQUIRE(world.served()[0].received == "from the client");
    require_nothing_left(world);
    REQUIRE(world.closes(Leg::Client, CloseReason::Normal) == 1);
    REQUIRE(world.closes(Leg::Backend, CloseReason::Normal) == 1);
}

// RFC 9293 3.6, MUST-12: an abort is told from an orderly end.
TEST_CASE("a RST of the client is a RST to the backend") {
    const LeakCheck leaks;
    World world({.is_v6 = GENERATE(false, true)});
    world.serve(8080, {.send = pattern(6, 50'000)});
    Flow& client = world.connect({.send = "hello"});
    REQUIRE(world.run_until(1s, [&] { return client.received.size() == 50'000; }));
    world.reset(client);
    REQUIRE(world.run_until(1s, [&] { return world.served()[0].closed.has_value(); }));
    REQUIRE(world.served()[0].closed == CloseReason::ResetReceived);
    REQUIRE(world.closes(Leg::Client, CloseReason::ResetReceived) == 1);
    REQUIRE(world.closes(Leg::Backend, CloseReason::PeerLegReset) == 1);
    require_nothing_left(world);
}

TEST_CASE("a RST of the backend is a RST to the client, also in the middle of a stream") {
    const LeakCheck leaks;
    World world({.is_v6 = GENERATE(false, true)});
    world.serve(8080, {.reset_after = 20'000});
    Flow& client = world.connect({.send = pattern(7, 200'000)});
    REQUIRE(world.run_until(2s, [&] { return client.closed.has_value(); }));
    REQUIRE(client.closed == CloseReason::ResetReceived);
    REQUIRE(world.closes(Leg::Backend, CloseReason::ResetReceived) == 1);
    REQUIRE(world.closes(Leg::Client, CloseReason::PeerLegReset) == 1);
    require_nothing_left(world);
}

TEST_CASE("a RST reaches the other side of a half-closed session too") {
    const LeakCheck leaks;
    World world({});
    world.serve(8080, {});
    Flow& client = world.connect({.send = "x", .finish_when_sent = true});
    REQUIRE(world.run_until(1s, [&] { return !world.served().empty() && world.served()[0].peer_finished; }));
    const bool by_client = GENERATE(false, true);
    if (by_client) {
        world.reset(client);
    } else {
        world.reset_served(world.served()[0]);
    }
    Flow& other_end = by_client ? world.served()[0] : client;
    REQUIRE(world.run_until(1s, [&] { return other_end.closed.has_value(); }));
    REQUIRE(other_end.closed == CloseReason::ResetReceived);
    require_nothing_left(world);
}

TEST_CASE("a client that closes its end while the backend still sends makes the backend see a RST") {
    const LeakCheck leaks;
    World world({});
    world.serve(8080, {.send = pattern(8, 2'000'000)});
    Flow& client = world.connect({.send = "x", .finish_when_sent = true, .reset_after = 100'000});
    REQUIRE(world.run_until(5s, [&] { return !world.served().empty() && world.served()[0].closed; }));
    REQUIRE(client.closed.has_value());
    REQUIRE(world.served()[0].closed == CloseReason::ResetReceived);
    require_nothing_left(world);
}

TEST_CASE("a session that ends leaves its ports and buffers to the next, a thousand times over") {
    const LeakCheck leaks;
    World world({.sessions_max = 4, .connections_max = 8});
    world.serve(8080, {.send = "pong", .send_after = 4, .finish_when_peer_finished = true});
    for (int round = 0; round < 1000; ++round) {
        Flow& client = world.connect({.send = "ping", .finish_when_sent = true});
        REQUIRE(
            world.run_until(1s, [&] { return client.closed.has_value() && world.proxy().sessions() == 0; }));
        REQUIRE(client.received == "pong");
    }
    require_nothing_left(world);
}

}  // namespace
}  // namespace terminus::proxy
