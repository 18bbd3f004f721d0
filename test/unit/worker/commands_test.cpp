// What the control thread asks of a worker, through its mailbox.

#include <sys/prctl.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "worker/duo.hpp"
#include "worker/worker.hpp"

namespace terminus::worker {
namespace {

using namespace std::chrono_literals;
using stats::CloseReason;
using stats::Leg;
using test::Duo;
using test::Flow;
using test::LeakCheck;
using test::pattern;

// Two clients that are served by different workers, established and idle.
std::pair<Flow*, Flow*> one_client_each(Duo& duo) {
    Flow* clients[2] = {nullptr, nullptr};
    while (clients[0] == nullptr || clients[1] == nullptr) {
        Flow& client = duo.connect({});
        REQUIRE(duo.run_until(5s, [&] { return client.is_established; }));
        clients[duo.owner(client)] = &client;
    }
    duo.run(100ms);
    return {clients[0], clients[1]};
}

void require_echo(Duo& duo, Flow& client, Flow& served) {
    const std::string text = pattern(11, 4000);
    const std::size_t before = served.received.size();
    client.script.send += text;
    duo.act(client);
    REQUIRE(duo.run_until(2s, [&] { return served.received.size() == before + text.size(); }));
    REQUIRE(served.received.substr(before) == text);
}

// The host's end of the backend leg of the first session.
Flow& served_flow(Duo& duo) {
    for (Flow& flow : duo.flows()) {
        if (flow.tuple.local.port == Duo::kBackendPort && !flow.closed) return flow;
    }
    FAIL("no session has reached the backend");
    return duo.flows().front();
}

TEST_CASE("new tunables are in force from the next event on, and the worker says so") {
    Duo duo;
    duo.warm_up();
    duo.serve({});
    tcp::Tunables tunables;
    tunables.max_syn_backlog = 0;
    tunables.syncookies = 0;
    for (const std::uint16_t worker : {0, 1})
        REQUIRE(std::holds_alternative<TunablesSet>(duo.ask(worker, SetTunables{tunables})));
    Flow& client = duo.connect({});
    duo.run(100ms);
    REQUIRE_FALSE(client.is_established);
    const std::uint16_t owner = duo.owner(client);
    REQUIRE(duo.stats(owner).drops[stats::DropReason::TcpHalfOpenLimit].value() == 1);
    REQUIRE(std::holds_alternative<TunablesSet>(duo.ask(owner, SetTunables{tcp::Tunables{}})));
    REQUIRE(duo.run_until(5s, [&] { return client.is_established; }));
}

TEST_CASE("the half-opens of a removed service are reset; its sessions live on; new clients are refused") {
    const LeakCheck leaks;
    Duo duo;
    duo.warm_up();
    duo.serve({});
    Flow& old = duo.connect({.send = "hello"});
    REQUIRE(duo.run_until(2s, [&] {
        return std::any_of(duo.flows().begin(), duo.flows().end(),
                           [](const Flow& f) { return f.received == "hello"; });
    }));
    Flow& served = served_flow(duo);

    // SYNs come in, and the wire is cut before the SYN-ACKs go out.
    std::vector<Flow*> halves;
    for (int i = 0; i < 8; ++i)
        halves.push_back(&duo.connect({}));
    REQUIRE(duo.run_until(1ms, [&] { return duo.link().under_way(sim::Direction::BToA) == 8; }));
    duo.link().set_cut(true);
    duo.run(1ms);
    REQUIRE(duo.stats(0).half_open.value() + duo.stats(1).half_open.value() == 8);
    duo.link().set_cut(false);

    const proxy::ServiceTable* const without = duo.table(2, false);
    for (const std::uint16_t worker : {0, 1}) {
        const Reply reply = duo.ask(worker, SetServices{without});
        REQUIRE(std::get<ServicesSet>(reply).version == 2);
        REQUIRE(duo.stats(worker).half_open.value() == 0);
    }
    REQUIRE(duo.closes(Leg::Client, CloseReason::ServiceRemoved) == 8);
    duo.run(10ms);
    for (const Flow* half : halves) {
        REQUIRE(half->closed == CloseReason::Refused);
    }
    require_echo(duo, old, served);
    Flow& late = duo.connect({});
    REQUIRE(duo.run_until(1s, [&] { return late.closed.has_value(); }));
    REQUIRE(late.closed == CloseReason::Refused);

    const proxy::ServiceTable* const back = duo.table(3, true);
    for (const std::uint16_t worker : {0, 1})
        REQUIRE(std::get<ServicesSet>(duo.ask(worker, SetServices{back})).version == 3);
    Flow& again = duo.connect({});
    REQUIRE(duo.run_until(1s, [&] { return again.is_established; }));
}

TEST_CASE("a listing in pieces shows each connection of a worker exactly once") {
    Duo duo;
    duo.warm_up();
    duo.serve({});
    constexpr int kClients = 400;
    std::vector<Flow*> clients;
    for (int i = 0; i < kClients; ++i)
        clients.push_back(&duo.connect({}));
    REQUIRE(duo.run_until(10s, [&] {
        return std::all_of(clients.begin(), clients.end(), [](const Flow* f) { return f->is_established; });
    }));
    duo.run(1s);
    std::size_t listed = 0;
    for (const std::uint16_t worker : {0, 1}) {
        std::set<wire::FourTuple> seen;
        std::size_t pages = 0;
        std::uint64_t cursor = 0;
        bool done = false;
        while (!done) {
            auto page = std::make_unique<RowPage>();
            page->request = 77;
            page->cursor = cursor;
            page->rows.reserve(RowPage::kRowsMax);
            const ConnectionRow* const memory = page->rows.data();
            Reply reply = duo.ask(worker, ListConnections{std::move(page)});
            const RowPage& filled = *std::get<ConnectionsListed>(reply).page;
            REQUIRE(filled.request == 77);
            REQUIRE(filled.rows.size() <= RowPage::kRowsMax);
            REQUIRE(filled.rows.data() == memory);  // the worker allocates nothing
            for (const ConnectionRow& row : filled.rows) {
                if (row.state == tcp::State::TimeWait) continue;  // of the warm-up
                REQUIRE(row.state == tcp::State::Established);
                REQUIRE(row.service == Duo::kService);
                const bool is_client_leg = row.tuple.local.port == Duo::kServicePort;
                REQUIRE(row.leg == (is_client_leg ? Leg::Client : Leg::Backend));
                REQUIRE(flow::Steering({}, {}, 2).owner(row.tuple) == worker);
                REQUIRE(seen.insert(row.tuple).second);
            }
            cursor = filled.cursor;
            done = filled.done;
            ++pages;
        }
        REQUIRE(seen.size() == duo.live(worker));
        REQUIRE(pages > 2);
        listed += seen.size();
    }
    REQUIRE(listed == 2 * kClients);
}

TEST_CASE("a worker tells the source ports of each backend: in use, and given back to a TIME_WAIT") {
    Duo duo;
    duo.serve({.finish_when_peer_finished = true});
    const auto ports = [&](std::uint16_t worker) {
        auto page = std::make_unique<SourcePortPage>();
        page->rows.reserve(SourcePortPage::kRowsMax);
        const SourcePortRow* const memory = page->rows.data();
        Reply reply = duo.ask(worker, ListSourcePorts{std::move(page)});
        const SourcePortPage& filled = *std::get<SourcePortsListed>(reply).page;
        REQUIRE(filled.done);
        REQUIRE(filled.rows.data() == memory);  // the worker allocates nothing
        REQUIRE_FALSE(filled.rows.empty());
        return filled.rows.front().use;
    };
    constexpr std::uint32_t kClients = 20;
    std::vector<Flow*> clients;
    for (std::uint32_t i = 0; i < kClients; ++i)
        clients.push_back(&duo.connect({}));
    REQUIRE(duo.run_until(10s, [&] { return ports(0).used + ports(1).used == kClients; }));
    for (const std::uint16_t worker : {0, 1}) {
        CHECK(ports(worker).used > 0);
        CHECK(ports(worker).waited == 0);
    }
    // Each port leads to one of the two workers.
    CHECK(ports(0).total + ports(1).total == 65536 - 1024);

    for (Flow* client : clients) {
        client->script.finish_when_sent = true;
        duo.act(*client);
    }
    REQUIRE(duo.run_until(10s, [&] { return ports(0).used + ports(1).used == 0; }));
    CHECK(ports(0).waited + ports(1).waited == kClients);  // who closes first waits: our leg to the backend
}

TEST_CASE("a draining worker refuses new clients and serves those it has") {
    Duo duo;
    duo.warm_up();
    duo.serve({});
    Flow& old = duo.connect({.send = "hello"});
    duo.run(100ms);
    Flow& served = served_flow(duo);
    for (const std::uint16_t worker : {0, 1})
        REQUIRE(std::holds_alternative<DrainingSet>(duo.ask(worker, SetDraining{true})));
    Flow& refused = duo.connect({});
    REQUIRE(duo.run_until(1s, [&] { return refused.closed.has_value(); }));
    REQUIRE(refused.closed == CloseReason::Refused);
    REQUIRE(duo.stats(duo.owner(refused)).drops[stats::DropReason::TcpDraining].value() == 1);
    require_echo(duo, old, served);
    for (const std::uint16_t worker : {0, 1})
        REQUIRE(std::holds_alternative<DrainingSet>(duo.ask(worker, SetDraining{false})));
    Flow& taken = duo.connect({});
    REQUIRE(duo.run_until(1s, [&] { return taken.is_established; }));
}

TEST_CASE("aborting resets every connection of the worker that was asked, and of no other") {
    const LeakCheck leaks;
    Duo duo;
    duo.warm_up();
    duo.serve({});
    const auto [of_0, of_1] = one_client_each(duo);
    REQUIRE(duo.live(0) >= 2);
    const std::uint64_t untouched = duo.live(0);
    REQUIRE(std::holds_alternative<AllAborted>(duo.ask(1, AbortAll{CloseReason::Drain})));
    REQUIRE(duo.run_until(1s, [&, client = of_1] { return client->closed.has_value(); }));
    REQUIRE(of_1->closed == CloseReason::ResetReceived);
    duo.run(10ms);
    REQUIRE(duo.live(1) == 0);
    REQUIRE(duo.live(0) == untouched);
    REQUIRE_FALSE(of_0->closed.has_value());
    REQUIRE(duo.stats(1).leg(Leg::Client).closes[CloseReason::Drain].value() > 0);
    REQUIRE(std::holds_alternative<AllAborted>(duo.ask(0, AbortAll{CloseReason::Drain})));
    REQUIRE(duo.run_until(1s, [&, client = of_0] { return client->closed.has_value(); }));
    duo.run(10ms);
    REQUIRE(duo.live() == 0);
}

TEST_CASE("a worker answers a few commands a turn, so that mail never holds frames up for long") {
    Duo duo;
    constexpr int kPosted = 10;
    for (int i = 0; i < kPosted; ++i)
        REQUIRE(duo.mailbox(0).post(SetDraining{false}));
    int answered = 0;
    int turns = 0;
    while (answered < kPosted && turns < kPosted) {
        duo.worker(0).run_once(duo.now());
        ++turns;
        int now_answered = 0;
        while (duo.mailbox(0).poll())
            ++now_answered;
        REQUIRE(now_answered <= 4);
        answered += now_answered;
    }
    REQUIRE(answered == kPosted);
    REQUIRE(turns == 3);
}

TEST_CASE("a worker that is told to stop leaves its loop and says so last") {
    Duo duo;
    REQUIRE(duo.mailbox(1).post(SetDraining{true}));
    REQUIRE(duo.mailbox(1).post(Stop{}));
    duo.worker(1).run();
    REQUIRE(std::holds_alternative<DrainingSet>(*duo.mailbox(1).poll()));
    REQUIRE(std::holds_alternative<Stopped>(*duo.mailbox(1).poll()));
    REQUIRE_FALSE(duo.mailbox(1).poll());
    REQUIRE(prctl(PR_GET_TIMERSLACK) == 1);  // its sleeps were no longer than it was told
}

}  // namespace
}  // namespace terminus::worker
