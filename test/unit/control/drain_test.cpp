#include "control/drain.hpp"

#include <catch2/catch.hpp>

#include "control/support.hpp"

using namespace terminus;
using namespace terminus::test;
using namespace std::chrono_literals;
using control::Drain;
using Phase = Drain::Phase;

namespace {
struct Setup {
    boost::asio::io_context io;
    FakeWorkers workers{2};
    control::Mailroom mailroom{io, workers.group};
    int ended = 0;
    bool clean = false;
    Drain drain{io, mailroom, workers.group, [this](bool was_clean) {
                    ++ended;
                    clean = was_clean;
                }};

    stats::Counter& gauge(std::uint32_t worker, tcp::State state) {
        return workers.group.mailbox(worker)
            .stats()
            .leg(stats::Leg::Client)
            .connections[static_cast<std::size_t>(state)];
    }
    void turn() {
        workers.serve();
        mailroom.pump();
    }
};
}  // namespace

TEST_CASE("live connections are those of both legs that are neither closed nor in TIME_WAIT") {
    Setup s;
    s.gauge(0, tcp::State::Established).set(3);
    s.gauge(1, tcp::State::FinWait2).set(2);
    s.gauge(1, tcp::State::TimeWait).set(100);
    s.gauge(0, tcp::State::SynReceived).set(1);
    s.workers.group.mailbox(1).stats().leg(stats::Leg::Backend).connections[4].set(5);
    CHECK(s.drain.live_connections() == 11);
}

TEST_CASE("a drain announces, refuses, waits, resets and stops, in this order") {
    Setup s;
    s.gauge(0, tcp::State::Established).set(1);
    s.drain.begin({1h, 1h});
    CHECK(s.drain.phase() == Phase::Announced);
    s.turn();
    CHECK(s.workers.log.empty());  // new connections are still taken

    s.drain.hurry();
    CHECK(s.drain.phase() == Phase::Refusing);
    s.turn();
    CHECK(s.workers.log == std::vector<std::string>{"0 draining", "1 draining"});
    CHECK(s.drain.phase() == Phase::Refusing);

    s.drain.hurry();
    CHECK(s.drain.phase() == Phase::Aborting);
    s.turn();
    CHECK(s.drain.phase() == Phase::Stopping);
    s.turn();
    CHECK(s.drain.phase() == Phase::Stopped);
    CHECK(s.workers.log ==
          std::vector<std::string>{"0 draining", "1 draining", "0 abort", "1 abort", "0 stop", "1 stop"});
    CHECK(s.ended == 1);
    CHECK(s.clean);
}

TEST_CASE("delay and grace end by themselves") {
    Setup s;
    s.gauge(0, tcp::State::Established).set(1);
    s.drain.begin({1ms, 1ms});
    CHECK(run_until(
        s.io, [&] { return s.ended == 1; }, [&] { s.workers.serve(); }));
    CHECK(s.clean);
}

TEST_CASE("the grace ends early when the last connection is gone") {
    Setup s;
    s.gauge(0, tcp::State::Established).set(1);
    s.drain.begin({0s, 1h});
    REQUIRE(run_until(
        s.io, [&] { return s.workers.log.size() == 2; }, [&] { s.workers.serve(); }));
    CHECK(s.drain.phase() == Phase::Refusing);
    s.gauge(0, tcp::State::Established).set(0);
    CHECK(run_until(
        s.io, [&] { return s.ended == 1; }, [&] { s.workers.serve(); }));
}

TEST_CASE("without connections a drain does not wait for the grace") {
    Setup s;
    s.drain.begin({0s, 1h});
    CHECK(run_until(
        s.io, [&] { return s.ended == 1; }, [&] { s.workers.serve(); }));
}

TEST_CASE("hurrying while workers stop changes nothing") {
    Setup s;
    s.drain.begin({0s, 0s});
    s.drain.hurry();
    s.drain.hurry();
    s.drain.hurry();
    s.turn();
    s.drain.hurry();
    CHECK(run_until(
        s.io, [&] { return s.ended == 1; }, [&] { s.workers.serve(); }));
    s.drain.hurry();
    CHECK(s.ended == 1);
    CHECK(s.drain.phase() == Phase::Stopped);
}
