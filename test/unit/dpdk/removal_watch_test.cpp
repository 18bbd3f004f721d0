#include "dpdk/removal_watch.hpp"

#include <catch2/catch.hpp>
#include <thread>

#include "dpdk/device.hpp"
#include "support/pool.hpp"

using namespace terminus;
using dpdk::RemovalWatch;
using Names = std::vector<std::string>;

namespace {

dpdk::Device open(const std::string& name) {
    dpdk::DeviceSettings settings;
    settings.name = "front";
    settings.device = name;
    settings.rx_descriptors = 64;
    settings.tx_descriptors = 64;
    settings.rx_pools = {test::pool()};
    auto opened = dpdk::Device::open(settings);
    if (!opened.ok()) FAIL(opened.error());
    return std::move(opened).value();
}

/// What the handler of vfio-pci's request does on EAL's thread.
void ask_for(const std::string& device) {
    std::thread([&] { rte_dev_event_callback_process(device.c_str(), RTE_DEV_EVENT_REMOVE); }).join();
}

}  // namespace

TEST_CASE("devices that the kernel asks for are told once, by the names that devices know themselves by") {
    test::start_eal();
    RemovalWatch watch;
    dpdk::Device front = open("net_ring_asked");
    CHECK(watch.take().empty());
    ask_for(front.bus_name());
    ask_for("0000:01:00.0");
    ask_for(front.bus_name());  // a reminder
    CHECK(watch.take() == Names{"net_ring_asked", "0000:01:00.0"});
    CHECK(watch.take().empty());
    ask_for(front.bus_name());
    CHECK(watch.take() == Names{"net_ring_asked"});
}

TEST_CASE("a device that comes is nobody's removal") {
    test::start_eal();
    RemovalWatch watch;
    rte_dev_event_callback_process("0000:01:00.0", RTE_DEV_EVENT_ADD);
    CHECK(watch.take().empty());
}

TEST_CASE("a watch that has ended hears nothing, and another may follow") {
    test::start_eal();
    { RemovalWatch first; }
    ask_for("0000:01:00.0");
    RemovalWatch second;
    CHECK(second.take().empty());
    ask_for("0000:02:00.0");
    CHECK(second.take() == Names{"0000:02:00.0"});
}
