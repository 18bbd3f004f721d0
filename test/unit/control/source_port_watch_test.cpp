#include "control/source_port_watch.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "control/metrics.hpp"
#include "control/support.hpp"

using namespace terminus;
using namespace terminus::test;
using control::SourcePortTrend;
using control::SourcePortWatch;
using namespace std::chrono_literals;

namespace {

constexpr base::Duration kTimeWait = 60s;

base::Instant at(base::Duration since) {
    return base::instant_from_ns(1'000'000'000'000) + since;
}

}  // namespace

TEST_CASE("ports that don't get fewer last for ever") {
    SourcePortTrend trend;
    trend.sample(at(0s), {.used = 100, .total = 1000}, kTimeWait);
    CHECK(trend.state().free == 900);
    CHECK(std::isinf(trend.state().seconds_left));
    trend.sample(at(1s), {.used = 100, .total = 1000}, kTimeWait);
    CHECK(std::isinf(trend.state().seconds_left));
    trend.sample(at(2s), {.used = 50, .total = 1000}, kTimeWait);
    CHECK(trend.state().free == 950);
    CHECK(std::isinf(trend.state().seconds_left));
}

TEST_CASE("a steady consumption of ports is told by the seconds that are left") {
    SourcePortTrend trend;
    std::uint32_t used = 0;
    for (int second = 0; second <= 100; ++second, used += 10)
        trend.sample(at(std::chrono::seconds(second)), {.used = used, .total = 2000}, kTimeWait);
    CHECK(trend.state().free == 1000);
    CHECK(trend.state().seconds_left == Approx(100).epsilon(0.01));  // 1000 ports at 10 a second
}

TEST_CASE("once the consumption has ended the ports last for ever again") {
    SourcePortTrend trend;
    trend.sample(at(0s), {.used = 0, .total = 1000}, kTimeWait);
    trend.sample(at(1s), {.used = 500, .total = 1000}, kTimeWait);
    CHECK(trend.state().seconds_left < 60);
    for (int second = 2; second < 120; ++second)
        trend.sample(at(std::chrono::seconds(second)), {.used = 500, .total = 1000}, kTimeWait);
    CHECK(std::isinf(trend.state().seconds_left));
}

TEST_CASE("a port that is given back to a TIME_WAIT is free after the length of one, and not before") {
    SourcePortTrend trend;
    trend.sample(at(0s), {.used = 10, .total = 100, .waited = 0}, kTimeWait);
    trend.sample(at(1s), {.used = 0, .total = 100, .waited = 10}, kTimeWait);
    CHECK(trend.state().used == 0);
    CHECK(trend.state().time_wait == 10);
    CHECK(trend.state().free == 90);
    trend.sample(at(60s), {.used = 0, .total = 100, .waited = 13}, kTimeWait);
    CHECK(trend.state().time_wait == 13);
    trend.sample(at(61s), {.used = 0, .total = 100, .waited = 13}, kTimeWait);
    CHECK(trend.state().time_wait == 3);
    trend.sample(at(120s), {.used = 0, .total = 100, .waited = 13}, kTimeWait);
    CHECK(trend.state().time_wait == 0);
    CHECK(trend.state().free == 100);
}

TEST_CASE("a move from use to TIME_WAIT consumes nothing, and what is taken never exceeds what there is") {
    SourcePortTrend trend;
    trend.sample(at(0s), {.used = 80, .total = 100, .waited = 0}, kTimeWait);
    trend.sample(at(1s), {.used = 40, .total = 100, .waited = 40}, kTimeWait);
    CHECK(trend.state().free == 20);
    CHECK(std::isinf(trend.state().seconds_left));
    trend.sample(at(2s), {.used = 40, .total = 100, .waited = 400}, kTimeWait);  // tw_reuse: more than ports
    CHECK(trend.state().time_wait == 60);
    CHECK(trend.state().free == 0);
    CHECK(trend.state().seconds_left == 0);
}

TEST_CASE("the first sample takes all that went to TIME_WAIT before for still waiting") {
    SourcePortTrend trend;
    trend.sample(at(0s), {.used = 0, .total = 100, .waited = 7}, kTimeWait);
    CHECK(trend.state().time_wait == 7);
    trend.sample(at(60s), {.used = 0, .total = 100, .waited = 7}, kTimeWait);
    CHECK(trend.state().time_wait == 0);
}

TEST_CASE("the configured backends' ports are told by worker, as metrics") {
    const TempDirectory directory;
    boost::asio::io_context io;
    FakeWorkers workers(2);
    control::Mailroom mailroom(io, workers.group);
    control::Runtime runtime(mailroom, config_of(config_text(directory.path())));
    SourcePortWatch watch(mailroom, runtime);
    CHECK(watch.readings().empty());

    const proxy::BackendId web = runtime.services().pools()[0].backends[0].id;
    const proxy::BackendId removed = 999;
    worker::SourcePortPage page;
    page.done = true;
    page.rows = {{web, {.used = 1, .total = 11, .waited = 0}},
                 {removed, {.used = 5, .total = 10, .waited = 0}}};
    watch.arrived(1, page, at(0s));
    page.rows[0].use.used = 6;
    watch.arrived(1, page, at(1s));
    const auto readings = watch.readings();
    REQUIRE(readings.size() == 1);
    CHECK(readings[0].worker == 1);
    CHECK(readings[0].ports.free == 5);

    const control::ProcessFacts facts;
    const control::Metrics metrics(workers.group, runtime.config(), facts, &watch);
    const std::string text = control::to_text(metrics.Collect());
    CHECK(text.find("terminus_backend_source_ports{pool=\"web\",backend=\"192.0.2.10:80\",worker=\"1\",state="
                    "\"used\"} 6\n") != std::string::npos);
    CHECK(text.find("terminus_backend_source_ports_exhaustion_seconds{pool=\"web\",backend=\"192.0.2.10:80\","
                    "worker=\"1\"} ") != std::string::npos);
    CHECK(text.find("backend=\"192.0.2.10:80\",worker=\"0\",state=") == std::string::npos);
}

TEST_CASE("all workers are asked, and again only when all have answered") {
    const TempDirectory directory;
    boost::asio::io_context io;
    FakeWorkers workers(2);
    control::Mailroom mailroom(io, workers.group);
    control::Runtime runtime(mailroom, config_of(config_text(directory.path())));
    SourcePortWatch watch(mailroom, runtime);
    watch.sample();
    CHECK(mailroom.outstanding() == 2);
    workers.serve(0);
    mailroom.pump();
    watch.sample();
    CHECK(mailroom.outstanding() == 1);
    workers.serve(1);
    mailroom.pump();
    watch.sample();
    CHECK(mailroom.outstanding() == 2);
}
