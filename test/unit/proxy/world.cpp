#include "proxy/world.hpp"

#include <algorithm>

#include "base/rng.hpp"
#include "proxy/support.hpp"

namespace terminus::proxy::test {
namespace {

constexpr base::Instant kStart = base::instant_from_ns(1'000'000'000'000);
constexpr wire::MacAddress kClientMac{{2, 0, 0, 0, 1, 0x10}};
constexpr wire::MacAddress kProxyMac0{{2, 0, 0, 0, 1, 1}};
constexpr wire::MacAddress kProxyMac1{{2, 0, 0, 0, 2, 1}};
constexpr wire::MacAddress kBackendMac{{2, 0, 0, 0, 2, 0x10}};

// The proxy's addresses by local id: those of its interfaces first, as the network interns them.
const std::vector<wire::IpAddress>& proxy_addresses() {
    static const std::vector<wire::IpAddress> addresses{ip("10.0.1.1"),     ip("fd00:1::1"),
                                                        ip("10.0.2.1"),     ip("fd00:2::1"),
                                                        ip("203.0.113.80"), ip("2001:db8::80")};
    return addresses;
}

wire::Prefix prefix(std::string_view text) {
    return *wire::Prefix::parse(text);
}

stack::Settings common(std::uint64_t seed) {
    stack::Settings settings;
    settings.seed = seed;
    settings.secrets = tcp::Secrets::from_seed(seed);
    settings.table_key = base::SipKey::from_seed(seed);
    settings.buffers = {.payload = terminus::test::pool(),
                        .header = terminus::test::pool(),
                        .indirect = terminus::test::indirect_pool(),
                        .reserve = 512};
    settings.time_wait_max = 4096;
    settings.half_open_max = 4096;
    return settings;
}

std::vector<wire::Endpoint> or_default(std::vector<wire::Endpoint> backends, bool is_v6) {
    if (backends.empty()) backends.push_back(World::backend(8080, is_v6));
    return backends;
}

}  // namespace

World::World(const Options& options)
    : options_(options),
      now_(kStart),
      client_cable_(options.client_cable, kClientMac, kProxyMac0),
      backend_cable_(options.backend_cable, kProxyMac1, kBackendMac),
      steering_(2),
      services_(table(1, or_default(options.backends, options.is_v6))),
      proxy_({.sessions_max = options.sessions_max,
              .source_ports = options.source_ports,
              .source_pairs_max = 16,
              .steering = steering_},
             &services_),
      proxy_node_(proxy_settings(), {&client_cable_.right(), &backend_cable_.left()}, proxy_, now_),
      client_node_(host_settings(true), {&client_cable_.left()}, clients_, now_),
      backend_node_(host_settings(false), {&backend_cable_.right()}, backends_, now_) {
    proxy_.set_profiles(proxy_node_.stack());
    turn();
}

wire::Endpoint World::backend(std::uint16_t port, bool is_v6) {
    return endpoint(is_v6 ? "fd00:2::10" : "10.0.2.10", port);
}

wire::Endpoint World::silent_backend(bool is_v6) {
    return endpoint(is_v6 ? "fd00:2::99" : "10.0.2.99", 8080);
}

Flow& World::connect(Script script) {
    const wire::FourTuple tuple{
        .local = endpoint(options_.is_v6 ? "fd00:1::10" : "10.0.1.10", next_client_port_++),
        .remote = endpoint(options_.is_v6 ? "2001:db8::80" : "203.0.113.80", 80),
    };
    client_node_.stack().begin_turn(now_);
    return clients_.connect(client_node_.stack(), tuple, options_.is_v6 ? 1 : 0, std::move(script));
}

ServiceTable World::table(std::uint64_t version, const std::vector<wire::Endpoint>& backends) const {
    if (backends.empty()) return ServiceTable(version, {}, {}, proxy_addresses());
    Pool pool{.id = 7,
              .name = "web",
              .sources = {{2, ip("10.0.2.1")}, {3, ip("fd00:2::1")}},
              .connect_timeout = options_.connect_timeout,
              .retries = options_.retries};
    for (const wire::Endpoint& address : backends) {
        pool.backends.push_back({.id = static_cast<BackendId>(pool.backends.size()), .address = address});
    }
    Service service{.id = 5,
                    .name = "web",
                    .listen = {endpoint("203.0.113.80", 80), endpoint("2001:db8::80", 80)},
                    .pool = 7,
                    .idle_timeout = options_.idle_timeout,
                    .half_close_timeout = options_.half_close_timeout,
                    .client_profile = 1,
                    .backend_profile = 2};
    return ServiceTable(version, {service}, {pool}, proxy_addresses(),
                        {options_.client_overrides, options_.backend_overrides});
}

void World::run(base::Duration span) {
    const base::Instant end = now_ + span;
    turn();
    while (now_ < end)
        step(end);
}

// To the next thing that happens, or to `end`.
void World::step(base::Instant end) {
    const bool has_work =
        proxy_node_.stack().has_work() || client_node_.stack().has_work() || backend_node_.stack().has_work();
    base::Instant next = std::min({client_cable_.next_arrival(), backend_cable_.next_arrival(),
                                   proxy_node_.stack().next_deadline(), client_node_.stack().next_deadline(),
                                   backend_node_.stack().next_deadline()});
    if (has_work) next = now_;
    // A turn takes a microsecond at least, so that a deadline within the present tick can't hold time up.
    next = std::max(next, now_ + std::chrono::microseconds(1));
    now_ = std::min(next, end);
    turn();
}

void World::turn() {
    client_cable_.set_now(now_);
    backend_cable_.set_now(now_);
    client_node_.turn(now_);
    proxy_node_.turn(now_);
    backend_node_.turn(now_);
}

std::uint64_t World::count(tcp::State state) const {
    const auto at = static_cast<std::size_t>(state);
    return stats().leg(stats::Leg::Client).connections[at].value() +
           stats().leg(stats::Leg::Backend).connections[at].value();
}

std::uint64_t World::live() const {
    std::uint64_t sum = 0;
    for (std::size_t state = 0; state < tcp::kStates; ++state)
        sum += count(static_cast<tcp::State>(state));
    return sum - count(tcp::State::Closed) - count(tcp::State::TimeWait);
}

stack::Settings World::host_settings(bool is_client) const {
    stack::Settings settings = common(options_.seed * 3 + (is_client ? 1 : 2));
    settings.connections_max = 4096;
    settings.tunables = options_.host_tunables;
    const char* const v4 = is_client ? "10.0.1.10/24" : "10.0.2.10/24";
    const char* const v6 = is_client ? "fd00:1::10/64" : "fd00:2::10/64";
    settings.interfaces = {
        {.port = 0, .mac = is_client ? kClientMac : kBackendMac, .addresses = {prefix(v4), prefix(v6)}}};
    settings.local_addresses = {prefix(v4).address, prefix(v6).address};
    settings.routes = {{prefix(v4), std::nullopt, 0}, {prefix(v6), std::nullopt, 0}};
    settings.routes.push_back({prefix("0.0.0.0/0"), ip(is_client ? "10.0.1.1" : "10.0.2.1"), 0});
    settings.routes.push_back({prefix("::/0"), ip(is_client ? "fd00:1::1" : "fd00:2::1"), 0});
    settings.steering = {flow::Steering()};
    return settings;
}

stack::Settings World::proxy_settings() const {
    stack::Settings settings = common(options_.seed * 3);
    settings.resting = stack::Resting::at_once();
    settings.connections_max = options_.connections_max;
    settings.profiles_max = kProfilesMax;
    settings.application_timers_max = options_.sessions_max;
    settings.tunables = options_.tunables;
    settings.interfaces = {
        {.port = 0, .mac = kProxyMac0, .addresses = {prefix("10.0.1.1/24"), prefix("fd00:1::1/64")}},
        {.port = 1, .mac = kProxyMac1, .addresses = {prefix("10.0.2.1/24"), prefix("fd00:2::1/64")}},
    };
    settings.local_addresses = proxy_addresses();
    settings.routes = {{prefix("10.0.1.0/24"), std::nullopt, 0},
                       {prefix("fd00:1::/64"), std::nullopt, 0},
                       {prefix("10.0.2.0/24"), std::nullopt, 1},
                       {prefix("fd00:2::/64"), std::nullopt, 1}};
    settings.steering = steering_;
    return settings;
}

std::string pattern(std::uint64_t seed, std::size_t length) {
    base::Rng rng(seed);
    std::string bytes(length, '\0');
    for (char& byte : bytes)
        byte = static_cast<char>(rng.next() >> 56);
    return bytes;
}

}  // namespace terminus::proxy::test
