#include <algorithm>
#include <map>
#include <set>

#include "config/reader.hpp"
#include "config/value.hpp"

namespace terminus::config {
namespace {

std::string at(const std::string& list, std::size_t index) {
    return list + "[" + std::to_string(index) + "]";
}

/// Names used twice within `list`; `name_of` gives each entry's.
template <typename Entries, typename NameOf>
void check_unique(Draft& draft, const std::string& list, const std::string& key, const Entries& entries,
                  NameOf name_of) {
    std::map<std::string, std::size_t> first;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::string name = name_of(entries[i]);
        if (name.empty()) continue;  // already complained about
        const auto [known, is_new] = first.emplace(name, i);
        if (is_new) continue;
        draft.complain(at(list, i) + "." + key,
                       quoted(name) + " is used before, by " + at(list, known->second));
    }
}

template <typename Entries>
void check_reference(Draft& draft, const std::string& path, const std::string& name, const Entries& entries,
                     std::string_view what) {
    std::vector<std::string> names;
    for (const auto& entry : entries)
        names.push_back(entry.name);
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) return;
    std::string message = "there is no " + std::string(what) + " " + quoted(name);
    if (const auto near = nearest(name, names); near && !near->empty()) {
        message += "; did you mean " + quoted(*near) + "?";
    }
    draft.complain(path, message);
}

/// The port in whose network `address` lies; link-local ones lie in every port's.
const Port* port_of(const Config& config, const wire::IpAddress& address) {
    for (const Port& port : config.ports) {
        for (const wire::Prefix& own : port.addresses) {
            if (own.contains(address)) return &port;
        }
    }
    return nullptr;
}

void check_workers(Draft& draft) {
    const Workers& workers = draft.config.workers;
    if (!workers.lcores.empty() && draft.has("workers.count")) {
        draft.complain("workers.count", "give either `lcores` or `count`, not both");
    }
    std::set<std::uint16_t> seen;
    for (std::size_t i = 0; i < workers.lcores.size(); ++i) {
        if (!seen.insert(workers.lcores[i]).second) {
            draft.complain(at("workers.lcores", i),
                           "CPU " + std::to_string(workers.lcores[i]) + " is listed twice");
        }
    }
    if (workers.lcores.size() > 64) draft.complain("workers.lcores", "there can be 64 workers");
}

void check_ports(Draft& draft) {
    const Config& config = draft.config;
    const bool unread = std::any_of(draft.complaints.begin(), draft.complaints.end(),
                                    [](const Complaint& c) { return c.message.starts_with("ports: "); });
    if (config.ports.empty() && !unread) draft.complain("ports", "at least one port is needed");
    check_unique(draft, "ports", "name", config.ports, [](const Port& port) { return port.name; });
    check_unique(draft, "ports", "device", config.ports,
                 [](const Port& port) { return port.device.substr(0, port.device.find(',')); });
    std::set<wire::IpAddress> seen;
    for (std::size_t i = 0; i < config.ports.size(); ++i) {
        const Port& port = config.ports[i];
        bool has_v6 = false;
        for (std::size_t j = 0; j < port.addresses.size(); ++j) {
            const wire::IpAddress& address = port.addresses[j].address;
            if (address.is_unspecified()) continue;
            has_v6 = has_v6 || !address.is_v4();
            if (!seen.insert(address).second) {
                draft.complain(at(at("ports", i) + ".addresses", j),
                               quoted(address.to_string()) + " is listed twice");
            }
        }
        // RFC 8200 5: every link that carries IPv6 has an MTU of at least 1280.
        if (has_v6 && port.mtu < 1280) {
            draft.complain(at("ports", i) + ".mtu",
                           quoted(std::to_string(port.mtu)) + " is too small for IPv6, which needs 1280");
        }
    }
}

void check_routes(Draft& draft) {
    Config& config = draft.config;
    check_unique(draft, "routes", "to", config.routes, [](const Route& route) {
        return route.to.address.is_unspecified() && route.to.address.is_v4() ? std::string()
                                                                             : route.to.to_string();
    });
    for (std::size_t i = 0; i < config.routes.size(); ++i) {
        Route& route = config.routes[i];
        const std::string path = at("routes", i);
        check_reference(draft, path + ".port", route.port, config.ports, "port");
        if (!draft.has(path + ".to")) continue;
        if (!route.via) {
            if (route.port.empty()) draft.complain(path, "needs `via`, `port` or both");
            continue;
        }
        if (route.via->is_unspecified()) continue;
        if (route.via->is_v4() != route.to.address.is_v4()) {
            draft.complain(path + ".via", quoted(route.via->to_string()) + " is not of the family of " +
                                              quoted(route.to.to_string()));
            continue;
        }
        const Port* reached = port_of(config, *route.via);
        const bool link_local = route.via->is_link_local();
        if (reached == nullptr && !(link_local && !route.port.empty())) {
            draft.complain(path + ".via", "gateway " + quoted(route.via->to_string()) +
                                              (link_local ? " is link-local: `port` must say on which link"
                                                          : " lies in no port's network"));
        } else if (route.port.empty()) {
            route.port = reached->name;
        }
    }
}

bool is_reachable(const Config& config, const wire::IpAddress& address) {
    return port_of(config, address) != nullptr ||
           std::any_of(config.routes.begin(), config.routes.end(),
                       [&](const Route& route) { return route.to.contains(address); });
}

