#include "config/keys.hpp"

#include "config/key_row.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/assert.hpp"

namespace terminus::config {
namespace {

using namespace units;

constexpr Range kFree{};

// clang-format off
constexpr std::array kKeysBeforeTcp{
    key<&Config::eal>("eal", Type::Text, {0, 64}, Apply::Restart,
        "options for DPDK's EAL, one word an entry, before those of the command line"),
    key<&Config::workers, &Workers::lcores>("workers.lcores", Type::Count, {0, 1023}, Apply::Restart,
        "CPUs of the workers, one worker each; empty: `count` decides"),
    key<&Config::workers, &Workers::count>("workers.count", Type::Count, {1, 64}, Apply::Restart,
        "number of workers when `lcores` is not given"),
    key<&Config::workers, &Workers::allow_shared_cpus>("workers.allow_shared_cpus", Type::Bool, kFree, Apply::Restart,
        "whether workers may share a CPU, for tests and small machines; `idle: poll` becomes `sleep` then"),
    key<&Config::workers, &Workers::idle>("workers.idle", Type::Choice, kFree, Apply::Restart,
        "what a worker with nothing to do does: `sleep` for short moments, `poll` on, or sleep until an `interrupt` tells of a frame"),
    key<&Config::workers, &Workers::idle_max_sleep>("workers.idle_max_sleep", Type::Time, {1 * us, 10 * ms}, Apply::Restart,
        "the longest moment of sleep with `idle: sleep`, and with `interrupt` where a port has none"),
    required(key<&Port::name>("ports[].name", Type::Name, {1, 32}, Apply::Restart,
        "name of the port, in routes and metrics")),
    required(key<&Port::device>("ports[].device", Type::Device, {1, 255}, Apply::Restart,
        "PCI address (`0000:3b:00.0`) or vdev string (`net_tap0,iface=tap0`)")),
    required(key<&Port::addresses>("ports[].addresses", Type::Interface, {1, 64}, Apply::Restart,
        "our addresses on the port's link, each with the link's prefix length")),
    key<&Port::mtu>("ports[].mtu", Type::Count, {576, 9216}, Apply::Restart,
        "largest IP packet, bytes; 1280 at least with an IPv6 address"),
    automatic("auto", key<&Port::queues>("ports[].queues", Type::Count, {1, 64}, Apply::Restart,
        "pairs of queues; auto: one per worker as far as the device has them")),
    key<&Port::rx_descriptors>("ports[].rx_descriptors", Type::Count, {64, 32768}, Apply::Restart,
        "receive descriptors per queue"),
    key<&Port::tx_descriptors>("ports[].tx_descriptors", Type::Count, {64, 32768}, Apply::Restart,
        "transmit descriptors per queue"),
    key<&Port::promiscuous>("ports[].promiscuous", Type::Bool, kFree, Apply::Restart,
        "whether the device passes on frames that are not addressed to it"),
    key<&Port::offloads, &Offloads::rx_checksum>("ports[].offloads.rx_checksum", Type::Bool, kFree, Apply::Restart,
        "whether the device's word for a received segment's checksum is taken, where it can be trusted"),
    key<&Port::offloads, &Offloads::tx_checksum>("ports[].offloads.tx_checksum", Type::Bool, kFree, Apply::Restart,
        "whether the device makes the checksums of what is sent, where it can"),
    key<&Port::offloads, &Offloads::tso>("ports[].offloads.tso", Type::Bool, kFree, Apply::Restart,
        "whether the device cuts runs of segments (TSO), where it can; needs `tx_checksum`"),
    required(key<&Route::to>("routes[].to", Type::Network, kFree, Apply::Restart,
        "destination network; `0.0.0.0/0` and `::/0` are the default routes")),
    automatic("none", key<&Route::via>("routes[].via", Type::Gateway, kFree, Apply::Restart,
        "gateway; none: the destinations are on the port's own link")),
    key<&Route::port>("routes[].port", Type::Name, {1, 32}, Apply::Restart,
        "port that leads there; not needed when `via` lies in a port's network"),
    required(key<&Pool::name>("pools[].name", Type::Name, {1, 64}, Apply::Live,
        "name of the pool, in services and metrics")),
    key<&Pool::balance>("pools[].balance", Type::Choice, kFree, Apply::Live,
        "how a backend is chosen: `round_robin`, each in its turn"),
    key<&Backend::name>("pools[].backends[].name", Type::Name, {1, 64}, Apply::Live,
        "name of the backend; its address where not given"),
    required(key<&Backend::address>("pools[].backends[].address", Type::HostEndpoint, kFree, Apply::Live,
        "address and port of the backend")),
    key<&Pool::source_addresses>("pools[].source_addresses", Type::HostAddress, {0, 256}, Apply::Live,
        "our addresses towards the backends; for a family without one here, those of the port that leads there"),
    key<&Pool::connect_timeout>("pools[].connect_timeout", Type::Time, {1 * ms, 1 * h}, Apply::Live,
        "how long a backend may take to accept a connection before another is tried"),
    key<&Pool::retries>("pools[].retries", Type::Count, {0, 16}, Apply::Live,
        "further backends tried when one refuses or does not answer, before the client gets a RST"),
    required(key<&Service::name>("services[].name", Type::Name, {1, 64}, Apply::Live,
        "name of the service, in metrics and `terminusctl ss`")),
    required(key<&Service::listen>("services[].listen", Type::HostEndpoint, {1, 64}, Apply::Live,
        "virtual addresses and ports that clients connect to")),
    required(key<&Service::pool>("services[].pool", Type::Name, {1, 64}, Apply::Live,
        "pool that serves it")),
    key<&Service::idle_timeout>("services[].idle_timeout", Type::Time, {0, 168 * h}, Apply::Live,
        "how long a session may live without a byte moving either way; 0: for ever"),
    key<&Service::half_close_timeout>("services[].half_close_timeout", Type::Time, {0, 168 * h}, Apply::Live,
        "how long a session may live without a byte moving after one side has finished sending; 0: `idle_timeout` alone counts"),
    automatic("tcp", key<&Service::client, &Leg::congestion_control>("services[].client.congestion_control", Type::Choice, kFree, Apply::Live,
        "congestion control towards its clients; tcp: as `tcp.congestion_control` says")),
    automatic("tcp", key<&Service::backend, &Leg::congestion_control>("services[].backend.congestion_control", Type::Choice, kFree, Apply::Live,
        "congestion control towards its backends; tcp: as `tcp.congestion_control` says")),
    automatic("tcp", key<&Service::client, &Leg::traffic_class>("services[].client.traffic_class", Type::Count, {0, 255}, Apply::Live,
        "TOS and traffic class towards its clients; tcp: as `tcp.traffic_class` says")),
    automatic("tcp", key<&Service::backend, &Leg::traffic_class>("services[].backend.traffic_class", Type::Count, {0, 255}, Apply::Live,
        "TOS and traffic class towards its backends; tcp: as `tcp.traffic_class` says")),
    automatic("tcp", key<&Service::client, &Leg::auto_flowlabels>("services[].client.auto_flowlabels", Type::Bool, kFree, Apply::Live,
        "whether connections to its clients have flow labels; tcp: as `tcp.auto_flowlabels` says")),
    automatic("tcp", key<&Service::backend, &Leg::auto_flowlabels>("services[].backend.auto_flowlabels", Type::Bool, kFree, Apply::Live,
        "whether connections to its backends have flow labels; tcp: as `tcp.auto_flowlabels` says")),
};

constexpr std::array kKeysAfterTcp{
    key<&Config::source_port_range>("source_port_range", Type::TwoPorts, {1, 65535}, Apply::Restart,
        "ports that connections to backends are opened from, first and last (Linux: ip_local_port_range)"),
    key<&Config::limits, &Limits::connections>("limits.connections", Type::Count, {2, 1 << 26}, Apply::Restart,
        "connections, whole process; a session is two of them"),
    key<&Config::limits, &Limits::neighbours>("limits.neighbours", Type::Count, {16, 1 << 20}, Apply::Restart,
        "entries of the ARP and neighbour discovery cache, whole process"),
    automatic("auto", key<&Config::buffers, &Buffers::count>("buffers.count", Type::Count, {1024, 1 << 26}, Apply::Restart,
        "packet buffers, whole process; auto: what ports and connections need, the arithmetic is in the start-up log")),
    key<&Config::buffers, &Buffers::data_room>("buffers.data_room", Type::Size, {1024, 16384}, Apply::Restart,
        "bytes that a buffer can hold"),
    key<&Config::buffers, &Buffers::cache>("buffers.cache", Type::Count, {0, 512}, Apply::Restart,
        "free buffers that each worker keeps for itself"),
    key<&Config::drain, &Drain::delay>("drain.delay", Type::Time, {0, 1 * h}, Apply::Live,
        "time after SIGTERM in which new connections are still accepted, while /readyz says 503"),
    key<&Config::drain, &Drain::grace>("drain.grace", Type::Time, {0, 24 * h}, Apply::Live,
        "time after that in which connections may finish before they get a RST"),
    key<&Config::admin, &Admin::socket>("admin.socket", Type::Text, {1, 107}, Apply::Restart,
        "path of the admin socket"),
    key<&Config::admin, &Admin::mode>("admin.mode", Type::Mode, {0600, 0660}, Apply::Restart,
        "file mode of the admin socket; never open to others"),
    key<&Config::admin, &Admin::group>("admin.group", Type::Text, {0, 32}, Apply::Restart,
        "group of the admin socket; empty: the daemon's own"),
    key<&Config::metrics, &Metrics::listen>("metrics.listen", Type::Socket, kFree, Apply::Restart,
        "address and port of /metrics, /healthz and /readyz"),
    key<&Config::log, &Log::level>("log.level", Type::Choice, kFree, Apply::Live,
        "least severe messages that are logged: `trace`, `debug`, `info`, `warning`, `error`"),
};
// clang-format on

template <auto Member>
constexpr Table table(std::string_view path, std::string_view identity, std::size_t max) {
    using Owner = typename detail::Path<Member>::Owner;
    return Table{path,
                 identity,
                 max,
                 [](void* owner) -> void* { return &(static_cast<Owner*>(owner)->*Member).emplace_back(); },
                 [](const void* owner) { return (static_cast<const Owner*>(owner)->*Member).size(); },
                 [](const void* owner, std::size_t index) -> const void* {
                     return &(static_cast<const Owner*>(owner)->*Member)[index];
                 }};
}

// The limits are what the tables of the data plane are made for; a process with more of them is several
// processes.
constexpr std::array kTables{
    table<&Config::ports>("ports[]", "ports[].name", 16),
    table<&Config::routes>("routes[]", "routes[].to", 256),
    table<&Config::pools>("pools[]", "pools[].name", 1024),
    table<&Pool::backends>("pools[].backends[]", "pools[].backends[].name", 256),
    table<&Config::services>("services[]", "services[].name", 1024),
};

std::vector<Key> all_keys() {
    std::vector<Key> all(kKeysBeforeTcp.begin(), kKeysBeforeTcp.end());
    all.insert(all.end(), tcp_keys().begin(), tcp_keys().end());
    all.insert(all.end(), kKeysAfterTcp.begin(), kKeysAfterTcp.end());
    return all;
}

std::string_view word_for(Type type) {
    switch (type) {
        case Type::Time:
            return "duration";
        case Type::Size:
            return "size";
        case Type::Count:
            return "number";
        case Type::Bool:
            return "bool";
        case Type::Text:
            return "text";
        case Type::Name:
            return "name";
        case Type::Device:
            return "device";
        case Type::Mode:
            return "file mode";
        case Type::Choice:
            return "word";
        case Type::HostAddress:
            return "address";
        case Type::HostEndpoint:
            return "address:port";
        case Type::Socket:
            return "address:port";
        case Type::Interface:
            return "address/length";
        case Type::Network:
            return "network/length";
        case Type::Gateway:
            return "address";
        case Type::TwoPorts:
            return "[first, last]";
        case Type::Buffer:
            return "size or [min, default, max]";
    }
    return {};
}

}  // namespace

std::span<const Key> keys() {
    static const std::vector<Key> all = all_keys();
    return all;
}

std::span<const Table> tables() {
    return kTables;
}

const Key* find_key(std::string_view path) {
    const auto found =
        std::find_if(keys().begin(), keys().end(), [&](const Key& row) { return row.path == path; });
    return found == keys().end() ? nullptr : &*found;
}

std::string default_text(const Key& row) {
    if (row.is_required) return {};
    if (row.path.starts_with("pools[].backends[].")) {
        const Backend fresh;
        return row.write(&fresh, row);
    }
    if (row.path.starts_with("pools[].")) {
        const Pool fresh;
        return row.write(&fresh, row);
    }
    if (row.path.starts_with("services[].")) {
        const Service fresh;
        return row.write(&fresh, row);
    }
    if (row.path.starts_with("ports[].")) {
        const Port fresh;
        return row.write(&fresh, row);
    }
    if (row.path.starts_with("routes[].")) {
        const Route fresh;
        return row.write(&fresh, row);
    }
    const Config fresh;
    return row.write(&fresh, row);
}

std::string range_text(const Key& row) {
    if (!row.range.bounded()) return {};
    const bool counts_letters = row.type == Type::Text || row.type == Type::Name || row.type == Type::Device;
    const bool counts_entries = row.is_list && row.type != Type::Count;
    std::string text =
        detail::format_number(row.range.min, row) + " … " + detail::format_number(row.range.max, row);
    if (counts_entries) return text + " entries";
    return counts_letters ? text + " letters" : text;
}

std::string type_text(const Key& row) {
    const std::string word(word_for(row.type));
    if (row.is_list) return "list of " + word;
    return row.automatic.empty() ? word : word + " or `" + std::string(row.automatic) + "`";
}

std::string reference_table() {
    std::string out = "| key | type | default | range | in force | meaning |\n|---|---|---|---|---|---|\n";
    for (const Key& row : keys()) {
        const std::string value = default_text(row);
        out += "| `" + std::string(row.path) + "` | " + type_text(row) + " | " +
               (row.is_required ? "required"
                : value.empty() ? "–"
                                : "`" + value + "`") +
               " | " + range_text(row) + " | " + (row.apply == Apply::Live ? "reload" : "restart") + " | " +
               std::string(row.help) + " |\n";
    }
    return out;
}

}  // namespace terminus::config
