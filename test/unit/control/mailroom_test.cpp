#include "control/mailroom.hpp"

#include <catch2/catch.hpp>

#include "control/support.hpp"

using namespace terminus;
using namespace terminus::test;
using control::Mailroom;

TEST_CASE("a reply goes to whoever asked") {
    boost::asio::io_context io;
    FakeWorkers workers(2);
    Mailroom room(io, workers.group);
    int draining = 0;
    int stopped = 0;
    room.post(1, worker::SetDraining{true}, [&](worker::Reply&& reply) {
        CHECK(std::holds_alternative<worker::DrainingSet>(reply));
        ++draining;
    });
    room.post(1, worker::Stop{}, [&](worker::Reply&&) { ++stopped; });
    CHECK(room.outstanding() == 2);
    workers.serve();
    CHECK(draining == 0);  // nothing is delivered but by the loop
    room.pump();
    CHECK(draining == 1);
    CHECK(stopped == 1);
    CHECK(room.outstanding() == 0);
    CHECK(workers.log == std::vector<std::string>{"1 draining", "1 stop"});
}

TEST_CASE("replies of other kinds may overtake each other") {
    boost::asio::io_context io;
    FakeWorkers workers(1);
    Mailroom room(io, workers.group);
    std::string order;
    room.post(0, worker::SetDraining{true}, [&](worker::Reply&&) { order += "d"; });
    room.post(0, worker::AbortAll{}, [&](worker::Reply&&) { order += "a"; });
    workers.group.mailbox(0).reply(worker::AllAborted{});
    workers.group.mailbox(0).reply(worker::DrainingSet{});
    room.pump();
    CHECK(order == "ad");
}

TEST_CASE("a command to all is done after the last worker's reply") {
    boost::asio::io_context io;
    FakeWorkers workers(3);
    Mailroom room(io, workers.group);
    bool done = false;
    room.post_all([](std::uint32_t) { return worker::SetDraining{true}; }, [&] { done = true; });
    workers.serve(0);
    workers.serve(2);
    room.pump();
    CHECK_FALSE(done);
    workers.serve(1);
    room.pump();
    CHECK(done);
}

TEST_CASE("commands beyond a mailbox's depth wait and keep their order") {
    boost::asio::io_context io;
    FakeWorkers workers(1);
    Mailroom room(io, workers.group);
    const std::size_t count = worker::Mailbox::kDepth * 3;
    std::size_t answered = 0;
    for (std::size_t i = 0; i < count; ++i) {
        room.post(0, worker::SetDraining{true}, [&, i](worker::Reply&&) {
            CHECK(answered == i);
            ++answered;
        });
    }
    for (int round = 0; round < 3; ++round) {
        workers.serve();
        room.pump();
        CHECK(answered == worker::Mailbox::kDepth * static_cast<std::size_t>(round + 1));
    }
    CHECK(room.outstanding() == 0);
}

TEST_CASE("a worker that answers faster than anybody looks has room for each reply") {
    boost::asio::io_context io;
    FakeWorkers workers(1);
    Mailroom room(io, workers.group);
    std::size_t answered = 0;
    const std::size_t count = worker::Mailbox::kDepth * 3;  // the mailbox keeps two thirds of so many replies
    for (std::size_t i = 0; i < count; ++i) {
        room.post(0, worker::SetDraining{true}, [&](worker::Reply&&) { ++answered; });
        workers.serve();
    }
    CHECK(workers.log.size() == worker::Mailbox::kDepth);
    while (room.outstanding() > 0) {
        room.pump();
        workers.serve();
    }
    CHECK(answered == count);
}

TEST_CASE("the loop looks for replies by itself and rests when none is outstanding") {
    boost::asio::io_context io;
    FakeWorkers workers(1);
    Mailroom room(io, workers.group);
    bool done = false;
    room.post(0, worker::SetDraining{true}, [&](worker::Reply&&) { done = true; });
    CHECK(run_until(
        io, [&] { return done; }, [&] { workers.serve(); }));
    io.restart();
    CHECK(io.run() == 0);  // no timer is left
}
