#include "foreign.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "capture/reader.hpp"
#include "made.hpp"
#include "sim/gateway.hpp"

namespace terminus::app {
namespace {

/// As many as Terminus has, under names of their own.
dpdk::Sizing backends_sizing(dpdk::Sizing sizing) {
    for (dpdk::PoolSettings* const pool : {&sizing.payload, &sizing.header, &sizing.indirect})
        pool->name = "played_" + pool->name;
    return sizing;
}

std::vector<replay::ServiceEndpoint> endpoints_of(const proxy::ServiceTable& services) {
    std::vector<replay::ServiceEndpoint> endpoints;
    for (const proxy::Service& service : services.services()) {
        for (const wire::Endpoint& listens : service.listen)
            endpoints.push_back({service.name, listens});
    }
    return endpoints;
}

std::vector<wire::Endpoint> backends_of(const proxy::ServiceTable& services) {
    std::vector<wire::Endpoint> backends;
    for (const proxy::Pool& pool : services.pools()) {
        for (const proxy::Backend& backend : pool.backends) {
            if (std::find(backends.begin(), backends.end(), backend.address) == backends.end())
                backends.push_back(backend.address);
        }
    }
    return backends;
}

replay::CastSettings cast_settings(const Arguments& arguments, const config::Config& config,
                                   const proxy::ServiceTable& services) {
    replay::CastSettings cast;
    cast.mode = arguments.mode == Mode::Strict ? capture::ClientPlayer::Mode::Strict
                                               : capture::ClientPlayer::Mode::Causal;
    cast.repair_checksums = arguments.checksums == Checksums::Repair;
    cast.services = endpoints_of(services);
    cast.taken = services.local_addresses();
    for (const wire::Endpoint& backend : backends_of(services))
        cast.taken.push_back(backend.address);
    for (const config::Port& port : config.ports)
        cast.reachable.insert(cast.reachable.end(), port.addresses.begin(), port.addresses.end());
    for (const config::Route& route : config.routes)
        cast.reachable.push_back(route.to);
    return cast;
}

std::optional<capture::Writer> played_writer(const std::string& file) {
    if (file.empty()) return std::nullopt;
    return made(capture::Writer::create(file));
}

}  // namespace

Foreign::Foreign(const Arguments& arguments, const config::Config& config, const dpdk::Sizing& sizing,
                 const Pools& pools, const proxy::ServiceTable& services, const std::vector<Port>& ports,
                 base::Instant starts)
    : pools_(made(Pools::create(backends_sizing(sizing)))) {
    replay::Stage::Settings settings;
    settings.cast = cast_settings(arguments, config, services);
    settings.cast.starts = starts;
    load(ports, settings.cast.services);
    std::size_t conversations = 0;
    std::vector<replay::CastPort> cast;
    settings.backends.mtu = 0;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const capture::FilePort& files = *ports[i].files;
        cast.push_back({files.mac(), files.mtu(), recorded(i)});
        settings.backends.mtu = std::max(settings.backends.mtu, files.mtu());
        if (recorded(i) != nullptr) conversations += recorded(i)->conversations().size();
    }
    settings.backends.listen = backends_of(services);
    // One for each, and as many that linger.
    settings.backends.connections_max = static_cast<std::uint32_t>(2 * conversations + 64);
    settings.backends.seed = arguments.seed + 1;  // not Terminus's numbers
    settings.backends.buffers = pools_.buffers(sizing);
    stage_ = std::make_unique<replay::Stage>(settings, std::move(cast));
    for (std::size_t i = 0; i < ports.size(); ++i) {
        ports_.push_back(std::make_unique<replay::StagePort>(*stage_, static_cast<std::uint16_t>(i),
                                                             *ports[i].files, pools.payload.get(),
                                                             played_writer(ports[i].device->played)));
        ports[i].files->start(stage_->cast().timeline());
    }
}

void Foreign::load(const std::vector<Port>& ports, const std::vector<replay::ServiceEndpoint>& services) {
    capture::RecordedConversations::Options options;
    for (const replay::ServiceEndpoint& one : services)
        options.services.push_back(one.listens);
    for (const Port& port : ports) {
        recorded_.emplace_back();
        read_.emplace_back();
        if (port.device->received.empty()) continue;
        capture::Reader reader = made(capture::Reader::open(
            port.device->received,
            {.addresses = {.destination = port.files->mac(), .source = sim::Gateway::kMac}}));
        recorded_.back().emplace(made(capture::RecordedConversations::load(reader, options)));
        read_.back().records = reader.counters().records;
        read_.back().backwards = reader.counters().backwards;
        read_.back().duplicates = reader.counters().duplicates;
    }
}

std::optional<wire::FourTuple> Foreign::client_behind(const wire::FourTuple& backend_leg) const {
    for (const auto& worker : *workers_) {
        const auto client = worker->proxy().client_behind(worker->stack(), backend_leg);
        if (client) return client;
    }
    return std::nullopt;
}

void Foreign::close() {
    stage_->finish();
    for (const auto& port : ports_) {
        if (const auto closed = port->close(); !closed) throw std::runtime_error(closed.error());
    }
}

}  // namespace terminus::app
