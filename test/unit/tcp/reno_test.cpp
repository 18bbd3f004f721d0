#include "tcp/reno.hpp"

#include <catch2/catch.hpp>

#include "control_bench.hpp"
#include "link_model.hpp"

using namespace terminus::tcp;
using namespace std::chrono_literals;
using terminus::base::Instant;

namespace {

using Bench = ControlBench<Reno>;
constexpr std::uint32_t kMss = Bench::kMss;

/// In congestion avoidance with a window of `segments`.
Bench avoiding(std::uint32_t segments) {
    Bench bench(2 * segments * kMss);
    bench.lose();
    REQUIRE(bench.control.window() == segments * kMss);
    REQUIRE(bench.control.slow_start_threshold() == segments * kMss);
    return bench;
}

}  // namespace

// RFC 5681 3.1, RFC 3465 2.2.
// RFC 9293 3.8.2, MUST-19: slow start.
TEST_CASE("Reno doubles its window each round of slow start") {
    Bench bench;
    bench.round();
    CHECK(bench.control.window() == 20 * kMss);
    bench.round();
    CHECK(bench.control.window() == 40 * kMss);
}

// RFC 3465 2.2, HARDENING 24.
TEST_CASE("Reno's slow start grows by the bytes acknowledged, two segments an ACK at most") {
    Bench bench;
    bench.acknowledge(1);
    CHECK(bench.control.window() == 10 * kMss + 1);
    bench.acknowledge(2 * kMss);
    CHECK(bench.control.window() == 12 * kMss + 1);
    bench.acknowledge(9 * kMss);
    CHECK(bench.control.window() == 14 * kMss + 1);
}

// HARDENING 24: as many ACKs as bytes bring no more than one ACK.
TEST_CASE("an ACK cut into many grows Reno's window no more than the whole") {
    Bench whole = avoiding(10);
    Bench cut = avoiding(10);
    for (int i = 0; i < 10; ++i) {
        whole.acknowledge(kMss);
        for (std::uint32_t byte = 0; byte < kMss; ++byte)
            cut.acknowledge(1);
    }
    CHECK(whole.control.window() == 11 * kMss);
    CHECK(cut.control.window() == 11 * kMss);
}

// HARDENING 24: duplicates acknowledge nothing, and what only SACK claims counts when it is acknowledged.
TEST_CASE("duplicate ACKs and selective ones leave Reno's window alone") {
    Bench bench;
    AckSample duplicate = bench.sample(0);
    for (int i = 0; i < 1000; ++i)
        bench.control.acknowledged(duplicate);
    CHECK(bench.control.window() == 10 * kMss);
    AckSample selective = bench.sample(2 * kMss);
    selective.acked = 0;
    bench.control.acknowledged(selective);
    CHECK(bench.control.window() == 10 * kMss);
}

// HARDENING 24: an optimistic ACK for a whole flight at once.
TEST_CASE("an ACK for everything grows Reno's window by one segment in congestion avoidance") {
    Bench bench = avoiding(10);
    bench.acknowledge(1000 * kMss);
    CHECK(bench.control.window() == 11 * kMss);
}

// RFC 3465 2.1.
// RFC 9293 3.8.2, MUST-19: congestion avoidance.
TEST_CASE("Reno adds one segment for each window acknowledged in congestion avoidance") {
    Bench bench = avoiding(10);
    for (int i = 0; i < 9; ++i)
        bench.acknowledge(kMss);
    CHECK(bench.control.window() == 10 * kMss);
    bench.acknowledge(kMss);
    CHECK(bench.control.window() == 11 * kMss);
    for (int i = 0; i < 10; ++i)
        bench.acknowledge(kMss);
    CHECK(bench.control.window() == 11 * kMss);
    bench.acknowledge(kMss);
    CHECK(bench.control.window() == 12 * kMss);
}

// RFC 7661 4.4.
TEST_CASE("Reno's window doesn't grow while it isn't what limits sending") {
    Bench bench;
    AckSample sample = bench.sample(kMss);
    sample.window_limited = false;
    bench.control.acknowledged(sample);
    CHECK(bench.control.window() == 10 * kMss);
    bench = avoiding(10);
    for (int i = 0; i < 100; ++i) {
        sample = bench.sample(kMss);
        sample.window_limited = false;
        bench.control.acknowledged(sample);
    }
    CHECK(bench.control.window() == 10 * kMss);
}

// RFC 5681 3.1 (4), RFC 3168 6.1.2.
TEST_CASE("a loss and a mark halve Reno's threshold and leave the window to PRR") {
    Bench bench(20 * kMss);
    SECTION("loss") {
        bench.control.loss_detected(bench.event());
    }
    SECTION("mark") {
        bench.control.congestion_marked(bench.event());
    }
    CHECK(bench.control.slow_start_threshold() == 10 * kMss);
    CHECK(bench.control.window() == 20 * kMss);
}

