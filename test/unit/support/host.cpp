#include "support/host.hpp"

#include "base/rng.hpp"
#include "support/pool.hpp"

namespace terminus::test {
namespace {

stack::Settings settings_of(const HostOptions& options) {
    const wire::IpAddress own[] = {Host::address_of(options.number, false),
                                   Host::address_of(options.number, true)};
    stack::Settings settings;
    settings.worker = options.worker;
    settings.workers = options.workers;
    settings.connections_max = options.connections_max;
    settings.half_open_max = options.half_open_max;
    settings.time_wait_max = options.time_wait_max;
    settings.profiles_max = options.profiles_max;
    settings.application_timers_max = 16;
    settings.seed = options.seed;
    settings.secrets = tcp::Secrets::from_seed(options.seed);
    settings.table_key = base::SipKey::from_seed(options.seed);
    settings.tunables = options.tunables;
    settings.buffers = options.buffers;
    settings.resting = options.resting;
    settings.interfaces = {{.port = 0,
                            .mac = Host::mac_of(options.number),
                            .mtu = options.mtu,
                            .addresses = {{own[0], 24}, {own[1], 64}}}};
    settings.routes = {{{own[0], 24}, std::nullopt, 0}, {{own[1], 64}, std::nullopt, 0}};
    settings.local_addresses = {own[0], own[1]};
    settings.local_addresses.insert(settings.local_addresses.end(), options.virtual_addresses.begin(),
                                    options.virtual_addresses.end());
    settings.steering = {options.steering};
    return settings;
}

}  // namespace

std::string random_bytes(std::uint64_t seed, std::size_t length) {
    base::Rng rng(seed);
    std::string bytes(length, '\0');
    for (char& byte : bytes)
        byte = static_cast<char>(rng.next() >> 56);
    return bytes;
}

stack::Buffers test_buffers(std::uint32_t reserve) {
    return {.payload = pool(), .header = pool(), .indirect = indirect_pool(), .reserve = reserve};
}

Host::Host(const HostOptions& options, base::Instant now)
    : number_(options.number),
      port_({.mac = mac_of(options.number), .capabilities = options.capabilities, .mtu = options.mtu}),
      node_(settings_of(options), {&port_}, app_, now) {}

wire::IpAddress Host::address_of(std::uint8_t number, bool is_v6) {
    if (!is_v6) return wire::IpAddress::v4(192, 0, 2, number);
    return wire::IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number});
}

void Host::listen(std::uint16_t port, const Script& script) {
    app_.listen(endpoint(port, false), script);
    app_.listen(endpoint(port, true), script);
}

void Host::unlisten(std::uint16_t port) {
    app_.unlisten(endpoint(port, false));
    app_.unlisten(endpoint(port, true));
}

Flow& Host::connect(const wire::Endpoint& to, std::uint16_t local_port, Script script, base::Instant now) {
    const bool is_v6 = !to.address.is_v4();
    node_.stack().begin_turn(now);
    return app_.connect(node_.stack(), {endpoint(local_port, is_v6), to}, is_v6 ? 1 : 0, std::move(script));
}

std::uint64_t Host::drops() const {
    std::uint64_t sum = 0;
    for (std::size_t reason = 0; reason < std::size(stats::kDropReasons); ++reason)
        sum += drops(static_cast<stats::DropReason>(reason));
    return sum;
}

std::uint64_t Host::closes(stats::CloseReason reason) const {
    return stats().leg(stats::Leg::Client).closes[reason].value() +
           stats().leg(stats::Leg::Backend).closes[reason].value();
}

std::uint64_t Host::count(tcp::State state) const {
    const auto at = static_cast<std::size_t>(state);
    return stats().leg(stats::Leg::Client).connections[at].value() +
           stats().leg(stats::Leg::Backend).connections[at].value();
}

std::uint64_t Host::live() const {
    std::uint64_t sum = 0;
    for (std::size_t state = 0; state < tcp::kStates; ++state)
        sum += count(static_cast<tcp::State>(state));
    return sum - count(tcp::State::TimeWait);
}

Host& World::add_host(const HostOptions& options) {
    return *hosts_.emplace_back(std::make_unique<Host>(options, now_));
}

sim::Link& World::connect(Host& a, Host& b, const sim::LinkSettings& settings) {
    return *links_.emplace_back(std::make_unique<sim::Link>(a.port(), b.port(), pool(), settings));
}

void World::run(base::Duration span) {
    const base::Instant end = now_ + span;
    turn();
    while (now_ < end)
        step(end);
}

// To the next thing that happens, or to `end`.
void World::step(base::Instant end) {
    base::Instant next = base::kNever;
    for (const auto& link : links_)
        next = std::min(next, link->next_delivery());
    for (const auto& host : hosts_)
        next = host->has_work() ? now_ : std::min(next, host->next_deadline());
    // A turn takes a microsecond at least, so that a deadline within the present tick can't hold time up.
    next = std::max(next, now_ + std::chrono::microseconds(1));
    now_ = std::min(next, end);
    turn();
}

void World::turn() {
    for (const auto& link : links_)
        link->advance(now_);
    for (const auto& host : hosts_)
        host->turn(now_);
    for (const auto& link : links_)
        link->advance(now_);
}

}  // namespace terminus::test
