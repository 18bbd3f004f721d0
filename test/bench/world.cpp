#include "world.hpp"

#include <rte_cycles.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace terminus::bench {
namespace {

constexpr wire::MacAddress kMac{{2, 0, 0, 0, 0, 1}};
constexpr std::uint32_t kPayloadBuffers = 32767;
constexpr std::uint32_t kSmallBuffers = 16383;
/// Ports of a (source address, backend) that a worker gives out.
constexpr std::uint32_t kPortsOfPair = 60'000;
constexpr std::uint32_t kSources = 16;
constexpr base::Duration kTurn = std::chrono::microseconds(10);
constexpr base::Duration kTurnMax = std::chrono::microseconds(400);
/// As many turns without news mean that something is stuck.
constexpr std::uint64_t kTurnsWithoutNews = 4'000'000;

dpdk::Pool make_pool(const std::string& name, std::uint32_t number, std::uint32_t count,
                     std::uint16_t data_room) {
    dpdk::PoolSettings settings;
    settings.name = name + std::to_string(number);
    settings.count = count;
    settings.data_room = data_room;
    auto made = dpdk::Pool::create(settings);
    if (!made) throw std::runtime_error(made.error());
    return std::move(made).value();
}

packet::PortCapabilities capabilities(const World::Settings& settings) {
    if (!settings.has_offloads)
        return {.tx_multi_segment = true, .tx_indirect_buffers = true, .tx_segments_max = 16};
    return {.tx_ipv4_checksum = true,
            .tx_tcp_checksum = true,
            .tx_multi_segment = true,
            .tx_indirect_buffers = true,
            .rx_checksum = true,
            .tx_segments_max = 16,
            .tso_segments_max = settings.has_tso ? std::uint16_t{48} : std::uint16_t{0}};
}

/// Room for those that are wanted, and for what comes before the first of them have ended.
std::uint32_t time_waits_max(const World::Settings& settings) {
    return settings.time_waits + settings.time_waits / 4;
}

/// What is measured; a function of its own so that profilers can be told to look at nothing else.
[[gnu::noinline]] void measured_turn(worker::Worker& worker, base::Instant now) {
    worker.run_once(now);
}

}  // namespace

base::Duration turn_for(std::uint32_t time_waits) {
    if (time_waits == 0) return kTurn;
    return std::clamp<base::Duration>(std::chrono::seconds(60) * 5 / time_waits, kTurn, kTurnMax);
}

Landscape World::landscape(const Settings& settings) {
    Landscape landscape;
    landscape.is_v6 = settings.is_v6;
    // Whoever passes has a 4-tuple that none of those in TIME_WAIT has.
    const std::uint32_t legs = settings.staying + settings.passing + time_waits_max(settings);
    landscape.clients = legs + settings.passing;
    landscape.sources = kSources;
    landscape.backends = static_cast<std::uint16_t>(legs / (kPortsOfPair * kSources) + 1);
    return landscape;
}

World::World(const Settings& settings)
    : landscape_(landscape(settings)),
      payload_(make_pool("bench_payload", settings.number, kPayloadBuffers, dpdk::kFrameDataRoom)),
      header_(make_pool("bench_header", settings.number, kSmallBuffers, dpdk::kFrameDataRoom)),
      indirect_(make_pool("bench_indirect", settings.number, kSmallBuffers, 0)),
      device_(payload_.get(), kMac, capabilities(settings)),
      crowd_(landscape_, device_),
      services_(service_table()),
      group_(1),
      mesh_(1),
      now_(base::Instant(std::chrono::seconds(1000))),
      worker_(std::make_unique<worker::Worker>(worker_settings(settings),
                                               std::vector<packet::Port*>{&device_}, group_.mailbox(0), mesh_,
                                               &services_, now_)) {}

