#include <catch2/catch.hpp>

#include "proxy/support.hpp"
#include "proxy/world.hpp"

// How a session gets its backend, and what becomes of the client when it gets none.
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

TEST_CASE("sessions take the backends in turn") {
    World world({.backends = {World::backend(8080), World::backend(8081), World::backend(8082)}});
    for (std::uint16_t port : {8080, 8081, 8082})
        world.serve(port, {});
    for (int i = 0; i < 6; ++i) {
        world.connect({});
        world.run(10ms);
    }
    REQUIRE(world.served().size() == 6);
    for (std::size_t i = 0; i < 6; ++i)
        REQUIRE(world.served()[i].tuple.local.port == 8080 + i % 3);
}

TEST_CASE("each leg of a session goes by its own of the service's profiles") {
    using tcp::CongestionAlgorithm;
    World::Options options;
    options.client_overrides.congestion_control = CongestionAlgorithm::Bbr;
    SECTION("both have something of their own") {
        options.backend_overrides.congestion_control = CongestionAlgorithm::Reno;
    }
    SECTION("one goes by the process's") {
        options.tunables.congestion_control = CongestionAlgorithm::Reno;
    }
    World world(options);
    world.serve(8080, {});
    world.connect({});
    world.run(1s);
    std::size_t clients = 0;
    std::size_t backends = 0;
    (void)world.node().stack().list(
        0, 10,
        [&](const wire::FourTuple&, std::uint16_t, Leg leg, const tcp::Connection::Snapshot& snapshot) {
            ++(leg == Leg::Client ? clients : backends);
            CHECK(snapshot.congestion_control ==
                  (leg == Leg::Client ? CongestionAlgorithm::Bbr : CongestionAlgorithm::Reno));
        });
    CHECK(clients == 1);
    CHECK(backends == 1);
}

