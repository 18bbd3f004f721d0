#include "control/supervisor.hpp"

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>

#include "control/support.hpp"

using namespace terminus;
using namespace terminus::test;
using namespace std::chrono_literals;
using Phase = control::Drain::Phase;

namespace {

struct Setup {
    explicit Setup(const std::string& more = "") : text(config_text(dir.path(), more)), supervisor(make()) {
        REQUIRE(supervisor->start().ok());
    }
    std::unique_ptr<control::Supervisor> make() {
        write(text);
        return std::make_unique<control::Supervisor>(workers.group, config_of(text),
                                                     control::Supervisor::Options{file, "1.2.3"});
    }
    void write(const std::string& content) const { std::ofstream(file) << content; }
    bool until(const std::function<bool()>& done) {
        return run_until(supervisor->io(), done, [&] { workers.serve(); });
    }

    TempDirectory dir;
    std::string file = dir.file("terminus.yaml");
    std::string text;
    FakeWorkers workers{2};
    std::unique_ptr<control::Supervisor> supervisor;
};

}  // namespace

TEST_CASE("the process is ready when all workers have answered") {
    Setup s;
    CHECK_FALSE(s.supervisor->ready());
    CHECK(s.until([&] { return s.supervisor->ready(); }));
    CHECK(s.workers.services[1] == &s.supervisor->runtime().services());
}

TEST_CASE("SIGTERM makes it not ready at once, drains and ends with 0") {
    Setup s("drain: {delay: 0s, grace: 0s}\n");
    REQUIRE(s.until([&] { return s.supervisor->ready(); }));
    ::raise(SIGTERM);
    REQUIRE(s.until([&] { return !s.supervisor->ready(); }));
    REQUIRE(s.until([&] { return s.supervisor->drain().phase() == Phase::Stopped; }));
    CHECK(s.supervisor->run() == 0);
    CHECK_FALSE(std::filesystem::exists(s.dir.file("admin.sock")));
    CHECK(s.workers.log.back() == "1 stop");
}

TEST_CASE("a second SIGTERM shortens the delay and a third the grace") {
    Setup s("drain: {delay: 1h, grace: 1h}\n");
    s.workers.group.mailbox(0).stats().leg(stats::Leg::Client).connections[4].set(1);
    REQUIRE(s.until([&] { return s.supervisor->ready(); }));
    s.supervisor->terminate();
    CHECK_FALSE(s.supervisor->ready());
    CHECK(s.supervisor->drain().phase() == Phase::Announced);
    ::raise(SIGTERM);
    REQUIRE(s.until([&] { return s.supervisor->drain().phase() == Phase::Refusing; }));
    ::raise(SIGINT);
    REQUIRE(s.until([&] { return s.supervisor->drain().phase() == Phase::Stopped; }));
}

TEST_CASE("SIGHUP brings a changed file into force") {
    Setup s;
    REQUIRE(s.until([&] { return s.supervisor->ready(); }));
    s.write(s.text + "tcp: {fin_timeout: 20s}\n");
    ::raise(SIGHUP);
    CHECK(s.until([&] { return s.workers.tunables[1].fin_timeout == 20s; }));
    CHECK(s.supervisor->ready());
}

TEST_CASE(
    "a device that is asked for ends being ready; reloads are taken and SIGTERM ends with 0 all the same") {
    Setup s("drain: {delay: 0s, grace: 0s}\n");
    std::vector<std::uint16_t> asked_for, removed;
    s.supervisor->devices().attach({.asked_for = [&] { return std::exchange(asked_for, {}); },
                                    .remove =
                                        [&](std::uint16_t port) {
                                            removed.push_back(port);
                                            return base::Result<void, std::string>();
                                        }});
    REQUIRE(s.until([&] { return s.supervisor->ready(); }));
    asked_for = {0};
    REQUIRE(s.until([&] { return removed.size() == 1; }));
    CHECK(removed.front() == 0);
    CHECK_FALSE(s.supervisor->ready());
    s.write(s.text + "tcp: {fin_timeout: 20s}\n");
    s.supervisor->reload();
    REQUIRE(s.until([&] { return s.workers.tunables[1].fin_timeout == 20s; }));
    CHECK_FALSE(s.supervisor->ready());
    s.supervisor->terminate();
    REQUIRE(s.until([&] { return s.supervisor->drain().phase() == Phase::Stopped; }));
    CHECK(s.supervisor->run() == 0);
}

TEST_CASE("a device that is asked for before the workers are up keeps it from becoming ready") {
    Setup s;
    std::vector<std::uint16_t> asked_for{0};
    bool is_removed = false;
    s.supervisor->devices().attach({.asked_for = [&] { return std::exchange(asked_for, {}); },
                                    .remove =
                                        [&](std::uint16_t) {
                                            is_removed = true;
                                            return base::Result<void, std::string>();
                                        }});
    s.supervisor->devices().look();
    REQUIRE(s.until([&] { return is_removed; }));
    CHECK(s.workers.services[1] == &s.supervisor->runtime().services());
    CHECK_FALSE(s.supervisor->ready());
}

TEST_CASE("a faulty or missing file changes nothing") {
    Setup s;
    REQUIRE(s.until([&] { return s.supervisor->ready(); }));
    const std::size_t commands = s.workers.log.size();
    s.write(s.text + "tcp: {fin_timeout: 20s, sakc: 1}\n");
    s.supervisor->reload();
    std::filesystem::remove(s.file);
    s.supervisor->reload();
    s.workers.serve();
    CHECK(s.workers.log.size() == commands);
    CHECK(s.supervisor->runtime().config().tcp.fin_timeout == 60s);
    CHECK(s.supervisor->ready());
}

TEST_CASE("a reload during a drain is refused") {
    Setup s("drain: {delay: 1h, grace: 1h}\n");
    REQUIRE(s.until([&] { return s.supervisor->ready(); }));
    s.supervisor->terminate();
    s.write(s.text + "tcp: {fin_timeout: 20s}\n");
    s.supervisor->reload();
    CHECK(s.supervisor->runtime().config().tcp.fin_timeout == 60s);
}

TEST_CASE("told to end before the workers are up it never becomes ready") {
    Setup s("drain: {delay: 1h, grace: 1h}\n");
    s.supervisor->terminate();
    REQUIRE(s.until([&] { return s.workers.log.size() == 4; }));
    CHECK_FALSE(s.supervisor->ready());
}

TEST_CASE("an admin socket that can't be had is an error at start") {
    Setup s;
    worker::Group group(1);
    control::Supervisor second(group, config_of(s.text), {s.file, "1"});
    const auto started = second.start();
    REQUIRE_FALSE(started.ok());
    CHECK(started.error().find("another daemon answers on") != std::string::npos);
}
