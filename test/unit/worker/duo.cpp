#include "worker/duo.hpp"

#include <algorithm>

#include "base/rng.hpp"

namespace terminus::worker::test {
namespace {

constexpr wire::MacAddress kPortMac{{2, 0, 0, 0, 0, 1}};
constexpr wire::MacAddress kHostMac{{2, 0, 0, 0, 0, 0x10}};

wire::IpAddress ip(const char* text) {
    return *wire::IpAddress::parse(text);
}
wire::Prefix prefix(const char* text) {
    return *wire::Prefix::parse(text);
}

stack::Settings common(std::uint64_t seed) {
    stack::Settings settings;
    settings.seed = seed;
    settings.secrets = tcp::Secrets::from_seed(seed);
    settings.table_key = base::SipKey::from_seed(seed);
    settings.connections_max = 2048;
    settings.half_open_max = 1024;
    settings.time_wait_max = 2048;
    settings.application_timers_max = 1024;
    settings.buffers = {.payload = terminus::test::pool(),
                        .header = terminus::test::pool(),
                        .indirect = terminus::test::indirect_pool(),
                        .reserve = 512};
    settings.resting = stack::Resting::at_once();
    settings.routes = {{prefix("10.0.0.0/24"), std::nullopt, 0}, {prefix("fd00::/64"), std::nullopt, 0}};
    return settings;
}

// By local id: those of the interface first, as the network interns them.
std::vector<wire::IpAddress> local_addresses() {
    return {ip("10.0.0.1"), ip("fd00::1"), ip("10.0.0.80"), ip("fd00::80")};
}

template <typename Counters>
std::uint64_t sum(const Counters& counters, std::size_t count) {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < count; ++i)
        all += counters(i);
    return all;
}

}  // namespace

Duo::Duo(bool is_v6, const sim::LinkSettings& wire)
    : is_v6_(is_v6),
      port_({.mac = kPortMac, .capabilities = sim::MemoryPort::cutting()}),
      host_port_({.mac = kHostMac, .capabilities = sim::MemoryPort::able()}),
      link_(port_, host_port_, terminus::test::pool(), wire),
      group_(2),
      mesh_(2),
      relay_(port_, 0, 1, 0, mesh_),
      host_node_(host_settings(), {&host_port_}, host_app_, kStart) {
    const proxy::ServiceTable* services = table(1, true);
    workers_.push_back(std::make_unique<worker::Worker>(
        worker_settings(0), std::vector<packet::Port*>{&port_}, group_.mailbox(0), mesh_, services, kStart));
    workers_.push_back(std::make_unique<worker::Worker>(
        worker_settings(1), std::vector<packet::Port*>{&relay_}, group_.mailbox(1), mesh_, services, kStart));
}

Flow& Duo::connect(Script script) {
    const wire::FourTuple tuple{.local = {ip(is_v6_ ? "fd00::10" : "10.0.0.10"), next_client_port_++},
                                .remote = {ip(is_v6_ ? "fd00::80" : "10.0.0.80"), kServicePort}};
    host_node_.stack().begin_turn(now_);
    return host_app_.connect(host_node_.stack(), tuple, is_v6_ ? 1 : 0, std::move(script));
}

void Duo::warm_up() {
    serve({.finish_when_peer_finished = true});
    bool reached[2] = {false, false};
    while (!reached[0] || !reached[1]) {
        Flow& client = connect({.finish_when_sent = true});
        REQUIRE(run_until(std::chrono::seconds(5), [&] { return client.is_established; }));
        reached[owner(client)] = true;
    }
    REQUIRE(run_until(std::chrono::seconds(5), [&] { return live() == 0; }));
    host_app_.unlisten(backend());
}

void Duo::run(base::Duration span) {
    const base::Instant end = now_ + span;
    while (now_ < end)
        step(end);
}

Reply Duo::ask(std::uint16_t worker, Command&& command) {
    REQUIRE(mailbox(worker).post(std::move(command)));
    turn();
    std::optional<Reply> reply = mailbox(worker).poll();
    REQUIRE(reply.has_value());
    return std::move(*reply);
}

