#include "device_access.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>

namespace terminus::app {
namespace {

std::vector<std::uint16_t> ports_of(const std::vector<std::string>& names,
                                    const std::vector<dpdk::Device>& devices) {
    std::vector<std::uint16_t> ports;
    for (const std::string& name : names) {
        const auto device = std::find_if(devices.begin(), devices.end(),
                                         [&](const dpdk::Device& one) { return one.bus_name() == name; });
        if (device != devices.end()) {
            ports.push_back(static_cast<std::uint16_t>(device - devices.begin()));
        } else {
            spdlog::warn("the kernel wants device {} back, which is no port's: EAL holds it", name);
        }
    }
    return ports;
}

}  // namespace

control::DeviceAccess device_access(std::vector<dpdk::Device>& devices, dpdk::RemovalWatch& removals) {
    return {.asked_for = [&] { return ports_of(removals.take(), devices); },
            .remove = [&](std::uint16_t port) { return devices[port].remove(); }};
}

}  // namespace terminus::app
