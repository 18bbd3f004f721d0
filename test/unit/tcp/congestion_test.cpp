#include "tcp/congestion.hpp"

#include <catch2/catch.hpp>

using terminus::tcp::initial_window;
using terminus::tcp::NewReno;

namespace {
constexpr std::uint32_t kMss = 1000;
NewReno begun(std::uint32_t window = 10 * kMss) {
    NewReno control;
    control.begin(window);
    return control;
}
}  // namespace

// RFC 6928 2.
TEST_CASE("the initial window is ten segments, fewer when they are large") {
    CHECK(initial_window(1000) == 10'000);
    CHECK(initial_window(1460) == 14'600);
    CHECK(initial_window(1461) == 14'600);
    CHECK(initial_window(7300) == 14'600);
    CHECK(initial_window(8948) == 2 * 8948);
}

// RFC 3465 2.2, HARDENING 24.
TEST_CASE("slow start grows by the bytes acknowledged, two segments an ACK at most") {
    auto control = begun();
    control.acknowledged(1, kMss);  // ACK division: one byte earns one byte
    CHECK(control.window() == 10'001);
    control.acknowledged(2 * kMss, kMss);
    CHECK(control.window() == 12'001);
    control.acknowledged(9 * kMss, kMss);
    CHECK(control.window() == 14'001);
}

// RFC 5681 3.1, RFC 3465 2.1 and 2.3.
TEST_CASE(
    "a time-out falls to one segment, slow-starts to half the flight and goes on by one segment a window") {
    auto control = begun(20 * kMss);
    control.timed_out(20 * kMss, kMss);
    CHECK(control.window() == kMss);
    CHECK(control.slow_start_threshold() == 10 * kMss);
    control.acknowledged(2 * kMss, kMss);
    CHECK(control.window() == 2 * kMss);  // L is 1 after a time-out
    for (int i = 0; i < 8; ++i)
        control.acknowledged(kMss, kMss);
    CHECK(control.window() == 10 * kMss);
    for (int i = 0; i < 9; ++i)
        control.acknowledged(kMss, kMss);
    CHECK(control.window() == 10 * kMss);
    control.acknowledged(kMss, kMss);
    CHECK(control.window() == 11 * kMss);
}

TEST_CASE("the threshold never falls below two segments") {
    auto control = begun();
    control.timed_out(kMss, kMss);
    CHECK(control.slow_start_threshold() == 2 * kMss);
}

// RFC 6582 3.2.
TEST_CASE("recovery halves, inflates by duplicates, deflates by partial ACKs and leaves at the threshold") {
    auto control = begun(20 * kMss);
    control.recovery_entered(20 * kMss, kMss);
    CHECK(control.slow_start_threshold() == 10 * kMss);
    CHECK(control.window() == 13 * kMss);
    control.duplicate_arrived(kMss);
    CHECK(control.window() == 14 * kMss);
    control.partially_acknowledged(3 * kMss, kMss);
    CHECK(control.window() == 12 * kMss);
    control.partially_acknowledged(kMss - 1, kMss);
    CHECK(control.window() == 11 * kMss + 1);
    control.recovery_left(4 * kMss, kMss);
    CHECK(control.window() == 5 * kMss);  // no burst when little is on the way
    auto busy = begun(20 * kMss);
    busy.recovery_entered(20 * kMss, kMss);
    busy.recovery_left(15 * kMss, kMss);
    CHECK(busy.window() == 10 * kMss);
}

TEST_CASE("invented duplicates don't inflate the window without end") {  // HARDENING 24
    auto control = begun(20 * kMss);
    control.recovery_entered(20 * kMss, kMss);
    for (int i = 0; i < 100'000; ++i)
        control.duplicate_arrived(kMss);
    CHECK(control.window() <= 43 * kMss);
}

TEST_CASE("no sequence of events brings the window to zero or over its bound") {
    auto control = begun();
    for (int i = 0; i < 10'000; ++i)
        control.acknowledged(UINT16_MAX, UINT16_MAX);
    for (int i = 0; i < 60'000; ++i)
        control.acknowledged(1u << 30, UINT16_MAX);
    CHECK(control.window() <= (1u << 30));
    control.partially_acknowledged(UINT32_MAX, kMss);
    CHECK(control.window() >= kMss);
}

// RFC 5681 4.1.
TEST_CASE("restarting after idleness only ever lowers the window") {
    auto control = begun(100 * kMss);
    control.restart_after_idle(10 * kMss);
    CHECK(control.window() == 10 * kMss);
    control.restart_after_idle(50 * kMss);
    CHECK(control.window() == 10 * kMss);
}
