#include "control/worker_settings.hpp"

#include <algorithm>

#include "control/translate.hpp"

namespace terminus::control {
namespace {

std::uint16_t port_index(const config::Config& config, const std::string& name) {
    const auto port = std::find_if(config.ports.begin(), config.ports.end(),
                                   [&](const config::Port& candidate) { return candidate.name == name; });
    return static_cast<std::uint16_t>(port - config.ports.begin());
}

std::vector<neigh::Interface> interfaces_of(const config::Config& config,
                                            const std::vector<PortFacts>& ports) {
    std::vector<neigh::Interface> interfaces;
    for (std::size_t i = 0; i < config.ports.size(); ++i) {
        interfaces.push_back({.port = static_cast<std::uint16_t>(i),
                              .mac = ports[i].mac,
                              .mtu = ports[i].mtu,
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

}  // namespace

Chance Chance::from_seed(std::uint64_t seed) {
    return {tcp::Secrets::from_seed(seed), base::SipKey::from_seed(seed), seed};
}

worker::Settings worker_limits(const config::Config& config, std::uint32_t payload_buffers) {
    const auto workers = static_cast<std::uint16_t>(config.workers.total());
    worker::Settings settings;
    stack::Settings& own = settings.stack;
    own.workers = workers;
    own.tunables = tunables_of(config.tcp, workers);
    own.connections_max = share(config.limits.connections, workers);
    own.half_open_max = own.tunables.max_syn_backlog;
    own.time_wait_max = own.tunables.max_tw_buckets;
    // What is outstanding lies in buffers: there are no more records than those, but for tiny segments.
    own.sent_records_spare = std::max(own.sent_records_spare, payload_buffers / workers);
    own.application_timers_max = own.connections_max;  // a timer for each session, and a session has two legs
    own.profiles_max = proxy::kProfilesMax;
    own.neighbours_max = config.limits.neighbours;
    settings.proxy.sessions_max = own.connections_max / 2 + 1;
    settings.proxy.source_ports = {config.source_port_range.first, config.source_port_range.last};
    return settings;
}

std::uint64_t source_pairs(const config::Config& config) {
    std::uint64_t pairs = 0;
    for (const config::Pool& pool : config.pools) {
        for (const config::Backend& backend : pool.backends) {
            const auto own = static_cast<std::uint64_t>(
                std::count_if(pool.source_addresses.begin(), pool.source_addresses.end(),
                              [&](const wire::IpAddress& source) {
                                  return source.is_v4() == backend.address.address.is_v4();
                              }));
            pairs += std::max<std::uint64_t>(1, own);  // without one: the port's
        }
    }
    return pairs;
}

worker::Settings worker_settings(const config::Config& config, const std::vector<PortFacts>& ports,
                                 const stack::Buffers& buffers, std::uint32_t payload_buffers,
                                 const proxy::ServiceTable& services, const Chance& chance) {
    TERMINUS_ASSERT(ports.size() == config.ports.size(), "the caller has opened all ports");
    worker::Settings settings = worker_limits(config, payload_buffers);
    stack::Settings& own = settings.stack;
    own.secrets = chance.secrets;
    own.table_key = chance.table_key;
    own.seed = chance.seed;
    own.buffers = buffers;
    own.interfaces = interfaces_of(config, ports);
    own.routes = routes_of(config);
    own.local_addresses = services.local_addresses();
    for (const PortFacts& port : ports)
        own.steering.push_back(port.steering);
    settings.idle_sleep_max = config.workers.idle_max_sleep;
    return settings;
}

worker::Settings for_worker(worker::Settings settings, std::uint16_t worker) {
    settings.stack.worker = worker;
    settings.stack.seed += worker;
    return settings;
}

}  // namespace terminus::control
