#include "tcp/cubic.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "control_bench.hpp"
#include "tcp/reno.hpp"

using namespace terminus::tcp;
using namespace std::chrono_literals;
using terminus::base::Instant;

namespace {

using Bench = ControlBench<Cubic>;
constexpr std::uint32_t kMss = Bench::kMss;

double seconds(terminus::base::Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

/// In congestion avoidance after a loss at `segments`; W_max is that, the window seven tenths.
Bench after_loss_at(std::uint32_t segments, terminus::base::Duration rtt) {
    Bench bench(segments * kMss);
    bench.rtt = rtt;
    bench.lose();
    REQUIRE(bench.control.window() == segments * kMss * 7 / 10);
    REQUIRE(bench.control.slow_start_threshold() == segments * kMss * 7 / 10);
    return bench;
}

}  // namespace

// RFC 9438 4.2, 4.4 and 4.5.
TEST_CASE("Cubic's window follows the curve back to where it was lost, over it, and beyond") {
    constexpr double kLost = 1000;  // segments
    Bench bench = after_loss_at(1000, 100ms);
    const Instant epoch = bench.now + 100ms / 700;  // the first ACK
    const double k = std::cbrt(kLost * 0.3 / 0.4);
    CHECK(k == Approx(9.086).margin(0.001));
    for (int i = 0; i < 180; ++i) {
        bench.round();
        const double t = seconds(bench.now - epoch) - k;
        const double expected = kLost + 0.4 * t * t * t;
        CAPTURE(t, expected);
        // The window is on its way to the curve's value of a round trip later.
        const double slope = 0.4 * 3 * t * t * 0.1;
        REQUIRE(bench.control.window() / double(kMss) > expected - 2 - slope * 0.2);
        REQUIRE(bench.control.window() / double(kMss) < expected + 2 + slope);
    }
}

// RFC 9438 4.2: growth is at most half the window a round trip.
TEST_CASE("far below its curve Cubic grows by half its window a round") {
    Bench bench = after_loss_at(100, 100ms);
    bench.now += 300s;  // silence, but not for want of data: the curve is far above
    const std::uint32_t before = bench.control.window();
    bench.acknowledge(kMss);  // the epoch begins
    bench.now += 300s;
    bench.acknowledge(before);  // a whole window at once
    CHECK(bench.control.window() <= before + before / 2 + kMss);
    CHECK(bench.control.window() > before + before / 3);
}

// RFC 9438 4.3: alpha is 9/17 up to cwnd_prior and 1 beyond.
TEST_CASE("where windows are small Cubic grows as Reno would") {
    Bench bench = after_loss_at(20, 10ms);
    int rounds = 0;
    while (bench.control.window() < 20 * kMss) {
        bench.round();
        ++rounds;
    }
    CHECK(rounds >= 11);  // 6 segments at 9/17 a round
    CHECK(rounds <= 13);
    for (int i = 0; i < 10; ++i)
        bench.round();
    CHECK(bench.control.window() >= 29 * kMss);
    CHECK(bench.control.window() <= 31 * kMss);
}

// RFC 9438 4.6.
TEST_CASE("a loss and a mark leave Cubic seven tenths, and the window to PRR") {
    Bench bench(100 * kMss);
    SECTION("loss") {
        bench.control.loss_detected(bench.event());
    }
    SECTION("mark") {
        bench.control.congestion_marked(bench.event());
    }
    CHECK(bench.control.slow_start_threshold() == 70 * kMss);
    CHECK(bench.control.window() == 100 * kMss);
}

// RFC 9438 4.6.
TEST_CASE("Cubic's threshold is seven tenths of what was outstanding, two segments at least") {
    Bench bench(100 * kMss);
    LossEvent event = bench.event();
    event.in_flight = 50 * kMss;
    bench.control.loss_detected(event);
    CHECK(bench.control.slow_start_threshold() == 35 * kMss);
    bench.control.recovery_left(bench.now);
    event.in_flight = 2 * kMss;
    bench.control.loss_detected(event);
    CHECK(bench.control.slow_start_threshold() == 2 * kMss);
}

// RFC 9438 4.7.
TEST_CASE("a loss below the last one flattens Cubic's curve earlier: fast convergence") {
    Bench lower = after_loss_at(1000, 100ms);
    lower.lose();  // at 700: the plateau is to be at 595
    CHECK(lower.control.window() == 490 * kMss);
    const double k = std::cbrt((595.0 - 490.0) / 0.4);
    const Instant epoch = lower.now;
    while (lower.now < epoch + std::chrono::milliseconds(static_cast<int>(k * 1000)))
        lower.round();
    CHECK(lower.control.window() / double(kMss) == Approx(595).margin(3));
}

// RFC 9438 4.8.
TEST_CASE("after a time-out Cubic slow-starts to seven tenths and takes its curve from its flat part there") {
    Bench bench(1000 * kMss);
    bench.rtt = 100ms;
    bench.control.timed_out(bench.event());
    CHECK(bench.control.window() == kMss);
    CHECK(bench.control.slow_start_threshold() == 700 * kMss);
    bench.control.recovery_left(bench.now);
    for (int i = 0; i < 10; ++i)
        bench.round();
    CHECK(bench.control.window() >= 700 * kMss);
    CHECK(bench.control.window() < 705 * kMss);
    const Instant epoch = bench.now;
    for (int i = 0; i < 50; ++i)
        bench.round();
    const double t = seconds(bench.now - epoch);
    CHECK(bench.control.window() / double(kMss) == Approx(700 + 0.4 * t * t * t).epsilon(0.03));
}

// RFC 3465 2.3.
TEST_CASE("while a time-out is repaired an ACK brings Cubic one segment at most") {
    Bench bench(100 * kMss);
    bench.control.timed_out(bench.event());
    bench.acknowledge(50 * kMss);
    CHECK(bench.control.window() == 2 * kMss);
    bench.control.recovery_left(bench.now);
    bench.acknowledge(8 * kMss);
    CHECK(bench.control.window() == 10 * kMss);
}

// RFC 9438 4.10, RFC 9406 4.2.
TEST_CASE("Cubic's first slow start doubles, slows when round trips grow, and ends without a loss") {
    Bench bench;
    bench.rtt = 40ms;
    bench.round();
    CHECK(bench.control.window() == 20 * kMss);
    bench.round();
    CHECK(bench.control.window() == 40 * kMss);
    bench.rtt = 60ms;
    for (int i = 0; i < 7; ++i)
        bench.round();
    const std::uint32_t threshold = bench.control.slow_start_threshold();
    CHECK(threshold < 40 * kMss * 5);
    CHECK(bench.control.window() >= threshold);
    CHECK(bench.control.window() < threshold + 4 * kMss);
}

// RFC 9406 4.2 and 4.3: L is 8 without pacing. HARDENING 24.
TEST_CASE("Cubic's slow start counts bytes, eight segments an ACK at most") {
    Bench bench;
    bench.acknowledge(1);
    CHECK(bench.control.window() == 10 * kMss + 1);
    bench.acknowledge(8 * kMss);
    CHECK(bench.control.window() == 18 * kMss + 1);
    bench.acknowledge(100 * kMss);
    CHECK(bench.control.window() == 26 * kMss + 1);
}

// HARDENING 24.
TEST_CASE("an ACK cut into many grows Cubic's window no more than the whole") {
    for (const std::uint32_t segments : {20u, 1000u}) {
        Bench whole = after_loss_at(segments, 100ms);
        Bench cut = after_loss_at(segments, 100ms);
        for (int i = 0; i < 2000; ++i) {
            whole.now += 1ms;
            cut.now += 1ms;
            whole.acknowledge(kMss);
            for (int part = 0; part < 10; ++part)
                cut.acknowledge(kMss / 10);
        }
        CHECK(std::abs(double(cut.control.window()) - whole.control.window()) <= kMss);
    }
}

// HARDENING 24.
TEST_CASE("duplicate ACKs, selective ones and one for everything at once gain nothing from Cubic") {
    Bench bench = after_loss_at(100, 100ms);
    bench.acknowledge(kMss);
    const std::uint32_t before = bench.control.window();
    AckSample selective = bench.sample(2 * kMss);
    selective.acked = 0;
    for (int i = 0; i < 1000; ++i)
        bench.control.acknowledged(selective);
    CHECK(bench.control.window() == before);
    bench.acknowledge(UINT32_MAX / 2);  // a window's worth at most
    CHECK(bench.control.window() <= before + 10 * kMss);
}

// RFC 9438 4.2 and 5.8, RFC 7661 4.4.
TEST_CASE("time in which the window isn't used doesn't move Cubic along its curve") {
    Bench busy = after_loss_at(1000, 100ms);
    Bench paused = busy;
    for (int i = 0; i < 30; ++i) {
        busy.round();
        paused.round();
    }
    const std::uint32_t before = paused.control.window();
    SECTION("the application has little to send") {
        for (int i = 0; i < 600; ++i) {
            paused.now += 100ms;
            AckSample sample = paused.sample(kMss);
            sample.window_limited = false;
            paused.control.acknowledged(sample);
        }
    }
    SECTION("or nothing, and the window stays") {
        paused.now += 60s;
        paused.control.restart_after_idle(2000 * kMss, 60s);
    }
    CHECK(paused.control.window() == before);
    for (int i = 0; i < 10; ++i) {
        busy.round();
        paused.round();
    }
    CHECK(std::abs(double(paused.control.window()) - busy.control.window()) < 2 * kMss);
}

// RFC 5681 4.1.
TEST_CASE("after an idle time Cubic slow-starts from the restart window and then begins a new stage") {
    Bench bench = after_loss_at(1000, 100ms);
    for (int i = 0; i < 30; ++i)
        bench.round();
    const std::uint32_t before = bench.control.window();
    bench.now += 60s;
    bench.control.restart_after_idle(10 * kMss, 60s);
    CHECK(bench.control.window() == 10 * kMss);
    CHECK(bench.control.slow_start_threshold() >= before * 3 / 4);
    while (bench.control.window() < bench.control.slow_start_threshold())
        bench.round();
    const std::uint32_t entered = bench.control.window();
    for (int i = 0; i < 5; ++i)
        bench.round();
    CHECK(bench.control.window() > entered);
    CHECK(bench.control.window() < 1000 * kMss);  // not 60 s along the curve
}

// RFC 9438 4.9.2.
TEST_CASE("a reduction undone leaves Cubic on its curve as if it hadn't been") {
    Bench bench = after_loss_at(1000, 100ms);
    for (int i = 0; i < 40; ++i)
        bench.round();
    Bench undone = bench;
    undone.control.loss_detected(undone.event());
    undone.control.set_window(undone.control.slow_start_threshold());
    SECTION("a loss") {}
    SECTION("a loss and the time-out after it") {
        undone.control.timed_out(undone.event());
    }
    SECTION("after the recovery was left") {
        undone.control.recovery_left(undone.now);
    }
    undone.control.undone(undone.now);
    undone.control.recovery_left(undone.now);
    CHECK(undone.control.window() == bench.control.window());
    CHECK(undone.control.slow_start_threshold() == bench.control.slow_start_threshold());
    for (int i = 0; i < 80; ++i) {
        bench.round();
        undone.round();
        REQUIRE(std::abs(double(undone.control.window()) - bench.control.window()) < 2 * kMss);
    }
}

// RFC 9438 4.9.2.
TEST_CASE("Cubic undoes once, and not when its window has outgrown the old one") {
    Bench bench = after_loss_at(100, 100ms);
    bench.lose();
    bench.control.set_window(90 * kMss);
    bench.control.undone(bench.now);
    CHECK(bench.control.window() == 90 * kMss);
    bench.lose();
    const std::uint32_t lost_at = 90 * kMss;
    bench.control.undone(bench.now);
    CHECK(bench.control.window() == lost_at);
    bench.control.set_window(10 * kMss);
    bench.control.undone(bench.now);
    CHECK(bench.control.window() == 10 * kMss);
}

TEST_CASE("a spurious loss in the first slow start lets Cubic's slow start go on") {
    Bench bench(40 * kMss);
    bench.control.loss_detected(bench.event());
    bench.control.set_window(bench.control.slow_start_threshold());
    bench.control.undone(bench.now);
    CHECK(bench.control.slow_start_threshold() == kCongestionWindowMax);
    bench.round();
    CHECK(bench.control.window() == 80 * kMss);
    bench.round();
    bench.rtt = 80ms;
    for (int i = 0; i < 8; ++i)
        bench.round();
    CHECK(bench.control.slow_start_threshold() < kCongestionWindowMax);  // HyStart++ still watches
}

TEST_CASE("Cubic's window stays below 2^30 whatever is acknowledged, and whenever") {
    Bench bench(kCongestionWindowMax - 1);
    bench.control.loss_detected(bench.event());
    bench.control.set_window(kCongestionWindowMax - 1);
    bench.control.recovery_left(bench.now);
    for (int i = 0; i < 100; ++i) {
        bench.now += 1h;
        bench.acknowledge(UINT32_MAX);
        CHECK(bench.control.window() <= kCongestionWindowMax);
    }
}
