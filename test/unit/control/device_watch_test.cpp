#include "control/device_watch.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>
#include <sstream>

#include "control/support.hpp"

using namespace terminus;
using namespace terminus::test;
using control::DeviceWatch;
using Numbers = std::vector<std::uint16_t>;
using Lines = std::vector<std::string>;

namespace {

/// What is logged while this lives.
class Logged {
 public:
    Logged() : before_(spdlog::default_logger()) {
        spdlog::set_default_logger(
            std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(out_)));
        spdlog::set_pattern("%l: %v");
    }
    ~Logged() { spdlog::set_default_logger(before_); }
    Logged(const Logged&) = delete;
    Logged& operator=(const Logged&) = delete;
    [[nodiscard]] std::string text() const { return out_.str(); }
    [[nodiscard]] bool has(const std::string& text) const {
        return out_.str().find(text) != std::string::npos;
    }

 private:
    std::ostringstream out_;
    std::shared_ptr<spdlog::logger> before_;
};

std::vector<config::Port> two_ports() {
    config::Port front, back;
    front.name = "front";
    front.device = "0000:01:00.0";
    back.name = "back";
    back.device = "net_tap1,iface=back0";
    return {front, back};
}

struct Setup {
    Setup() {
        watch.attach({.asked_for = [this] { return std::exchange(asked_for, {}); },
                      .remove = [this](std::uint16_t port) -> base::Result<void, std::string> {
                          removed.push_back(port);
                          if (!fault.empty()) return base::Failure{fault};
                          return {};
                      }});
    }
    void ask_for(Numbers ports) {
        asked_for = std::move(ports);
        watch.look();
    }
    void answer() {
        workers.serve();
        mailroom.pump();
    }

    Logged logged;
    boost::asio::io_context io;
    FakeWorkers workers{2};
    control::Mailroom mailroom{io, workers.group};
    int lost = 0;
    DeviceWatch watch{io, mailroom, two_ports(), [this] { ++lost; }};
    Numbers asked_for, removed;
    std::string fault;
};

}  // namespace

TEST_CASE("a device is closed when all workers have given its port up, and only then") {
    Setup s;
    CHECK(s.watch.has_all());
    s.ask_for({0});
    CHECK(s.lost == 1);
    CHECK_FALSE(s.watch.has_all());
    s.workers.serve(1);
    s.mailroom.pump();
    CHECK(s.removed.empty());
    s.workers.serve(0);
    s.mailroom.pump();
    CHECK(s.removed == Numbers{0});
    CHECK(s.workers.log == Lines{"1 port 0", "0 port 0"});
}

TEST_CASE("the operator is told which port and device go, why, what goes on, and what to do") {
    Setup s;
    s.ask_for({0});
    CHECK(s.logged.has("error: port front: the kernel wants its device 0000:01:00.0 back"));
    CHECK(s.logged.has("what goes on: port back;"));
    CHECK(s.logged.has("restart terminusd"));
    CHECK_FALSE(s.logged.has("is given back"));
    s.answer();
    CHECK(s.logged.has("info: port front: device 0000:01:00.0 is given back to the kernel"));
    s.ask_for({1});
    CHECK(s.logged.has("error: port back: the kernel wants its device net_tap1 back"));
    CHECK(s.logged.has("no port is left"));
}

TEST_CASE("what the kernel asks again for is given up once, and said to be under way") {
    Setup s;
    s.ask_for({1});
    s.ask_for({1});
    CHECK(s.logged.has("warning: port back: the kernel still waits for device net_tap1"));
    s.answer();
    s.ask_for({1});
    s.answer();
    CHECK(s.removed == Numbers{1});
    CHECK(s.lost == 1);
    CHECK(s.workers.log == Lines{"0 port 1", "1 port 1"});
}

TEST_CASE("a device that can't be closed is said, and its port is gone all the same") {
    Setup s;
    s.fault = "device 0000:01:00.0 (net_x) can't be taken off its bus: Device or resource busy";
    s.ask_for({0});
    s.answer();
    CHECK(s.logged.has("error: port front: device 0000:01:00.0 (net_x) can't be taken off its bus"));
    CHECK_FALSE(s.logged.has("is given back"));
    CHECK_FALSE(s.watch.has_all());
}

TEST_CASE("it looks by itself while it is started") {
    Setup s;
    s.watch.start();
    s.asked_for = {1};
    REQUIRE(run_until(
        s.io, [&] { return !s.removed.empty(); }, [&] { s.workers.serve(); }));
    CHECK(s.removed == Numbers{1});
    s.watch.stop();
    s.asked_for = {0};
    s.io.restart();
    s.io.run();  // nothing is left to wait for
    CHECK(s.asked_for == Numbers{0});
}
