#include <catch2/catch.hpp>

#include "stats/core_stats.hpp"

using namespace terminus::stats;

TEST_CASE("a counter counts, and a gauge goes down again") {
    Counter counter;
    CHECK(counter.value() == 0);
    counter.add();
    counter.add(41);
    CHECK(counter.value() == 42);
    counter.subtract(2);
    CHECK(counter.value() == 40);
    counter.set(7);
    CHECK(counter.value() == 7);
}

TEST_CASE("each reason has a counter of its own") {
    CoreStats stats;
    stats.drops[DropReason::TcpChecksum].add();
    stats.leg(Leg::Backend).closes[CloseReason::Normal].add(3);
    for (std::size_t i = 0; i < stats.drops.size(); ++i) {
        const auto reason = static_cast<DropReason>(i);
        CHECK(stats.drops[reason].value() == (reason == DropReason::TcpChecksum ? 1 : 0));
    }
    CHECK(stats.leg(Leg::Backend).closes[CloseReason::Normal].value() == 3);
    CHECK(stats.leg(Leg::Client).closes[CloseReason::Normal].value() == 0);
}