const proxy::ServiceTable* Duo::table(std::uint64_t version, bool has_service) {
    const proxy::Pool pool{.id = 7,
                           .name = "web",
                           .backends = {{.id = 0, .name = "host", .address = backend()}},
                           .sources = {{0, ip("10.0.0.1")}, {1, ip("fd00::1")}},
                           .connect_timeout = std::chrono::seconds(1)};
    const proxy::Service service{.id = kService,
                                 .name = "web",
                                 .listen = {{ip("10.0.0.80"), kServicePort}, {ip("fd00::80"), kServicePort}},
                                 .pool = 7};
    std::vector<proxy::Service> services;
    if (has_service) services.push_back(service);
    return &tables_.emplace_back(version, std::move(services), std::vector{pool}, local_addresses());
}

std::uint16_t Duo::owner(const Flow& client) const {
    const flow::Steering steering({}, {}, 2);
    return steering.owner({.local = client.tuple.remote, .remote = client.tuple.local});
}

std::uint64_t Duo::live(std::uint16_t worker) const {
    std::uint64_t count = 0;
    for (const stats::LegStats& leg : stats(worker).legs) {
        count += sum([&](std::size_t state) { return leg.connections[state].value(); }, tcp::kStates);
        count -= leg.connections[static_cast<std::size_t>(tcp::State::Closed)].value();
        count -= leg.connections[static_cast<std::size_t>(tcp::State::TimeWait)].value();
    }
    return count;
}

std::uint64_t Duo::live() const {
    return live(0) + live(1);
}

std::uint64_t Duo::drops() const {
    return sum(
        [&](std::size_t reason) {
            return stats(0).drops[static_cast<stats::DropReason>(reason)].value() +
                   stats(1).drops[static_cast<stats::DropReason>(reason)].value();
        },
        std::size(stats::kDropReasons));
}

std::uint64_t Duo::resets() const {
    std::uint64_t count = 0;
    for (const std::uint16_t worker : {0, 1}) {
        count += stats(worker).resets_sent_without_connection.value();
        for (const stats::LegStats& leg : stats(worker).legs) {
            count += leg.resets_received.value();
            count += sum(
                [&](std::size_t i) { return leg.resets_sent[static_cast<stats::ResetReason>(i)].value(); },
                std::size(stats::kResetReasons));
        }
    }
    return count;
}

std::uint64_t Duo::closes(stats::Leg leg, stats::CloseReason reason) const {
    return stats(0).leg(leg).closes[reason].value() + stats(1).leg(leg).closes[reason].value();
}

wire::Endpoint Duo::backend() const {
    return {ip(is_v6_ ? "fd00::10" : "10.0.0.10"), kBackendPort};
}

Settings Duo::worker_settings(std::uint16_t index) const {
    Settings settings;
    settings.stack = common(1);
    settings.stack.worker = index;
    settings.stack.workers = 2;
    settings.stack.seed += index;
    settings.stack.interfaces = {
        {.port = 0, .mac = kPortMac, .addresses = {prefix("10.0.0.1/24"), prefix("fd00::1/64")}}};
    settings.stack.local_addresses = local_addresses();
    settings.stack.steering = {flow::Steering({}, {}, 2)};
    settings.proxy.sessions_max = 1024;
    settings.proxy.source_pairs_max = 16;
    return settings;
}

stack::Settings Duo::host_settings() const {
    stack::Settings settings = common(100);
    settings.interfaces = {
        {.port = 0, .mac = kHostMac, .addresses = {prefix("10.0.0.10/24"), prefix("fd00::10/64")}}};
    settings.local_addresses = {ip("10.0.0.10"), ip("fd00::10")};
    settings.steering = {flow::Steering()};
    return settings;
}

// Whether somebody has more to do at once.
bool Duo::turn() {
    link_.advance(now_);
    host_node_.turn(now_);
    bool busy = workers_[0]->run_once(now_);
    busy |= workers_[1]->run_once(now_);
    link_.advance(now_);
    return busy || host_node_.stack().has_work() || mesh_.has_mail(0) || mesh_.has_mail(1);
}

void Duo::step(base::Instant end) {
    base::Instant next = now_;
    if (!turn()) {
        next = std::min({link_.next_delivery(), host_node_.stack().next_deadline(),
                         workers_[0]->next_deadline(), workers_[1]->next_deadline()});
    }
    // A turn takes a microsecond at least, so that a deadline within the present tick can't hold time up.
    now_ = std::min(std::max(next, now_ + std::chrono::microseconds(1)), end);
}

std::string pattern(std::uint64_t seed, std::size_t length) {
    base::Rng rng(seed);
    std::string bytes(length, '\0');
    for (char& byte : bytes)
        byte = static_cast<char>(rng.next() >> 56);
    return bytes;
}

}  // namespace terminus::worker::test