worker::Settings World::worker_settings(const Settings& settings) const {
    worker::Settings own;
    stack::Settings& stack = own.stack;
    stack.seed = 1;
    stack.secrets = tcp::Secrets::from_seed(1);
    stack.table_key = base::SipKey::from_seed(1);
    stack.connections_max = 2 * (settings.staying + settings.passing);
    stack.half_open_max = std::max(settings.passing, 4096u);
    stack.time_wait_max = std::max(time_waits_max(settings), 4096u);
    stack.application_timers_max = stack.connections_max;
    stack.tunables.max_tw_buckets = stack.time_wait_max;
    stack.tunables.max_syn_backlog = stack.half_open_max;
    stack.profiles_max = proxy::kProfilesMax;
    stack.buffers = {.payload = payload_.get(),
                     .header = header_.get(),
                     .indirect = indirect_.get(),
                     .reserve = 2 * MemoryDevice::kDescriptors + 512};
    const auto bits = static_cast<std::uint8_t>(settings.is_v6 ? 120 : 24);
    stack.interfaces = {{.port = 0, .mac = kMac, .mtu = 1500, .addresses = {{landscape_.own(), bits}}}};
    const wire::Prefix everywhere{settings.is_v6 ? wire::IpAddress() : wire::IpAddress::v4(0), 0};
    stack.routes = {{{landscape_.own(), bits}, std::nullopt, 0}, {everywhere, landscape_.router(), 0}};
    stack.local_addresses = services_.local_addresses();
    stack.steering = {flow::Steering()};
    own.proxy.sessions_max = stack.connections_max / 2 + 1;
    own.idle = worker::Idle::Poll;
    return own;
}

proxy::ServiceTable World::service_table() const {
    proxy::Pool pool{.id = 0, .name = "backends", .connect_timeout = std::chrono::seconds(5)};
    std::vector<wire::IpAddress> local{landscape_.own(), landscape_.service()};
    for (std::uint16_t i = 0; i < landscape_.sources; ++i) {
        pool.sources.push_back({static_cast<std::uint16_t>(local.size()), landscape_.source(i)});
        local.push_back(landscape_.source(i));
    }
    for (std::uint16_t i = 0; i < landscape_.backends; ++i) {
        pool.backends.push_back({.id = i,
                                 .name = "backend" + std::to_string(i),
                                 .address = {landscape_.backend(i), Landscape::kBackendPort}});
    }
    const proxy::Service service{
        .id = 0, .name = "service", .listen = {{landscape_.service(), Landscape::kServicePort}}, .pool = 0};
    return {1, {service}, {pool}, local};
}

std::uint64_t World::run(Work work, std::uint64_t count, std::uint32_t concurrency, base::Duration turn) {
    crowd_.begin(work, count, concurrency);
    std::uint64_t spent = 0;
    std::uint64_t done = 0;
    std::uint64_t turns_without_news = 0;
    const std::uint64_t began = rte_rdtsc();
    // Until the worker, too, has seen the end of the last one.
    while (crowd_.done() < count || !is_quiet()) {
        spent += turn_worker(turn);
        turn_crowd();
        turns_without_news = crowd_.done() == done ? turns_without_news + 1 : 0;
        done = crowd_.done();
        if (turns_without_news > kTurnsWithoutNews)
            throw std::runtime_error("stuck: " + std::to_string(done) + " of " + std::to_string(count));
    }
    crowd_cycles_ = rte_rdtsc() - began - spent;
    return spent;
}

void World::pause() {
    using std::chrono::milliseconds;
    // After ten seconds without a turn they rest. A turn looks at four, and at some legs more than once, of
    // which the first are learnt from and wait once more, and so do those behind them.
    constexpr base::Duration kQuiet = milliseconds(10'100);
    constexpr int kWaits = 3;
    for (int wait = 0; wait < kWaits; ++wait) {
        pass(kQuiet, milliseconds(10));
        for (std::uint64_t turns = 100 + std::uint64_t{2} * crowd_.opened(); turns > 0; --turns) {
            if (stats().connections_resting.value() == 2 * std::uint64_t{crowd_.opened()}) break;
            pass(kTurn, kTurn);
        }
    }
    // What they took while they were awake is given back when it was free for ten seconds, a huge page a
    // tick.
    constexpr base::Duration kGivingTurn = milliseconds(5);
    constexpr std::uint64_t kConnectionsPerPage = 900;
    pass(std::chrono::seconds(21) + kGivingTurn * (crowd_.opened() / kConnectionsPerPage), kGivingTurn);
}

std::uint64_t World::turn_worker(base::Duration step) {
    now_ += step;
    const std::uint64_t before = rte_rdtsc();
    measured_turn(*worker_, now_);
    return rte_rdtsc() - before;
}

void World::turn_crowd() {
    crowd_.turn(static_cast<std::uint32_t>(now_.time_since_epoch().count() / 1'000'000));
}

void World::pass(base::Duration span, base::Duration step) {
    for (const base::Instant end = now_ + span; now_ < end;) {
        turn_worker(step);
        turn_crowd();
    }
}

}  // namespace terminus::bench
