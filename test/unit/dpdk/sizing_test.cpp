#include "dpdk/sizing.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace terminus;

namespace {

bool has(const std::vector<std::string>& arguments, const std::string& wanted) {
    return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

}  // namespace

TEST_CASE("a computed pool leaves connections their buffers above the reserve") {
    dpdk::SizingRequest request{.workers = 2, .ports = 2, .queue_pairs = 4, .connections = 100000};
    const auto sizing = dpdk::size_buffers(request);
    REQUIRE(sizing.ok());
    CHECK(sizing.value().payload.count >= sizing.value().reserve + 100000);
    // 4 queue pairs of 1024 + 1024, two caches of 384, two bursts a worker and port
    CHECK(sizing.value().reserve == 4 * 2048 + 2 * 384 + 2 * 64 * 2 * 2);
}

TEST_CASE("a configured number of buffers is taken as it is, down to what the reserve needs") {
    dpdk::SizingRequest request{.connections = 100};
    const std::uint32_t reserve = dpdk::size_buffers(request).value().reserve;
    request.buffers = reserve + 64;
    REQUIRE(dpdk::size_buffers(request).ok());
    CHECK(dpdk::size_buffers(request).value().payload.count == reserve + 64);
    request.buffers = reserve + 63;
    const auto refused = dpdk::size_buffers(request);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().find(std::to_string(reserve)) != std::string::npos);
}

TEST_CASE("where one port wants mbufs side by side, all pools have them so") {
    for (const bool wanted : {false, true}) {
        const auto sizing = dpdk::size_buffers({.side_by_side = wanted});
        REQUIRE(sizing.ok());
        CHECK(sizing.value().payload.side_by_side == wanted);
        CHECK(sizing.value().header.side_by_side == wanted);
        CHECK(sizing.value().indirect.side_by_side == wanted);
    }
}

TEST_CASE("without hugepages EAL gets --no-huge and the megabytes that were computed") {
    const auto arguments =
        dpdk::eal_arguments({.devices = {"net_tap0,iface=front0"}, .memory_megabytes = 300});
    CHECK(has(arguments, "--no-huge"));
    CHECK(has(arguments, "--no-shconf"));
    CHECK(has(arguments, "--no-pci"));
    CHECK(has(arguments, "--vdev=net_tap0,iface=front0"));
    const auto m = std::find(arguments.begin(), arguments.end(), "-m");
    REQUIRE(m != arguments.end());
    CHECK(*(m + 1) == "300");
}

TEST_CASE("free hugepages are used when they are enough, and only then") {
    const std::uint64_t enough = std::uint64_t{300} << 20;
    CHECK(has(dpdk::eal_arguments({.memory_megabytes = 300, .free_hugepage_bytes = enough}), "--in-memory"));
    CHECK(
        has(dpdk::eal_arguments({.memory_megabytes = 300, .free_hugepage_bytes = enough - 1}), "--no-huge"));
}

TEST_CASE("what the operator says is not said again") {
    const auto arguments =
        dpdk::eal_arguments({.options = {"-l", "3", "--vdev=net_tap0,iface=mine", "--no-huge", "-m", "64"},
                             .devices = {"net_tap0,iface=front0"},
                             .memory_megabytes = 300});
    CHECK(std::count(arguments.begin(), arguments.end(), "-l") == 1);
    CHECK(std::count(arguments.begin(), arguments.end(), "-m") == 1);
    CHECK_FALSE(has(arguments, "--vdev=net_tap0,iface=front0"));
    CHECK_FALSE(has(arguments, "--in-memory"));
}

TEST_CASE("a PCI address is allowed by name and keeps the PCI scan on") {
    const auto arguments = dpdk::eal_arguments({.devices = {"0000:01:00.0"}, .memory_megabytes = 100});
    CHECK(has(arguments, "--allow=0000:01:00.0"));
    CHECK_FALSE(has(arguments, "--no-pci"));
    CHECK(dpdk::is_pci_address("01:00.0"));
    CHECK_FALSE(dpdk::is_pci_address("net_tap0,iface=a:b.c"));
    CHECK(dpdk::device_name("net_tap0,iface=front0") == "net_tap0");
}
