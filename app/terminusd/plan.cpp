#include "plan.hpp"

#include <sys/random.h>

#include <algorithm>

#include "common/machine.hpp"
#include "common/recording_head.hpp"
#include "control/worker_settings.hpp"
#include "cpus.hpp"

namespace terminus::app {
namespace {

worker::Idle idle_of(config::Idle idle) {
    switch (idle) {
        case config::Idle::Poll:
            return worker::Idle::Poll;
        case config::Idle::Interrupt:
            return worker::Idle::Interrupt;
        case config::Idle::Sleep:
            break;
    }
    return worker::Idle::Sleep;
}

std::vector<control::PortFacts> facts_of(const std::vector<dpdk::Device>& devices, std::uint16_t workers) {
    std::vector<control::PortFacts> facts;
    for (const dpdk::Device& device : devices)
        facts.push_back({device.mac(), device.mtu(), steering_of(spread_over(device, workers), workers)});
    return facts;
}

// HARDENING 11: from the kernel's generator, never from a seed that somebody could learn.
void fill_secret(void* bytes, std::size_t size) {
    const ssize_t filled = getrandom(bytes, size, 0);
    TERMINUS_ASSERT(filled == static_cast<ssize_t>(size),
                    "getrandom gives up to 256 bytes at once or blocks");
}

base::SipKey fresh_key() {
    base::SipKey key;
    fill_secret(key.bytes.data(), key.bytes.size());
    return key;
}

control::Chance fresh_chance() {
    control::Chance chance;
    chance.secrets.isn = fresh_key();
    chance.secrets.timestamp_offset = fresh_key();
    chance.secrets.syn_cookie = fresh_key();
    chance.secrets.fast_open = fresh_key();
    chance.secrets.flow_label = fresh_key();
    chance.table_key = fresh_key();
    fill_secret(&chance.seed, sizeof chance.seed);
    return chance;
}

}  // namespace

std::vector<worker::Placement::Cpu> nodes_of(const std::vector<std::uint16_t>& cpus) {
    std::vector<worker::Placement::Cpu> known;
    for (const std::uint16_t cpu : cpus)
        known.push_back({cpu, node_of(cpu)});
    return known;
}

worker::Placement placement_of(const config::Config& config, const worker::CpuPlan& cpus,
                               const std::vector<dpdk::Device>& devices) {
    worker::Placement placement{.workers = nodes_of(cpus.workers), .ports = {}};
    for (std::size_t index = 0; index < devices.size(); ++index) {
        const dpdk::Device& device = devices[index];
        placement.ports.push_back({.name = config.ports[index].name,
                                   .device = dpdk::device_name(config.ports[index].device),
                                   .node = device.node(),
                                   .is_shared = device.queue_pairs() < cpus.workers.size()});
    }
    return placement;
}

worker::CpuRequest cpu_request(const config::Config& config) {
    return {.allowed = allowed_cpus(),
            .lcores = config.workers.lcores,
            .count = config.workers.count,
            .allow_shared_cpus = config.workers.allow_shared_cpus};
}

dpdk::EalRequest eal_request(const Arguments& arguments, const config::Config& config,
                             const dpdk::Sizing& sizing, std::uint16_t main_cpu,
                             std::uint64_t free_hugepage_bytes) {
    dpdk::EalRequest request;
    request.options = config.eal;
    request.options.insert(request.options.end(), arguments.eal.begin(), arguments.eal.end());
    for (const config::Port& port : config.ports)
        request.devices.push_back(port.device);
    request.main_cpu = main_cpu;
    request.memory_megabytes = sizing.memory_megabytes;
    request.free_hugepage_bytes = free_hugepage_bytes;
    return request;
}

base::Result<dpdk::DeviceSettings, std::string> device_settings(const config::Config& config,
                                                                const config::Port& port, rte_mempool* pool) {
    const auto workers = static_cast<std::uint16_t>(config.workers.total());
    dpdk::DeviceSettings settings;
    settings.name = port.name;
    settings.device = port.device;
    settings.rx_descriptors = port.rx_descriptors;
    settings.tx_descriptors = port.tx_descriptors;
    settings.mtu = port.mtu;
    settings.workers = workers;
    settings.promiscuous = port.promiscuous;
    settings.offloads = {.rx_checksum = port.offloads.rx_checksum,
                         .tx_checksum = port.offloads.tx_checksum,
                         .tso = port.offloads.tso};
    settings.rx_interrupts = config.workers.idle == config::Idle::Interrupt;
    settings.rx_pools = {pool};
    settings.rss_key.resize(40);
    fill_secret(settings.rss_key.data(), settings.rss_key.size());
    if (port.queues) {
        if (*port.queues != 1 && *port.queues != workers) {
            return base::Failure{"port " + port.name + ": queues is " + std::to_string(*port.queues) +
                                 "; it can be 1 (worker 0 polls for all) or " + std::to_string(workers) +
                                 " (one for each worker)"};
        }
        settings.queue_pairs = *port.queues;
        return settings;
    }
    const auto offer = dpdk::queue_offer(port.device);
    if (!offer) return base::Failure{"port " + port.name + ": " + offer.error()};
    settings.queue_pairs = offer.value().usable_pairs() >= workers ? workers : std::uint16_t{1};
    return settings;
}

flow::RssConfig spread_over(const dpdk::Device& device, std::uint16_t workers) {
    const bool by_rss = device.queue_pairs() == workers && workers > 1;
    return by_rss ? device.rss() : flow::RssConfig{};
}

worker::Settings worker_settings(const config::Config& config, const dpdk::Sizing& sizing, const Pools& pools,
                                 const std::vector<dpdk::Device>& devices,
                                 const proxy::ServiceTable& services, bool workers_share_cpus) {
    const auto workers = static_cast<std::uint16_t>(config.workers.total());
    worker::Settings settings =
        control::worker_settings(config, facts_of(devices, workers), pools.buffers(sizing),
                                 sizing.payload.count, services, fresh_chance());
    settings.idle = idle_of(config.workers.idle);
    if (workers_share_cpus && settings.idle == worker::Idle::Poll) settings.idle = worker::Idle::Sleep;
    return settings;
}

}  // namespace terminus::app