/// Addresses that Terminus itself answers for, with the path that says so.
std::map<wire::IpAddress, std::string> own_addresses(const Config& config) {
    std::map<wire::IpAddress, std::string> own;
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        for (std::size_t j = 0; j < config.services[i].listen.size(); ++j) {
            own.emplace(config.services[i].listen[j].address, at(at("services", i) + ".listen", j));
        }
    }
    for (std::size_t i = 0; i < config.ports.size(); ++i) {
        for (std::size_t j = 0; j < config.ports[i].addresses.size(); ++j) {
            own.emplace(config.ports[i].addresses[j].address, at(at("ports", i) + ".addresses", j));
        }
    }
    for (std::size_t i = 0; i < config.pools.size(); ++i) {
        for (std::size_t j = 0; j < config.pools[i].source_addresses.size(); ++j) {
            own.emplace(config.pools[i].source_addresses[j], at(at("pools", i) + ".source_addresses", j));
        }
    }
    return own;
}

bool has_source(const Config& config, const Pool& pool, bool v4) {
    const auto fits = [&](const wire::IpAddress& address) {
        return !address.is_unspecified() && address.is_v4() == v4;
    };
    if (std::any_of(pool.source_addresses.begin(), pool.source_addresses.end(), fits)) return true;
    return std::any_of(config.ports.begin(), config.ports.end(), [&](const Port& port) {
        return std::any_of(port.addresses.begin(), port.addresses.end(), [&](const wire::Prefix& own) {
            // A link-local address can't be the source of a packet that a gateway passes on.
            return fits(own.address) && (v4 || !own.address.is_link_local());
        });
    });
}

void check_backend(Draft& draft, const Pool& pool, const Backend& backend, const std::string& path,
                   const std::map<wire::IpAddress, std::string>& own) {
    const Config& config = draft.config;
    const wire::IpAddress& address = backend.address.address;
    if (address.is_unspecified()) return;  // already complained about
    if (const auto ours = own.find(address); ours != own.end()) {
        draft.complain(path, quoted(backend.address.to_string()) + " is our own address, by " + ours->second);
        return;
    }
    if (!is_reachable(config, address)) {
        draft.complain(path, "no port's network and no route leads to " + quoted(address.to_string()));
    }
    if (!has_source(config, pool, address.is_v4())) {
        const std::string family = address.is_v4() ? "IPv4" : "IPv6";
        draft.complain(path, quoted(backend.address.to_string()) + " needs an " + family +
                                 " address to be reached from: none in `source_addresses`, none on a port");
    }
}

void check_pools(Draft& draft) {
    Config& config = draft.config;
    check_unique(draft, "pools", "name", config.pools, [](const Pool& pool) { return pool.name; });
    const auto own = own_addresses(config);
    for (std::size_t i = 0; i < config.pools.size(); ++i) {
        Pool& pool = config.pools[i];
        const std::string path = at("pools", i);
        if (pool.backends.empty()) draft.complain(path + ".backends", "a pool needs at least one backend");
        for (std::size_t j = 0; j < pool.backends.size(); ++j) {
            Backend& backend = pool.backends[j];
            if (backend.name.empty() && backend.address.port != 0) backend.name = backend.address.to_string();
            check_backend(draft, pool, backend, at(path + ".backends", j) + ".address", own);
        }
        check_unique(draft, path + ".backends", "name", pool.backends,
                     [](const Backend& backend) { return backend.name; });
        std::set<wire::IpAddress> seen;
        for (std::size_t j = 0; j < pool.source_addresses.size(); ++j) {
            const wire::IpAddress& address = pool.source_addresses[j];
            if (!address.is_unspecified() && !seen.insert(address).second) {
                draft.complain(at(path + ".source_addresses", j),
                               quoted(address.to_string()) + " is listed twice");
            }
        }
    }
}

void check_services(Draft& draft) {
    const Config& config = draft.config;
    check_unique(draft, "services", "name", config.services,
                 [](const Service& service) { return service.name; });
    std::map<wire::Endpoint, std::string> listeners;
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        const Service& service = config.services[i];
        const std::string path = at("services", i);
        check_reference(draft, path + ".pool", service.pool, config.pools, "pool");
        for (std::size_t j = 0; j < service.listen.size(); ++j) {
            if (service.listen[j].port == 0) continue;  // already complained about
            const std::string place = at(path + ".listen", j);
            const auto [known, is_new] = listeners.emplace(service.listen[j], place);
            if (!is_new) {
                draft.complain(place, quoted(service.listen[j].to_string()) + " is listened on before, by " +
                                          known->second);
            }
        }
    }
}

void check_tcp(Draft& draft) {
    const Tcp& tcp = draft.config.tcp;
    const auto ordered = [&](Duration low, Duration high, const std::string& low_name,
                             const std::string& high_name) {
        if (low <= high) return;
        draft.complain(draft.has("tcp." + low_name) ? "tcp." + low_name : "tcp." + high_name,
                       "`" + low_name + "` (" + format_duration(low) + ") is longer than `" + high_name +
                           "` (" + format_duration(high) + ")");
    };
    if (const std::string fault = fast_open_fault(tcp); !fault.empty()) draft.complain("tcp.fastopen", fault);
    ordered(tcp.rto_min, tcp.rto_max, "rto_min", "rto_max");
    ordered(tcp.rto_initial, tcp.rto_max, "rto_initial", "rto_max");
    ordered(tcp.delack_min, tcp.delack_max, "delack_min", "delack_max");
}

void check_admin(Draft& draft) {
    const std::string& socket = draft.config.admin.socket;
    if (!socket.empty() && socket.front() != '/') {
        draft.complain("admin.socket", quoted(socket) + " is not an absolute path");
    }
}

}  // namespace

void check_and_complete(Draft& draft) {
    check_workers(draft);
    check_ports(draft);
    check_routes(draft);
    check_pools(draft);
    check_services(draft);
    check_tcp(draft);
    check_admin(draft);
}

}  // namespace terminus::config