// RFC 5681 3.1 (4).
TEST_CASE("Reno's threshold is half of what was outstanding, two segments at least") {
    Bench bench(20 * kMss);
    LossEvent event = bench.event();
    event.in_flight = 12 * kMss;
    bench.control.loss_detected(event);
    CHECK(bench.control.slow_start_threshold() == 6 * kMss);
    event.in_flight = kMss;
    bench.control.timed_out(event);
    CHECK(bench.control.slow_start_threshold() == 2 * kMss);
}

// RFC 5681 3.1, RFC 3465 2.3.
// RFC 9293 3.8.2, MUST-19: slow start after a time-out.
TEST_CASE("after a time-out Reno starts from one segment, by one an ACK until the repair is over") {
    Bench bench(20 * kMss);
    bench.control.timed_out(bench.event());
    CHECK(bench.control.window() == kMss);
    CHECK(bench.control.slow_start_threshold() == 10 * kMss);
    bench.acknowledge(15 * kMss);
    CHECK(bench.control.window() == 2 * kMss);
    bench.control.recovery_left(bench.now);
    bench.acknowledge(2 * kMss);
    CHECK(bench.control.window() == 4 * kMss);
}

TEST_CASE("Reno's slow start ends at the threshold and what is left counts on") {
    Bench bench(20 * kMss);
    bench.control.timed_out(bench.event());
    bench.control.recovery_left(bench.now);
    for (int i = 0; i < 8; ++i)
        bench.acknowledge(kMss);
    CHECK(bench.control.window() == 9 * kMss);
    bench.acknowledge(2 * kMss);
    CHECK(bench.control.window() == 10 * kMss);
    for (int i = 0; i < 8; ++i)
        bench.acknowledge(kMss);
    CHECK(bench.control.window() == 10 * kMss);
    bench.acknowledge(kMss);
    CHECK(bench.control.window() == 11 * kMss);
}

// RFC 4015 3.4: the response to a spurious reduction.
TEST_CASE("an undone reduction gives Reno window and threshold back, once") {
    Bench bench = avoiding(20);
    bench.control.loss_detected(bench.event());
    bench.control.set_window(12 * kMss);
    SECTION("of a loss") {}
    SECTION("of a loss and the time-out after it") {
        bench.control.timed_out(bench.event());
    }
    SECTION("after the recovery was left") {
        bench.control.recovery_left(bench.now);
    }
    bench.control.undone(bench.now);
    CHECK(bench.control.window() == 20 * kMss);
    CHECK(bench.control.slow_start_threshold() == 20 * kMss);
    bench.control.set_window(5 * kMss);
    bench.control.undone(bench.now);
    CHECK(bench.control.window() == 5 * kMss);
}

TEST_CASE("undoing never takes anything from Reno") {
    Bench bench = avoiding(10);
    bench.control.loss_detected(bench.event());
    bench.control.recovery_left(bench.now);
    bench.control.set_window(30 * kMss);
    bench.control.undone(bench.now);
    CHECK(bench.control.window() == 30 * kMss);
}

// RFC 5681 4.1, RFC 2861 3.2.
TEST_CASE("after an idle time Reno starts again from the restart window, up to most of the old one") {
    Bench bench = avoiding(40);
    bench.control.restart_after_idle(10 * kMss, 5s);
    CHECK(bench.control.window() == 10 * kMss);
    CHECK(bench.control.slow_start_threshold() == 40 * kMss);
    bench.control.set_window(8 * kMss);
    bench.control.restart_after_idle(10 * kMss, 5s);
    CHECK(bench.control.window() == 8 * kMss);
}

TEST_CASE("Reno's window stays below 2^30 whatever is acknowledged") {
    Bench bench(kCongestionWindowMax - 1);
    for (int i = 0; i < 10; ++i)
        bench.acknowledge(UINT32_MAX);
    CHECK(bench.control.window() == kCongestionWindowMax);
    bench.control.set_window(UINT32_MAX);
    CHECK(bench.control.window() == kCongestionWindowMax);
}

TEST_CASE("Reno fills a link whose buffer holds a window, and comes back from each loss") {
    LinkModel<Reno> model({.rate = 1'250'000, .rtt = 40ms, .buffer = 50'000}, 1);
    auto& flow = model.add({});
    model.run(Instant{10s});
    const std::uint64_t before = flow.delivered;
    model.run(Instant{40s});
    CHECK(flow.delivered - before > 30 * 1'250'000ull * 95 / 100);
    CHECK(flow.recoveries > 5);
    CHECK(flow.timeouts == 0);
}

TEST_CASE("two Reno connections share a link alike") {
    LinkModel<Reno> model({.rate = 1'250'000, .rtt = 40ms, .buffer = 50'000}, 2);
    auto& first = model.add({});
    auto& second = model.add({}, Instant{5s});
    const auto [a, b] = delivered_between(model, first, second, Instant{20s}, Instant{80s});
    CHECK(a + b > 60 * 1'250'000ull * 9 / 10);
    CHECK(std::max(a, b) < 2 * std::min(a, b));
}
