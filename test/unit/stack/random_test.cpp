#include <catch2/catch.hpp>
#include <sstream>

#include "base/rng.hpp"
#include "packet/frame_access.hpp"
#include "stack/bench.hpp"

// Two hosts, a bad wire, and connections that behave at random: whatever happens, no byte is wrong, and in
// the end nothing is left.
namespace terminus::stack {
namespace {

using namespace test;

constexpr std::uint16_t kPairs = 40;
constexpr std::uint16_t kFirstPort = 1000;

struct PairOfScripts {
    Script client;
    Script server;
    bool ends_normally = true;
};

PairOfScripts any_scripts(base::Rng& rng) {
    PairOfScripts made;
    made.client.send = random_bytes(rng.next(), rng.below(20'000));
    made.server.send = random_bytes(rng.next(), rng.below(60'000));
    made.server.reads = rng.below(8) != 0;  // until the test lets it
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

std::string_view reason_of(const Flow& flow) {
    return flow.closed ? stats::text(*flow.closed).label : "open";
}

/// Like ss, for a run that doesn't end.
std::string what_is_left(Host& host) {
    std::ostringstream out;
    out << "share " << host.stack().buffer_share() << ", in use " << terminus::test::buffers_in_use() << '\n';
    (void)host.stack().list(0, 1000, [&](const wire::FourTuple& tuple, std::uint16_t, Leg, const auto& now) {
        out << tcp::ss_name(now.state) << ' ' << now.receive_queue_bytes << ' ' << now.send_queue_bytes << ' '
            << tuple.local.to_string() << ' ' << tuple.remote.to_string() << " timer "
            << (now.timer ? stats::text(*now.timer).label : "none") << " retransmits " << int{now.retransmits}
            << '\n';
    });
    return out.str();
}

bool is_prefix(const std::string& part, const std::string& whole) {
    return whole.compare(0, part.size(), part) == 0;
}

TEST_CASE(
    "over a wire that loses, repeats, reorders and cuts up frames every stream arrives as it was sent") {
    const LeakCheck leaks;
    const std::uint64_t seed = GENERATE(range(1, 25));
    INFO("seed " << seed);
    base::Rng rng(seed);
    World world;
    HostOptions options{.number = 1, .time_wait_max = 2 * kPairs, .seed = seed};
    options.capabilities = sim::MemoryPort::of_kind(rng.below(sim::MemoryPort::kKinds));
    options.mtu = rng.below(2) == 0 ? 1500 : 1280;
    options.tunables.rmem = 16'384u << rng.below(6);
    options.tunables.timestamps = rng.below(3) != 0;
    // DESIGN 3.6: in one world of four the connections have to make do with 1,200 buffers, and what stalls
    // may be reset.
    const bool is_tight = rng.below(4) == 0;
    if (is_tight) options.buffers.reserve = packet::buffers_total(terminus::test::pool()) - 1200;
    // A RST that the wire lost is noticed by nothing else when there is nothing to send.
    options.tunables.keepalive_time = 60s;
    options.tunables.keepalive_intvl = 10s;
    Host& left = world.add_host(options);
    options.number = 2;
    options.seed = seed + 100;
    options.capabilities = sim::MemoryPort::of_kind(rng.below(sim::MemoryPort::kKinds));
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
    world.run(std::chrono::seconds(rng.below(60)));
    const auto all_done = [&] {
        for (Host* host : {&left, &right}) {
            for (Flow& flow : host->flows()) {
                if (flow.script.reads) continue;
                flow.script.reads = true;
                host->act(flow);
            }
        }
        return left.live() == 0 && right.live() == 0 && left.stats().half_open.value() == 0 &&
               right.stats().half_open.value() == 0;
    };
    const bool is_done = world.run_until(std::chrono::minutes(20), all_done);
    INFO(what_is_left(left) << what_is_left(right));
    REQUIRE(is_done);
    world.run(1ms);  // a TIME_WAIT that was only read to its end just now has its last call
    REQUIRE(link.counters(sim::Direction::AToB).delivered > 100);

    for (std::uint16_t i = 0; i < kPairs; ++i) {
        INFO("pair " << i << ", client " << reason_of(*clients[i]));
        const Flow& client = *clients[i];
        Host& server_host = i % 2 == 0 ? right : left;
        const Flow* const server = accepted_on(server_host, static_cast<std::uint16_t>(kFirstPort + i));
        REQUIRE(client.closed);
        REQUIRE(is_prefix(client.received, pairs[i].server.send));
        if (server == nullptr) {
            REQUIRE_FALSE(pairs[i].ends_normally);
            continue;
        }
        INFO("server " << reason_of(*server));
        REQUIRE(server->closed);
        REQUIRE(is_prefix(server->received, pairs[i].client.send));
        if (!pairs[i].ends_normally) continue;
        if (is_tight &&
            left.closes(CloseReason::MemoryPressure) + right.closes(CloseReason::MemoryPressure) > 0)
            continue;
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
