#include "worker/placement.hpp"

#include <catch2/catch.hpp>

using namespace terminus::worker;
using Workers = std::vector<Placement::Cpu>;

TEST_CASE("shared memory goes to the node of most workers, and of several such to the first one's") {
    CHECK(shared_memory_node({}) == kNoNode);
    CHECK(shared_memory_node(Workers{{2, kNoNode}}) == kNoNode);
    CHECK(shared_memory_node(Workers{{2, 1}, {3, 0}}) == 1);
    CHECK(shared_memory_node(Workers{{2, 1}, {3, 0}, {4, 0}}) == 0);
    CHECK(shared_memory_node(Workers{{1, kNoNode}, {2, 0}}) == 0);
}

TEST_CASE("the control thread begins on a CPU of the buffers' node where it has one") {
    CHECK(cpu_near({{0, 0}, {1, 1}, {2, 1}}, 1) == 1);
    CHECK(cpu_near({{3, 0}, {4, 0}}, 1) == 3);
}

TEST_CASE("on one node, or where nobody knows, there is nothing to warn about") {
    CHECK(placement_warnings({.workers = {{1, 0}, {2, 0}}, .ports = {{"front", "0000:01:00.0", 0, false}}})
              .empty());
    CHECK(
        placement_warnings({.workers = {{1, 1}}, .ports = {{"front", "net_tap0", kNoNode, false}}}).empty());
    CHECK(placement_warnings({.workers = {{1, kNoNode}}, .ports = {{"front", "0000:01:00.0", 1, false}}})
              .empty());
}

TEST_CASE("a NIC on another node than a worker that polls it is warned about, with both nodes and the CPU") {
    const auto warnings = placement_warnings(
        {.workers = {{4, 0}, {5, 0}},
         .ports = {{"front", "0000:81:00.0", 1, false}, {"back", "0000:01:00.0", 0, false}}});
    REQUIRE(warnings.size() == 1);
    CHECK(
        warnings[0] ==
        "port front: device 0000:81:00.0 is on NUMA node 1, but polled by worker 0 (CPU 4, node 0), worker 1 "
        "(CPU 5, node 0): every frame crosses between the nodes; name CPUs of node 1 in workers.lcores, or "
        "move the NIC");
}

TEST_CASE("a port that worker 0 polls for all is as near as worker 0 is") {
    Placement placement{.workers = {{4, 1}, {5, 0}, {6, 1}}, .ports = {{"front", "0000:81:00.0", 1, true}}};
    const auto warnings = placement_warnings(placement);
    REQUIRE(warnings.size() == 1);  // worker 1 is far from the buffers, though
    CHECK(
        warnings[0] ==
        "the packet buffers are on NUMA node 1, but used also by worker 1 (CPU 5, node 0): name CPUs of one "
        "node in workers.lcores, and run a second terminusd on the other");
    placement.ports[0].is_shared = false;
    CHECK(placement_warnings(placement).size() == 2);
}
