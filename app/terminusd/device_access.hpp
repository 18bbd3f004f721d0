#pragma once

#include <vector>

#include "control/device_watch.hpp"
#include "dpdk/device.hpp"
#include "dpdk/removal_watch.hpp"

namespace terminus::app {

/// The devices, by port index, as the control thread is to see them. Both outlive the answer.
[[nodiscard]] control::DeviceAccess device_access(std::vector<dpdk::Device>& devices,
                                                  dpdk::RemovalWatch& removals);

}  // namespace terminus::app
