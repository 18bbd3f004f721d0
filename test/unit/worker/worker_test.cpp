#include "worker/worker.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "worker/duo.hpp"

namespace terminus::worker {
namespace {

using namespace std::chrono_literals;
using stats::CloseReason;
using stats::Leg;
using test::Duo;
using test::Flow;
using test::LeakCheck;
using test::pattern;

constexpr int kClients = 200;

// `count` clients at once, each with a request of its own; every one is served in full and closed in order.
void require_all_served(Duo& duo, int count) {
    const std::string response = pattern(2, 5000);
    duo.serve({.send = response, .send_after = 700, .finish_when_peer_finished = true});
    std::vector<Flow*> clients;
    for (int i = 0; i < count; ++i) {
        clients.push_back(&duo.connect(
            {.send = pattern(100 + static_cast<std::uint64_t>(i), 700), .finish_when_sent = true}));
    }
    const auto is_over = [](const Flow* client) { return client->closed.has_value(); };
    REQUIRE(duo.run_until(20s, [&] { return std::all_of(clients.begin(), clients.end(), is_over); }));
    REQUIRE(duo.run_until(5s, [&] { return duo.live() == 0; }));
    for (const Flow* client : clients) {
        REQUIRE(client->closed == CloseReason::Normal);
        REQUIRE(client->received == response);
    }
}

TEST_CASE("with everything on queue 0 each session finds its worker: nothing is lost, nobody is reset") {
    const LeakCheck leaks;
    Duo duo(GENERATE(false, true));
    duo.warm_up();
    const std::uint64_t drops = duo.drops();
    const std::uint64_t closed = duo.closes(Leg::Client, CloseReason::Normal);
    require_all_served(duo, kClients);
    REQUIRE(duo.closes(Leg::Client, CloseReason::Normal) - closed == kClients);
    REQUIRE(duo.closes(Leg::Backend, CloseReason::Normal) - closed == kClients);
    REQUIRE(duo.resets() == 0);
    REQUIRE(duo.drops() == drops);
    REQUIRE(duo.port().missed() == 0);
    // Both do their part, and what worker 0 receives for worker 1 gets there.
    for (const std::uint16_t worker : {0, 1}) {
        REQUIRE(duo.stats(worker).leg(Leg::Client).established.value() > kClients / 4);
        REQUIRE(duo.stats(worker).leg(Leg::Client).established.value() ==
                duo.stats(worker).leg(Leg::Backend).established.value());
    }
    REQUIRE(duo.stats(0).hand_overs_sent.value() > kClients);
    REQUIRE(duo.stats(1).hand_overs_received.value() == duo.stats(0).hand_overs_sent.value());
    REQUIRE(duo.stats(1).frames_received.value() == 0);
    REQUIRE(duo.stats(1).frames_sent.value() > kClients);
    REQUIRE(duo.stats(1).hand_overs_sent.value() == 0);
}

TEST_CASE("a device that takes nothing for a while holds both workers up, and loses nobody's bytes") {
    const LeakCheck leaks;
    Duo duo;
    duo.warm_up();
    const std::string response = pattern(3, 200'000);
    duo.serve({.send = response, .finish_when_sent = true});
    std::vector<Flow*> clients;
    for (int i = 0; i < 8; ++i)
        clients.push_back(&duo.connect({.finish_when_peer_finished = true}));
    REQUIRE(duo.run_until(1s, [&] { return clients.back()->received.size() > 10'000; }));
    duo.port().set_transmit_room(0);
    duo.run(50ms);
    const std::size_t received = clients.back()->received.size();
    duo.run(50ms);
    REQUIRE(clients.back()->received.size() == received);
    duo.port().set_transmit_room(sim::MemoryPort::kUnlimited);
    for (const Flow* client : clients) {
        REQUIRE(duo.run_until(20s, [&] { return client->closed.has_value(); }));
        REQUIRE(client->received == response);
        REQUIRE(client->closed == CloseReason::Normal);
    }
    REQUIRE(duo.resets() == 0);
}

TEST_CASE("a turn without frames, mail or messages is idle, and one with any of them is not") {
    Duo duo;
    duo.run(5s);  // announcements are over
    REQUIRE_FALSE(duo.worker(1).run_once(duo.now()));
    REQUIRE(duo.mailbox(1).post(SetDraining{false}));
    REQUIRE(duo.worker(1).run_once(duo.now()));
    REQUIRE_FALSE(duo.worker(1).run_once(duo.now()));
    const std::uint64_t turns = duo.stats(1).turns.value();
    const std::uint64_t busy = duo.stats(1).turns_busy.value();
    duo.port().arrive(terminus::test::make_buffer(std::vector<std::uint8_t>(60, 0xff)));
    REQUIRE(duo.worker(0).run_once(duo.now()));  // a frame for nobody is work too
    REQUIRE_FALSE(duo.worker(0).run_once(duo.now()));
    REQUIRE_FALSE(duo.worker(1).run_once(duo.now()));
    REQUIRE(duo.stats(1).turns.value() == turns + 1);
    REQUIRE(duo.stats(1).turns_busy.value() == busy);
}

TEST_CASE("the time after a turn with work is busy, after one without it is idle, and none is forgotten") {
    Duo duo;
    duo.run(5s);
    Worker& worker = duo.worker(1);
    base::Instant now = duo.now();
    worker.run_once(now);
    const std::uint64_t busy = duo.stats(1).busy_ns.value();
    const std::uint64_t idle = duo.stats(1).idle_ns.value();
    REQUIRE(busy + idle == static_cast<std::uint64_t>((now - Duo::kStart).count()));

    worker.run_once(now += 3us);
    REQUIRE(duo.stats(1).busy_ns.value() == busy);
    REQUIRE(duo.stats(1).idle_ns.value() == idle + 3000);
    REQUIRE(duo.mailbox(1).post(SetDraining{false}));
    worker.run_once(now += 5us);  // the mail makes this turn a busy one
    REQUIRE(duo.stats(1).idle_ns.value() == idle + 8000);
    worker.run_once(now += 7us);
    REQUIRE(duo.stats(1).busy_ns.value() == busy + 7000);
    REQUIRE(duo.stats(1).idle_ns.value() == idle + 8000);
    worker.run_once(now += 1us);
    REQUIRE(duo.stats(1).busy_ns.value() == busy + 7000);
    REQUIRE(duo.stats(1).idle_ns.value() == idle + 9000);
}

TEST_CASE("a worker tells how many buffers its pool has and how many are used") {
    Duo duo;
    REQUIRE(duo.stats(0).buffers_total.value() == 8191);
    duo.warm_up();
    const std::vector<packet::Buffer> held = [] {
        std::vector<packet::Buffer> buffers;
        for (int i = 0; i < 100; ++i)
            buffers.push_back(terminus::test::make_buffer({}));
        return buffers;
    }();
    for (int turn = 0; turn < 256; ++turn)
        duo.worker(0).run_once(duo.now());
    REQUIRE(duo.stats(0).buffers_used.value() >= 100);
    REQUIRE(duo.stats(0).buffers_used.value() < 200);
}

}  // namespace
}  // namespace terminus::worker
