#include "control/service_directory.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/assert.hpp"
#include "control/translate.hpp"

namespace terminus::control {
namespace {

/// The ports that lead to `address`: the one in whose network it lies, else the one of the longest route.
const config::Port* port_towards(const config::Config& config, const wire::IpAddress& address) {
    for (const config::Port& port : config.ports) {
        for (const wire::Prefix& own : port.addresses) {
            if (own.contains(address)) return &port;
        }
    }
    const config::Route* best = nullptr;
    for (const config::Route& route : config.routes) {
        if (route.to.contains(address) && (best == nullptr || route.to.bits > best->to.bits)) best = &route;
    }
    if (best == nullptr) return nullptr;
    const auto port = std::find_if(config.ports.begin(), config.ports.end(),
                                   [&](const config::Port& one) { return one.name == best->port; });
    return port == config.ports.end() ? nullptr : &*port;
}

/// The addresses a pool's backends are reached from: its own, and for a family without one those of the
/// ports.
// RFC 9293 3.9.1.1, MUST-44: without one that is named, the address of the way there.
std::vector<wire::IpAddress> source_addresses(const config::Pool& pool, const config::Config& config) {
    std::vector<wire::IpAddress> sources = pool.source_addresses;
    for (const bool v4 : {true, false}) {
        const bool given = std::any_of(pool.source_addresses.begin(), pool.source_addresses.end(),
                                       [&](const wire::IpAddress& source) { return source.is_v4() == v4; });
        if (given) continue;
        for (const config::Backend& backend : pool.backends) {
            if (backend.address.address.is_v4() != v4) continue;
            const config::Port* port = port_towards(config, backend.address.address);
            if (port == nullptr) continue;
            for (const wire::Prefix& own : port->addresses) {
                const bool usable = own.address.is_v4() == v4 && (v4 || !own.address.is_link_local());
                const bool is_new = std::find(sources.begin(), sources.end(), own.address) == sources.end();
                if (usable && is_new) sources.push_back(own.address);
            }
        }
    }
    return sources;
}

/// -1 for what follows the process.
template <typename T>
std::int32_t number_of(const std::optional<T>& setting) {
    return setting ? static_cast<std::int32_t>(*setting) : -1;
}
template <typename T>
std::optional<T> setting_of(std::int32_t number) {
    return number < 0 ? std::nullopt : std::optional(static_cast<T>(number));
}

record::Profile profile_of(const tcp::TunableOverrides& overrides) {
    return {.congestion_control = number_of(overrides.congestion_control),
            .traffic_class = number_of(overrides.traffic_class),
            .auto_flowlabels = number_of(overrides.auto_flowlabels)};
}

tcp::TunableOverrides overrides_of(const record::Profile& profile) {
    tcp::TunableOverrides overrides;
    overrides.congestion_control = setting_of<tcp::CongestionAlgorithm>(profile.congestion_control);
    overrides.traffic_class = setting_of<std::uint8_t>(profile.traffic_class);
    overrides.auto_flowlabels = setting_of<bool>(profile.auto_flowlabels);
    return overrides;
}

}  // namespace

ServiceDirectory::ServiceDirectory(const record::Directory& past) : version_(past.version) {
    for (const std::string& name : past.services)
        (void)services_.id(name);
    for (const std::string& name : past.pools)
        (void)pools_.id(name);
    for (const std::string& name : past.backends)
        (void)backends_.id(name);
    for (const std::string& name : past.local_addresses)
        if (const auto address = wire::IpAddress::parse(name)) (void)local_id(*address);
    for (const record::Profile& profile : past.profiles)
        profiles_.push_back(overrides_of(profile));
}

record::Directory ServiceDirectory::past() const {
    record::Directory past{.version = version_,
                           .services = services_.names(),
                           .pools = pools_.names(),
                           .backends = backends_.names(),
                           .local_addresses = locals_.names(),
                           .profiles = {}};
    for (const tcp::TunableOverrides& overrides : profiles_) {
        past.profiles.push_back(profile_of(overrides));
        TERMINUS_ASSERT(overrides_of(past.profiles.back()) == overrides,
                        "services have no other settings of their own: see overrides_of(config::Leg)");
    }
    return past;
}

std::uint16_t ServiceDirectory::Ids::id(const std::string& name) {
    const auto known = ids_.find(name);
    if (known != ids_.end()) return known->second;
    if (names_.size() == std::numeric_limits<std::uint16_t>::max()) {
        overflowed_ = true;
        return 0;
    }
    const auto next = static_cast<std::uint16_t>(names_.size());
    ids_.emplace(name, next);
    names_.push_back(name);
    return next;
}

base::Result<std::unique_ptr<const proxy::ServiceTable>, std::string> ServiceDirectory::build(
    const config::Config& config) {
    // Every worker interns them in this order: the ports' first, as they never change.
    for (const config::Port& port : config.ports) {
        for (const wire::Prefix& own : port.addresses)
            (void)local_id(own.address);
    }
    std::vector<proxy::Pool> pools;
    for (const config::Pool& pool : config.pools)
        pools.push_back(make_pool(pool, config));

    std::vector<proxy::Service> services;
    for (const config::Service& service : config.services) {
        proxy::Service row;
        row.id = services_.id(service.name);
        row.name = service.name;
        row.listen = service.listen;
        row.pool = pools_.id(service.pool);
        row.idle_timeout = service.idle_timeout;
        row.half_close_timeout = service.half_close_timeout;
        row.client_profile = profile_id(overrides_of(service.client));
        row.backend_profile = profile_id(overrides_of(service.backend));
        services.push_back(std::move(row));
        for (const wire::Endpoint& listen : service.listen)
            (void)local_id(listen.address);
    }
    if (services_.overflowed() || pools_.overflowed() || backends_.overflowed() || locals_.overflowed()) {
        return base::Failure{
            std::string("this process has seen 65535 names of services, pools, backends or "
                        "addresses and has no id for another: it must be restarted")};
    }
    if (has_too_many_profiles_) {
        return base::Failure{"this process has seen " + std::to_string(proxy::kProfilesMax) +
                             " different sets of TCP settings of services and has no room for another: it "
                             "must be restarted"};
    }
    return std::unique_ptr<const proxy::ServiceTable>(std::make_unique<proxy::ServiceTable>(
        ++version_, std::move(services), std::move(pools), local_addresses_, profiles_));
}

const std::string& ServiceDirectory::service_name(proxy::ServiceId id) const {
    static const std::string unknown = "-";
    return id < services_.names().size() ? services_.names()[id] : unknown;
}

std::uint16_t ServiceDirectory::local_id(const wire::IpAddress& address) {
    const std::uint16_t id = locals_.id(address.to_string());
    if (id == local_addresses_.size() && !locals_.overflowed()) local_addresses_.push_back(address);
    return id;
}

// Equal sets share one; a set once given stays what it is, for connections live by it.
stack::ProfileId ServiceDirectory::profile_id(const tcp::TunableOverrides& overrides) {
    if (overrides == tcp::TunableOverrides{}) return stack::kProcessProfile;
    auto place = std::find(profiles_.begin(), profiles_.end(), overrides);
    if (place == profiles_.end()) {
        if (profiles_.size() == proxy::kProfilesMax) {
            has_too_many_profiles_ = true;
            return stack::kProcessProfile;
        }
        place = profiles_.insert(place, overrides);
    }
    return static_cast<stack::ProfileId>(place - profiles_.begin() + 1);
}

proxy::Pool ServiceDirectory::make_pool(const config::Pool& pool, const config::Config& config) {
    proxy::Pool made;
    made.id = pools_.id(pool.name);
    made.name = pool.name;
    switch (pool.balance) {
        case config::Balance::RoundRobin:
            made.balance = proxy::Balance::RoundRobin;
            break;
    }
    for (const config::Backend& backend : pool.backends) {
        // A backend that moves to another address is another machine.
        const std::string identity = pool.name + "/" + backend.name + "/" + backend.address.to_string();
        made.backends.push_back({backends_.id(identity), backend.name, backend.address});
    }
    for (const wire::IpAddress& source : source_addresses(pool, config)) {
        made.sources.push_back({local_id(source), source});
    }
    made.connect_timeout = pool.connect_timeout;
    made.retries = pool.retries;
    return made;
}

}  // namespace terminus::control
