#include "load/schedule.hpp"

#include <catch2/catch.hpp>

namespace terminus::load {
namespace {

constexpr base::Instant kStart = base::instant_from_ns(7);

TEST_CASE("a schedule is even, and exact after any number of seconds") {
    const std::uint64_t rate = GENERATE(1, 3, 1'000, 12'347);
    Schedule schedule(rate, kStart);
    REQUIRE(schedule.due() == kStart);
    base::Instant before = schedule.due();
    for (std::uint64_t i = 1; i <= 2 * rate; ++i) {
        schedule.advance();
        const base::Duration step = schedule.due() - before;
        const auto even = static_cast<std::int64_t>(1'000'000'000 / rate);
        if (step.count() < even || step.count() > even + 1) FAIL("uneven at " << i);
        before = schedule.due();
    }
    CHECK(schedule.due() == kStart + std::chrono::seconds(2));
}

}  // namespace
}  // namespace terminus::load
