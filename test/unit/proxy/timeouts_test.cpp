#include <catch2/catch.hpp>

#include "proxy/world.hpp"

// What bounds a session: idle and half-close timeouts, and the buffers of readers that don't read.
namespace terminus::proxy {
namespace {

using namespace std::chrono_literals;
using stats::CloseReason;
using stats::Leg;
using test::Flow;
using test::LeakCheck;
using test::pattern;
using test::require_nothing_left;
using test::World;

constexpr base::Duration kTick = timer::Wheel::kTick;

// When the backend's first bytes, the last thing to happen in the session, were acknowledged by the client.
base::Instant last_activity(World& world, const Flow& client, std::size_t bytes) {
    const std::uint64_t before = world.stats().leg(Leg::Client).bytes_sent.value();
    REQUIRE(world.run_until(5s, [&] {
        return client.received.size() == bytes &&
               world.stats().leg(Leg::Client).bytes_sent.value() == before + bytes;
    }));
    return world.now();
}

TEST_CASE("an idle session is reset on both sides at idle_timeout, and one tick before it lives") {
    const LeakCheck leaks;
    World world({.idle_timeout = 30s});
    world.serve(8080, {.send = "hello"});
    Flow& client = world.connect({});
    const base::Instant since = last_activity(world, client, 5);
    world.run(since + 30s - kTick - world.now());
    REQUIRE(world.count(tcp::State::Established) == 2);
    world.run(2 * kTick);
    REQUIRE(world.closes(Leg::Client, CloseReason::IdleTimeout) == 1);
    REQUIRE(world.closes(Leg::Backend, CloseReason::IdleTimeout) == 1);
    world.run(10ms);
    REQUIRE(client.closed == CloseReason::ResetReceived);
    REQUIRE(world.served()[0].closed == CloseReason::ResetReceived);
    require_nothing_left(world);
}

TEST_CASE("every byte, either way, begins idle_timeout anew") {
    const LeakCheck leaks;
    World world({.idle_timeout = 30s});
    world.serve(8080, {});
    Flow& client = world.connect({.send = "x"});
    world.run(20s);
    for (int round = 0; round < 10; ++round) {
        Flow& speaker = round % 2 == 0 ? client : world.served()[0];
        speaker.script.send += "x";
        if (round % 2 == 0) {
            world.act(speaker);
        } else {
            world.act_served(speaker);
        }
        world.run(20s);
        REQUIRE(world.count(tcp::State::Established) == 2);
    }
    world.run(10s + 100ms);
    REQUIRE(world.closes(Leg::Client, CloseReason::IdleTimeout) == 1);
    require_nothing_left(world);
}

TEST_CASE("without timeouts an idle session stays for a day") {
    World world({});
    world.serve(8080, {});
    world.connect({.send = "x"});
    world.run(24h);
    REQUIRE(world.count(tcp::State::Established) == 2);
    REQUIRE(world.proxy().sessions() == 1);
}

TEST_CASE("a half-closed session is reset at half_close_timeout after its last byte, and not before") {
    const LeakCheck leaks;
    World world({.idle_timeout = 300s, .half_close_timeout = 10s});
    world.serve(8080, {});
    Flow& client = world.connect({.finish_when_sent = true});
    REQUIRE(world.run_until(1s, [&] { return !world.served().empty() && world.served()[0].peer_finished; }));
    world.run(5s);
    world.served()[0].script.send = "still here";
    world.act_served(world.served()[0]);
    const base::Instant since = last_activity(world, client, 10);
    world.run(since + 10s - kTick - world.now());
    REQUIRE(world.proxy().sessions() == 1);
    REQUIRE(world.closes(Leg::Client, CloseReason::HalfCloseTimeout) == 0);
    world.run(2 * kTick);
    REQUIRE(world.closes(Leg::Client, CloseReason::HalfCloseTimeout) == 1);
    REQUIRE(world.closes(Leg::Backend, CloseReason::HalfCloseTimeout) == 1);
    world.run(10ms);
    REQUIRE(client.closed == CloseReason::ResetReceived);
    REQUIRE(world.served()[0].closed == CloseReason::ResetReceived);
    require_nothing_left(world);
}

TEST_CASE("a session with both directions open is not bounded by half_close_timeout") {
    World world({.half_close_timeout = 10s});
    world.serve(8080, {});
    world.connect({.send = "x"});
    world.run(1h);
    REQUIRE(world.count(tcp::State::Established) == 2);
}

TEST_CASE("idle_timeout changed by a reload holds for the sessions that are there") {
    World::Options options{.idle_timeout = 1h};
    World world(options);
    world.serve(8080, {});
    Flow& client = world.connect({.send = "x"});
    world.run(1s);
    options.idle_timeout = 5s;
    const World other_config(options);
    const ServiceTable next = other_config.table(2, {World::backend(8080)});
    world.proxy().set_services(&next);
    client.script.send += "y";  // looked at with the next event
    world.act(client);
    world.run(6s);
    REQUIRE(world.closes(Leg::Client, CloseReason::IdleTimeout) == 1);
}

TEST_CASE(
    "a client that drains a queue slowly after the backend's FIN is not idle while bytes are acknowledged") {
    const LeakCheck leaks;
    World::Options options{.half_close_timeout = 5s};
    options.host_tunables.rmem = 8192;
    World world(options);
    const std::string response = pattern(1, 200'000);
    world.serve(8080, {.send = response, .finish_when_sent = true});
    Flow& client = world.connect({.reads = false});
    REQUIRE(world.run_until(1s, [&] { return !world.served().empty() && world.served()[0].has_finished; }));
    world.run(1s);
    // Some 6 KB every two seconds: the whole takes much longer than the timeout, no pause does.
    for (int round = 0; round < 200 && client.received.size() < response.size(); ++round) {
        client.script.reads = true;
        world.act(client);
        client.script.reads = false;
        world.run(2s);
        REQUIRE_FALSE(client.closed);
    }
    REQUIRE(client.received == response);
}

// RFC 9293 3.8.6.1, MAY-8.
TEST_CASE("a reader that stops closes the window on the other side, and everything arrives when it goes on") {
    const LeakCheck leaks;
    World::Options options{};
    options.tunables.rmem = options.tunables.wmem = 65'536;
    options.host_tunables.rmem = 16'384;
    const bool is_upload = GENERATE(false, true);
    World world(options);
    const std::string bytes = pattern(2, 2'000'000);
    world.serve(8080, {.send = is_upload ? std::string() : bytes, .reads = !is_upload});
    Flow& client = world.connect({.send = is_upload ? bytes : std::string(), .reads = is_upload});
    world.run(20s);
    Flow& server = world.served()[0];
    Flow& reader = is_upload ? server : client;
    REQUIRE(reader.received.empty());
    const Leg filled = is_upload ? Leg::Client : Leg::Backend;
    REQUIRE(world.stats().leg(filled).zero_windows_advertised.value() > 0);
    REQUIRE(world.stats().leg(filled).bytes_received.value() <= 3 * 65'536);
    REQUIRE(world.stats().drops[stats::DropReason::BufferPressure].value() == 0);
    reader.script.reads = true;
    if (is_upload) {
        world.act_served(reader);
    } else {
        world.act(reader);
    }
    REQUIRE(world.run_until(300s, [&] { return reader.received.size() == bytes.size(); }));
    REQUIRE(reader.received == bytes);
}

TEST_CASE("readers that never read hold a bounded number of buffers, and others are served beside them") {
    const LeakCheck leaks;
    World world({});
    // Three hosts share the pool of 8191 here, each leaving 512; what a backend has not sent yet lies in it,
    // too.
    world.serve(8080, {.send = pattern(3, 400'000)});
    for (int i = 0; i < 16; ++i)
        world.connect({.reads = false});
    world.run(10s);
    REQUIRE(terminus::test::buffers_in_use() < 8191 - 512);
    Flow& good = world.connect({});
    REQUIRE(world.run_until(60s, [&] { return good.received.size() == 400'000; }));
    REQUIRE(good.received == pattern(3, 400'000));
}

}  // namespace
}  // namespace terminus::proxy
