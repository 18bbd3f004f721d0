#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "base/result.hpp"
#include "common/buffers.hpp"
#include "config/config.hpp"
#include "dpdk/device.hpp"
#include "dpdk/sizing.hpp"
#include "proxy/service_table.hpp"
#include "worker/cpu_plan.hpp"
#include "worker/placement.hpp"
#include "worker/worker.hpp"

/// From the configuration to what the libraries are made with; no decisions of its own.
namespace terminus::app {

/// The CPUs with their NUMA nodes, in the same order.
[[nodiscard]] std::vector<worker::Placement::Cpu> nodes_of(const std::vector<std::uint16_t>& cpus);
/// `devices` by port index.
[[nodiscard]] worker::Placement placement_of(const config::Config& config, const worker::CpuPlan& cpus,
                                             const std::vector<dpdk::Device>& devices);
[[nodiscard]] worker::CpuRequest cpu_request(const config::Config& config);

[[nodiscard]] dpdk::EalRequest eal_request(const Arguments& arguments, const config::Config& config,
                                           const dpdk::Sizing& sizing, std::uint16_t main_cpu,
                                           std::uint64_t free_hugepage_bytes);

/// A queue pair for each worker where the device has as many, otherwise one; or what the configuration says.
[[nodiscard]] base::Result<dpdk::DeviceSettings, std::string> device_settings(const config::Config& config,
                                                                              const config::Port& port,
                                                                              rte_mempool* pool);

/// A device with a queue for each worker steers by its RSS; any other is polled by few and steered in
/// software: then there is nothing in it.
[[nodiscard]] flow::RssConfig spread_over(const dpdk::Device& device, std::uint16_t workers);

/// Worker 0's settings. `devices` by port index. Secrets come from the kernel.
[[nodiscard]] worker::Settings worker_settings(const config::Config& config, const dpdk::Sizing& sizing,
                                               const Pools& pools, const std::vector<dpdk::Device>& devices,
                                               const proxy::ServiceTable& services, bool workers_share_cpus);

}  // namespace terminus::app