TEST_CASE("a refused session goes to the next backend with every byte of the client") {
    const LeakCheck leaks;
    const bool is_v6 = GENERATE(false, true);
    World world({.is_v6 = is_v6, .backends = {World::backend(9, is_v6), World::backend(8080, is_v6)}});
    world.serve(8080, {.finish_when_peer_finished = true});
    const std::string request = pattern(1, 30'000);
    Flow& client = world.connect({.send = request, .finish_when_sent = true});
    REQUIRE(world.run_until(1s, [&] { return client.closed.has_value(); }));
    REQUIRE(client.closed == CloseReason::Normal);
    REQUIRE(world.served()[0].received == request);
    REQUIRE(world.closes(Leg::Backend, CloseReason::Refused) == 1);
    require_nothing_left(world);
}

TEST_CASE("a request that came with a client's SYN goes on with the SYN to the backend") {
    // RFC 7413 4.2: both legs, once their cookies are known.
    const LeakCheck leaks;
    World::Options options;
    options.is_v6 = GENERATE(false, true);
    options.tunables.fastopen = options.host_tunables.fastopen = 3;
    World world(options);
    world.serve(8080, {.send = "response", .send_after = 7, .finish_when_peer_finished = true});
    for (std::uint64_t session = 0; session < 3; ++session) {
        Flow& client = world.connect({.send = "request", .finish_when_sent = true, .fast_open = true});
        REQUIRE(world.run_until(1s, [&] { return client.closed.has_value(); }));
        REQUIRE(client.closed == CloseReason::Normal);
        REQUIRE(client.received == "response");
        REQUIRE(world.served()[session].received == "request");
        REQUIRE(world.stats().fast_opens_accepted.value() == session);
        REQUIRE(world.stats().fast_opens_active.value() == session);
    }
    require_nothing_left(world);
}

TEST_CASE("what went with the SYN to a backend that refuses goes to the next") {
    const LeakCheck leaks;
    World::Options options;
    options.backends = {World::backend(9), World::backend(8080)};
    options.tunables.fastopen = options.host_tunables.fastopen = 3;
    World world(options);
    world.serve(8080, {.finish_when_peer_finished = true});
    const std::string request = pattern(1, 30'000);
    for (std::size_t session = 0; session < 6; ++session) {
        Flow& client = world.connect({.send = request, .finish_when_sent = true, .fast_open = true});
        REQUIRE(world.run_until(2s, [&] { return client.closed.has_value(); }));
        REQUIRE(client.closed == CloseReason::Normal);
        REQUIRE(world.served()[session].received == request);
    }
    REQUIRE(world.closes(Leg::Backend, CloseReason::Refused) ==
            6);  // two picks a session: each begins at the first
    REQUIRE(world.stats().fast_opens_active.value() == 5);
    require_nothing_left(world);
}

TEST_CASE("a pool's retries bound the attempts, on both sides of the limit") {
    const LeakCheck leaks;
    const std::uint32_t retries = GENERATE(0u, 1u, 2u, 3u);
    World world({.backends = {World::backend(1), World::backend(2), World::backend(3), World::backend(8080)},
                 .retries = retries});
    world.serve(8080, {.finish_when_peer_finished = true});
    Flow& client = world.connect({.send = "hello", .finish_when_sent = true});
    REQUIRE(world.run_until(1s, [&] { return client.closed.has_value(); }));
    if (retries < 3) {
        REQUIRE(client.closed == CloseReason::ResetReceived);
        REQUIRE(world.closes(Leg::Backend, CloseReason::Refused) == retries + 1);
        REQUIRE(world.closes(Leg::Client, CloseReason::ConnectFailed) == 1);
    } else {
        REQUIRE(client.closed == CloseReason::Normal);
        REQUIRE(world.closes(Leg::Backend, CloseReason::Refused) == 3);
        REQUIRE(world.closes(Leg::Client, CloseReason::ConnectFailed) == 0);
    }
    require_nothing_left(world);
}

TEST_CASE("no backend is tried twice: a pool of one refuses at once") {
    World world({.backends = {World::backend(9)}, .retries = 16});
    Flow& client = world.connect({.send = "hello"});
    REQUIRE(world.run_until(1s, [&] { return client.closed.has_value(); }));
    REQUIRE(client.closed == CloseReason::ResetReceived);
    REQUIRE(world.closes(Leg::Backend, CloseReason::Refused) == 1);
}

TEST_CASE("a silent backend is given up at connect_timeout, not before, and another is asked") {
    const LeakCheck leaks;
    const bool is_v6 = GENERATE(false, true);
    World world({.is_v6 = is_v6, .backends = {World::silent_backend(is_v6), World::backend(8080, is_v6)}});
    world.serve(8080, {.finish_when_peer_finished = true});
    const std::string request = pattern(2, 5000);
    Flow& client = world.connect({.send = request, .finish_when_sent = true});
    REQUIRE(world.run_until(1s, [&] { return world.proxy().sessions() == 1; }));
    world.run(1s - timer::Wheel::kTick);
    REQUIRE(world.count(tcp::State::SynSent) == 1);
    REQUIRE(world.served().empty());
    REQUIRE(world.closes(Leg::Backend, CloseReason::SynTimeout) == 0);
    world.run(2 * timer::Wheel::kTick);
    REQUIRE(world.closes(Leg::Backend, CloseReason::SynTimeout) == 1);
    REQUIRE(world.run_until(1s, [&] { return client.closed.has_value(); }));
    REQUIRE(client.closed == CloseReason::Normal);
    REQUIRE(world.served()[0].received == request);
    require_nothing_left(world);
}

TEST_CASE("a client whose only backend is silent gets a RST when connect_timeout is over") {
    const LeakCheck leaks;
    World world({.backends = {World::silent_backend()}, .connect_timeout = 2s});
    Flow& client = world.connect({.send = "hello"});
    world.run(1900ms);
    REQUIRE_FALSE(client.closed);
    REQUIRE(client.is_established);
    world.run(200ms);
    REQUIRE(client.closed == CloseReason::ResetReceived);
    REQUIRE(world.closes(Leg::Client, CloseReason::ConnectFailed) == 1);
    require_nothing_left(world);
}

TEST_CASE("a client that resets before its backend is up ends the attempt, and no other is made") {
    const LeakCheck leaks;
    World world({.backends = {World::silent_backend(), World::backend(8080)}});
    world.serve(8080, {});
    Flow& client = world.connect({.send = "hello"});
    world.run(500ms);
    REQUIRE(world.proxy().sessions() == 1);
    world.reset(client);
    world.run(3s);
    REQUIRE(world.served().empty());
    REQUIRE(world.closes(Leg::Client, CloseReason::ResetReceived) == 1);
    REQUIRE(world.closes(Leg::Backend, CloseReason::PeerLegReset) == 1);
    require_nothing_left(world);
}

TEST_CASE("a client that sends and half-closes before its backend is up is served") {
    const LeakCheck leaks;
    World world({.backends = {World::silent_backend(), World::backend(8080)}});
    world.serve(8080, {.send = "late", .send_after = 5, .finish_when_sent = true});
    Flow& client = world.connect({.send = "hello", .finish_when_sent = true});
    world.run(500ms);
    REQUIRE(world.count(tcp::State::CloseWait) == 1);
    REQUIRE(world.run_until(3s, [&] { return client.closed.has_value(); }));
    REQUIRE(client.received == "late");
    REQUIRE(world.served()[0].received == "hello");
    REQUIRE(client.closed == CloseReason::Normal);
    require_nothing_left(world);
}

TEST_CASE("what a client sends before its backend is up fills its window and no more") {
    const LeakCheck leaks;
    World::Options options{.backends = {World::silent_backend(), World::backend(8080)},
                           .connect_timeout = 3s};
    options.tunables.rmem = 32'768;
    World world(options);
    world.serve(8080, {});
    const std::string request = pattern(3, 200'000);
    world.connect({.send = request});
    world.run(2s);
    REQUIRE(world.stats().leg(Leg::Client).bytes_received.value() > 16'384);
    REQUIRE(world.stats().leg(Leg::Client).bytes_received.value() <= 32'768);
    REQUIRE(world.run_until(
        60s, [&] { return !world.served().empty() && world.served()[0].received == request; }));
}

TEST_CASE("a backend that accepts and then resets is not retried: the client gets the RST") {
    const LeakCheck leaks;
    World world({.backends = {World::backend(8080), World::backend(8081)}});
    world.serve(8080, {.reset_after = 0});
    world.serve(8081, {});
    Flow& client = world.connect({.send = "hello"});
    REQUIRE(world.run_until(1s, [&] { return client.closed.has_value(); }));
    REQUIRE(client.closed == CloseReason::ResetReceived);
    REQUIRE(world.served().size() == 1);
    REQUIRE(world.closes(Leg::Client, CloseReason::PeerLegReset) == 1);
    require_nothing_left(world);
}

TEST_CASE("HARDENING 26: out of sessions, the new client is reset and the old one kept") {
    const LeakCheck leaks;
    World world({.sessions_max = 1});
    world.serve(8080, {.finish_when_peer_finished = true});
    Flow& first = world.connect({});
    world.run(10ms);
    Flow& second = world.connect({});
    world.run(10ms);
    REQUIRE(second.closed == CloseReason::ResetReceived);
    REQUIRE_FALSE(first.closed);
    REQUIRE(world.proxy().sessions() == 1);
    REQUIRE(world.closes(Leg::Client, CloseReason::ConnectFailed) == 1);
    first.script.finish_when_sent = true;
    world.act(first);
    world.run(10ms);
    Flow& third = world.connect({});
    world.run(10ms);
    REQUIRE_FALSE(third.closed);
    REQUIRE(world.served().size() == 2);
}

TEST_CASE("HARDENING 26: out of connection slots, the client is reset") {
    const LeakCheck leaks;
    World world({.connections_max = 3});
    world.serve(8080, {});
    Flow& first = world.connect({});
    world.run(10ms);
    Flow& second = world.connect({});  // takes the last slot; its backend finds none
    world.run(10ms);
    REQUIRE_FALSE(first.closed);
    REQUIRE(second.closed == CloseReason::ResetReceived);
    REQUIRE(world.live() == 2);
    REQUIRE(world.proxy().source_ports_used() == 1);
}

TEST_CASE(
    "HARDENING 26: out of source ports, the client is reset, and it is counted until one is free again") {
    const LeakCheck leaks;
    World world({.source_ports = {.first = 5000, .last = 5001}});
    world.serve(8080, {.finish_when_peer_finished = true});
    Flow& first = world.connect({});
    world.connect({});
    world.run(10ms);
    REQUIRE(world.stats().source_ports_used.value() == 2);
    REQUIRE(world.stats().source_ports_exhausted.value() == 0);
    Flow& third = world.connect({});
    world.run(10ms);
    REQUIRE(third.closed == CloseReason::ResetReceived);
    REQUIRE(world.stats().source_ports_exhausted.value() == 1);

    // DESIGN 4: the freed port's 4-tuple is in TIME_WAIT, which may be taken from one second on.
    first.script.finish_when_sent = true;
    world.act(first);
    world.run(10ms);
    REQUIRE(world.stats().source_ports_used.value() == 1);
    REQUIRE(world.count(tcp::State::TimeWait) == 1);
    Flow& early = world.connect({});
    world.run(10ms);
    REQUIRE(early.closed == CloseReason::ResetReceived);
    REQUIRE(world.stats().source_ports_exhausted.value() == 2);
    world.run(1s);
    Flow& late = world.connect({});
    world.run(10ms);
    REQUIRE_FALSE(late.closed);
    REQUIRE(world.served().size() == 3);
}

// RFC 9293 3.9.1.1, MUST-41: other listeners are none of a connection's business.
TEST_CASE("a service, pool and backends that a reload removes keep their sessions, and take no new ones") {
    const LeakCheck leaks;
    World world({});
    world.serve(8080, {.finish_when_peer_finished = true});
    Flow& old = world.connect({.send = "before "});
    world.run(10ms);
    const ServiceTable empty = world.table(2, {});
    world.proxy().set_services(&empty);
    world.node().stack().services_changed();
    old.script.send += "after";
    old.script.finish_when_sent = true;
    Flow& fresh = world.connect({});
    world.act(old);
    world.run(10ms);
    REQUIRE(fresh.closed == CloseReason::Refused);
    REQUIRE(old.closed == CloseReason::Normal);
    REQUIRE(world.served()[0].received == "before after");
    require_nothing_left(world);
}

TEST_CASE("a pool that a reload removes between two attempts leaves the client a RST") {
    const LeakCheck leaks;
    World world({.backends = {World::silent_backend(), World::backend(8080)}});
    world.serve(8080, {});
    Flow& client = world.connect({});
    world.run(500ms);
    const ServiceTable empty = world.table(2, {});
    world.proxy().set_services(&empty);
    world.run(1s);
    REQUIRE(client.closed == CloseReason::ResetReceived);
    REQUIRE(world.served().empty());
    require_nothing_left(world);
}

TEST_CASE("a reload keeps the turns of a pool that stays") {
    World world({.backends = {World::backend(8080), World::backend(8081)}});
    world.serve(8080, {});
    world.serve(8081, {});
    world.connect({});
    world.run(10ms);
    const ServiceTable next = world.table(2, {World::backend(8080), World::backend(8081)});
    world.proxy().set_services(&next);
    world.connect({});
    world.run(10ms);
    REQUIRE(world.served().size() == 2);
    REQUIRE(world.served()[0].tuple.local.port == 8080);
    REQUIRE(world.served()[1].tuple.local.port == 8081);
}

TEST_CASE("the end of a drain resets sessions and begins none again, connecting or spliced") {
    const LeakCheck leaks;
    const bool is_silent = GENERATE(false, true);
    World world(
        {.backends = {is_silent ? World::silent_backend() : World::backend(8081), World::backend(8080)}});
    world.serve(8080, {});
    world.serve(8081, {});
    Flow& client = world.connect({.send = "hello"});
    world.run(500ms);
    REQUIRE(world.proxy().sessions() == 1);
    const std::size_t served = world.served().size();
    world.node().stack().abort_all(CloseReason::Drain);
    world.run(3s);
    REQUIRE(client.closed == CloseReason::ResetReceived);
    REQUIRE(world.served().size() == served);
    REQUIRE(world.closes(Leg::Client, CloseReason::Drain) == 1);
    REQUIRE(world.closes(Leg::Backend, CloseReason::Drain) == 1);
    require_nothing_left(world);
}

}  // namespace
}  // namespace terminus::proxy
