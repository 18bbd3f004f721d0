#include "plan.hpp"

#include <sched.h>
#include <sys/random.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "control/translate.hpp"

namespace terminus::app {
namespace {

worker::Idle idle_of(config::Idle idle) {
    switch (idle) {
        case config::Idle::Poll:
            return worker::Idle::Poll;
        case config::Idle::Sleep:
        case config::Idle::Interrupt:
            break;  // the configuration refuses Interrupt in this version
    }
    return worker::Idle::Sleep;
}

std::uint16_t port_index(const config::Config& config, const std::string& name) {
    const auto port = std::find_if(config.ports.begin(), config.ports.end(),
                                   [&](const config::Port& candidate) { return candidate.name == name; });
    return static_cast<std::uint16_t>(port - config.ports.begin());
}

std::vector<neigh::Interface> interfaces_of(const config::Config& config,
                                            const std::vector<dpdk::Device>& devices) {
    std::vector<neigh::Interface> interfaces;
    for (std::size_t i = 0; i < config.ports.size(); ++i) {
        interfaces.push_back({.port = static_cast<std::uint16_t>(i),
                              .mac = devices[i].mac(),
                              .mtu = devices[i].mtu(),
                              .addresses = config.ports[i].addresses});
    }
    return interfaces;
}

std::vector<neigh::Route> routes_of(const config::Config& config) {
    std::vector<neigh::Route> routes;
    for (std::size_t i = 0; i < config.ports.size(); ++i) {
        for (const wire::Prefix& own : config.ports[i].addresses) {
            routes.push_back({.to = own, .via = std::nullopt, .port = static_cast<std::uint16_t>(i)});
        }
    }
    for (const config::Route& route : config.routes) {
        routes.push_back({.to = route.to, .via = route.via, .port = port_index(config, route.port)});
    }
    return routes;
}

// A device with a queue for each worker steers by its RSS; any other is polled by few and steered in
// software.
std::vector<flow::Steering> steering_of(const std::vector<dpdk::Device>& devices, std::uint16_t workers) {
    std::vector<std::uint16_t> worker_of_queue;
    for (std::uint16_t worker = 0; worker < workers; ++worker)
        worker_of_queue.push_back(worker);
    std::vector<flow::Steering> steering;
    for (const dpdk::Device& device : devices) {
        const bool by_rss = device.queue_pairs() == workers && workers > 1;
        steering.emplace_back(by_rss ? device.rss() : flow::RssConfig{}, worker_of_queue, workers);
    }
    return steering;
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

}  // namespace

std::vector<std::uint16_t> allowed_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    std::vector<std::uint16_t> cpus;
    for (std::uint16_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
    return cpus;
}

worker::CpuRequest cpu_request(const config::Config& config) {
    return {.allowed = allowed_cpus(),
            .lcores = config.workers.lcores,
            .count = config.workers.count,
            .allow_shared_cpus = config.workers.allow_shared_cpus};
}

std::uint64_t free_hugepage_bytes() {
    std::uint64_t bytes = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
        const std::string name = entry.path().filename();  // hugepages-2048kB
        std::uint64_t pages = 0;
        std::ifstream(entry.path() / "free_hugepages") >> pages;
        bytes += pages * std::strtoull(name.c_str() + name.find('-') + 1, nullptr, 10) * 1024;
    }
    return bytes;
}

dpdk::SizingRequest sizing_request(const config::Config& config) {
    dpdk::SizingRequest request;
    request.workers = config.workers.total();
    request.ports = static_cast<std::uint32_t>(config.ports.size());
    request.queue_pairs = 0;
    request.rx_descriptors = 0;
    request.tx_descriptors = 0;
    for (const config::Port& port : config.ports) {
        request.queue_pairs += port.queues.value_or(static_cast<std::uint16_t>(config.workers.total()));
        request.rx_descriptors = std::max<std::uint32_t>(request.rx_descriptors, port.rx_descriptors);
        request.tx_descriptors = std::max<std::uint32_t>(request.tx_descriptors, port.tx_descriptors);
    }
    request.connections = config.limits.connections;
    request.cache = config.buffers.cache;
    request.data_room = config.buffers.data_room;
    request.buffers = config.buffers.count.value_or(0);
#ifdef __SANITIZE_ADDRESS__
    request.poisoned = true;  // a freed buffer is then poison to whoever still reads it
#endif
    return request;
}

dpdk::EalRequest eal_request(const Arguments& arguments, const config::Config& config,
                             const dpdk::Sizing& sizing, std::uint16_t main_cpu) {
    dpdk::EalRequest request;
    request.options = config.eal;
    request.options.insert(request.options.end(), arguments.eal.begin(), arguments.eal.end());
    for (const config::Port& port : config.ports)
        request.devices.push_back(port.device);
    request.main_cpu = main_cpu;
    request.memory_megabytes = sizing.memory_megabytes;
    request.free_hugepage_bytes = free_hugepage_bytes();
    return request;
}

base::Result<Pools, std::string> Pools::create(const dpdk::Sizing& sizing) {
    base::Result<dpdk::Pool, std::string> payload = dpdk::Pool::create(sizing.payload);
    if (!payload) return base::Failure{payload.error()};
    base::Result<dpdk::Pool, std::string> header = dpdk::Pool::create(sizing.header);
    if (!header) return base::Failure{header.error()};
    base::Result<dpdk::Pool, std::string> indirect = dpdk::Pool::create(sizing.indirect);
    if (!indirect) return base::Failure{indirect.error()};
    return Pools{std::move(payload).value(), std::move(header).value(), std::move(indirect).value()};
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
    settings.promiscuous = port.promiscuous;
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
    const auto usable = dpdk::usable_queue_pairs(port.device);
    if (!usable) return base::Failure{"port " + port.name + ": " + usable.error()};
    settings.queue_pairs = usable.value() >= workers ? workers : std::uint16_t{1};
    return settings;
}

worker::Settings worker_settings(const config::Config& config, const dpdk::Sizing& sizing, const Pools& pools,
                                 const std::vector<dpdk::Device>& devices,
                                 const proxy::ServiceTable& services, bool workers_share_cpus) {
    const auto workers = static_cast<std::uint16_t>(config.workers.total());
    worker::Settings settings;
    stack::Settings& own = settings.stack;
    own.workers = workers;
    own.tunables = control::tunables_of(config.tcp, workers);
    own.connections_max = control::share(config.limits.connections, workers);
    own.half_open_max = own.tunables.max_syn_backlog;
    own.time_wait_max = own.tunables.max_tw_buckets;
    // What is outstanding lies in buffers: there are no more records than those, but for tiny segments.
    own.sent_records_spare = std::max(own.sent_records_spare, sizing.payload.count / workers);
    own.application_timers_max = own.connections_max;  // a timer for each session, and a session has two legs
    own.profiles_max = proxy::kProfilesMax;
    own.secrets.isn = fresh_key();
    own.secrets.timestamp_offset = fresh_key();
    own.secrets.syn_cookie = fresh_key();
    own.secrets.fast_open = fresh_key();
    own.secrets.flow_label = fresh_key();
    own.table_key = fresh_key();
    fill_secret(&own.seed, sizeof own.seed);
    own.buffers = {.payload = pools.payload.get(),
                   .header = pools.header.get(),
                   .indirect = pools.indirect.get(),
                   .reserve = sizing.free_min};
    own.neighbours_max = config.limits.neighbours;
    own.interfaces = interfaces_of(config, devices);
    own.routes = routes_of(config);
    own.local_addresses = services.local_addresses();
    own.steering = steering_of(devices, workers);
    settings.proxy.sessions_max = own.connections_max / 2 + 1;
    settings.proxy.source_ports = {config.source_port_range.first, config.source_port_range.last};
    settings.idle = workers_share_cpus ? worker::Idle::Sleep : idle_of(config.workers.idle);
    settings.idle_sleep_max = config.workers.idle_max_sleep;
    return settings;
}

worker::Settings for_worker(worker::Settings settings, std::uint16_t worker) {
    settings.stack.worker = worker;
    settings.stack.seed += worker;
    return settings;
}

}  // namespace terminus::app
