#include "tcp/cubic_curve.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "tcp/congestion_control.hpp"

using namespace terminus::tcp;
using namespace std::chrono_literals;

namespace {
constexpr double kTicksPerSecond = 4096;
}

TEST_CASE("cube roots are exact on both sides of each cube") {
    for (std::uint64_t root :
         {1ull, 2ull, 3ull, 10ull, 1000ull, 65'535ull, 65'536ull, 1'048'576ull, 2'642'245ull}) {
        CAPTURE(root);
        CHECK(cubic_curve::cube_root(root * root * root) == root);
        CHECK(cubic_curve::cube_root(root * root * root - 1) == root - 1);
    }
    CHECK(cubic_curve::cube_root(0) == 0);
    CHECK(cubic_curve::cube_root(UINT64_MAX) == 2'642'245);
}

TEST_CASE("times become ticks of a quarter millisecond, within bounds") {
    CHECK(cubic_curve::ticks(0ns) == 0);
    CHECK(cubic_curve::ticks(-5s) == 0);
    CHECK(cubic_curve::ticks(1s) == 4096);
    CHECK(cubic_curve::ticks(250ms) == 1024);
    CHECK(cubic_curve::ticks(512s) == 1u << 21);
    CHECK(cubic_curve::ticks(24h * 365) == 1u << 21);
}

// RFC 9438 4.2: K = cbrt((W_max - cwnd_epoch) / C).
TEST_CASE("the time to climb is RFC 9438's K to a tick") {
    for (const std::uint32_t mss : {48u, 536u, 1448u, 8948u}) {
        for (const std::uint32_t deficit : {1u, 1000u, 50'000u, 3'000'000u, 100'000'000u}) {
            CAPTURE(mss, deficit);
            const double k = std::cbrt(double(deficit) / mss / 0.4) * kTicksPerSecond;
            CHECK(std::abs(cubic_curve::time_to_climb(deficit, mss) - k) <= 1.0);
        }
    }
    CHECK(cubic_curve::time_to_climb(0, 1448) == 0);
    CHECK(cubic_curve::time_to_climb(UINT32_MAX, 1) <= 1u << 20);
}

// RFC 9438 4.2: W_cubic(t) = C (t - K)^3 + W_max.
TEST_CASE("the curve is RFC 9438's to a tenth of a segment") {
    for (const std::uint32_t mss : {536u, 1448u, 8948u}) {
        const std::uint32_t w_max = 5000 * mss;
        const std::uint32_t k = cubic_curve::time_to_climb(w_max * 3 / 10, mss);
        for (std::uint32_t t = 0; t < 3 * k; t += 97) {
            const double seconds = (double(t) - k) / kTicksPerSecond;
            const double expected = 0.4 * seconds * seconds * seconds * mss + w_max;
            CAPTURE(mss, t, expected);
            REQUIRE(std::abs(cubic_curve::window(t, k, w_max, mss) - expected) < 0.1 * mss);
        }
    }
}

TEST_CASE("the curve stays between nothing and the largest window, and never falls") {
    std::uint32_t last = 0;
    for (std::uint32_t t = 0; t <= 1u << 21; t += 4096) {
        const std::uint32_t window = cubic_curve::window(t, 1u << 20, 1'000'000, 65'535);
        CHECK(window >= last);
        last = window;
    }
    CHECK(cubic_curve::window(0, 1u << 20, 1'000'000, 65'535) == 0);
    CHECK(last == kCongestionWindowMax);
}
