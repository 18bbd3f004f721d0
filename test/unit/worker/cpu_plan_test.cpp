#include "worker/cpu_plan.hpp"

#include <catch2/catch.hpp>

using namespace terminus;
using Cpus = std::vector<std::uint16_t>;

TEST_CASE("workers take the highest CPUs and the control thread the rest") {
    const auto plan = worker::plan_cpus({.allowed = {0, 1, 2, 3}, .count = 2});
    REQUIRE(plan.ok());
    CHECK(plan.value().workers == Cpus{3, 2});
    CHECK(plan.value().control == Cpus{0, 1});
    CHECK_FALSE(plan.value().control_shares);
    CHECK_FALSE(plan.value().workers_share);
}

TEST_CASE("with every CPU a worker's the control thread shares, and the plan says so") {
    const auto plan = worker::plan_cpus({.allowed = {0, 1}, .count = 2});
    REQUIRE(plan.ok());
    CHECK(plan.value().control == Cpus{0, 1});
    CHECK(plan.value().control_shares);
}

TEST_CASE("more workers than CPUs are refused unless sharing is allowed") {
    CHECK_FALSE(worker::plan_cpus({.allowed = {0, 1}, .count = 3}).ok());
    const auto plan = worker::plan_cpus({.allowed = {0, 1}, .count = 3, .allow_shared_cpus = true});
    REQUIRE(plan.ok());
    CHECK(plan.value().workers == Cpus{1, 0, 1});
    CHECK(plan.value().workers_share);
}

TEST_CASE("configured lcores are taken as they are, checked against what the process may use") {
    const auto plan = worker::plan_cpus({.allowed = {0, 2, 4}, .lcores = {2, 4}});
    REQUIRE(plan.ok());
    CHECK(plan.value().workers == Cpus{2, 4});
    CHECK(plan.value().control == Cpus{0});

    const auto refused = worker::plan_cpus({.allowed = {0, 2, 4}, .lcores = {2, 3}});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().find("CPU 3") != std::string::npos);
}

TEST_CASE("one lcore named twice is sharing") {
    CHECK_FALSE(worker::plan_cpus({.allowed = {0, 1}, .lcores = {1, 1}}).ok());
    CHECK(worker::plan_cpus({.allowed = {0, 1}, .lcores = {1, 1}, .allow_shared_cpus = true}).ok());
}
