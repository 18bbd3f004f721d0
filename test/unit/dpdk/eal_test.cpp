#include "dpdk/eal.hpp"

#include <catch2/catch.hpp>

#include "support/pool.hpp"

using namespace terminus;

TEST_CASE("DPDK's environment starts once in a process, and says so when asked again") {
    test::start_eal();
    const auto again = dpdk::Eal::start({"--no-huge"});
    REQUIRE_FALSE(again.ok());
    CHECK(again.error() == "DPDK's environment was started before in this process");
}
