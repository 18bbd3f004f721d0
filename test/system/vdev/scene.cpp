#include "scene.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/assert.hpp"
#include "base/rng.hpp"
#include "base/siphash.hpp"
#include "support/pool.hpp"
#include "tcp/environment.hpp"

namespace terminus::vdev {
namespace {

/// EAL's memory for the pools below, test_support's, and DPDK's own needs.
constexpr std::uint32_t kMegabytes = 256;
/// An AF_XDP device keeps 2056 mbufs for good, a TAP 1023: several devices and all streams fit beside them.
constexpr std::uint32_t kPayloadBuffers = 16383;
constexpr std::uint32_t kHeaderBuffers = 8191;
constexpr std::uint32_t kIndirectBuffers = 8191;
constexpr std::uint32_t kSteadyBuffers = 4095;
constexpr std::uint32_t kReserve = 1024 + 2 * 64;
constexpr std::uint32_t kPeersReserve = 512;
/// The peers hold streams as strings; this bounds the mbufs that they hold besides.
constexpr std::uint32_t kPeerSendBytes = 64 * 1024;

dpdk::Pool make_pool(const char* name, std::uint32_t count, std::uint16_t data_room) {
    test::start_eal(kMegabytes);
    dpdk::PoolSettings settings;
    settings.name = name;
    settings.count = count;
    settings.data_room = data_room;
    settings.poisoned = true;
    auto made = dpdk::Pool::create(settings);
    if (!made.ok()) {
        std::fprintf(stderr, "%s\n", made.error().c_str());
        std::exit(2);
    }
    return std::move(made).value();
}

wire::IpAddress ip(std::string_view text) {
    const auto address = wire::IpAddress::parse(text);
    TERMINUS_ASSERT(address.has_value(), "addresses in the tests are written right");
    return *address;
}

wire::Prefix prefix(std::string_view text) {
    const auto parsed = wire::Prefix::parse(text);
    TERMINUS_ASSERT(parsed.has_value(), "prefixes in the tests are written right");
    return *parsed;
}

wire::Endpoint at(std::string_view address, std::uint32_t port) {
    return {ip(address), static_cast<std::uint16_t>(port)};
}

std::string random_stream(std::uint64_t seed, std::size_t length) {
    base::Rng rng(seed);
    std::string bytes(length, '\0');
    for (char& byte : bytes)
        byte = static_cast<char>(rng.next() >> 56);
    return bytes;
}

const std::vector<wire::IpAddress>& terminus_addresses() {
    static const std::vector<wire::IpAddress> addresses{ip("10.0.1.1"),     ip("fd00:1::1"),
                                                        ip("10.0.2.1"),     ip("fd00:2::1"),
                                                        ip("203.0.113.80"), ip("2001:db8::80")};
    return addresses;
}

/// A sentence when `flow` is not exactly what was to come of it.
void check_flow(const char* who, std::uint32_t session, const test::Flow& flow, const std::string& expected,
                std::vector<std::string>& faults) {
    const std::string name = std::string(who) + " " + std::to_string(session);
    if (flow.closed != stats::CloseReason::Normal) {
        faults.push_back(name + (flow.closed ? " closed: " + std::string(stats::text(*flow.closed).label)
                                             : " is still open"));
    }
    if (payload_hash(flow.received) == payload_hash(expected) && flow.received.size() == expected.size())
        return;
    std::size_t same = 0;
    while (same < flow.received.size() && same < expected.size() && flow.received[same] == expected[same])
        ++same;
    faults.push_back(name + " received " + std::to_string(flow.received.size()) + " of " +
                     std::to_string(expected.size()) + " bytes, the first " + std::to_string(same) +
                     " right");
}

std::uint64_t received_by(const std::deque<test::Flow>& flows) {
    std::uint64_t sum = 0;
    for (const test::Flow& flow : flows)
        sum += flow.received.size();
    return sum;
}

}  // namespace

Pools::Pools()
    : payload_(make_pool("vdev_payload", kPayloadBuffers, dpdk::kFrameDataRoom)),
      header_(make_pool("vdev_header", kHeaderBuffers, dpdk::kFrameDataRoom)),
      indirect_(make_pool("vdev_indirect", kIndirectBuffers, 0)),
      steady_(make_pool("vdev_steady", kSteadyBuffers, dpdk::kFrameDataRoom)) {
    static_cast<void>(test::pool());
    static_cast<void>(test::indirect_pool());
}

stack::Buffers Pools::terminus() const {
    return {
        .payload = payload_.get(), .header = header_.get(), .indirect = indirect_.get(), .reserve = kReserve};
}

stack::Buffers Pools::peers() const {
    return {.payload = steady_.get(),
            .header = test::pool(),
            .indirect = test::indirect_pool(),
            .reserve = kPeersReserve};
}

std::uint32_t Pools::in_use() const {
    return payload_.in_use() + header_.in_use() + indirect_.in_use() + steady_.in_use() +
           test::buffers_in_use();
}

Plan::Plan(const SceneOptions& options, const Pools& pools)
    : options_(options), pools_(pools), services_(table(options.sessions)) {}

wire::Endpoint Plan::service(std::uint32_t session) {
    return at(is_v6(session) ? "2001:db8::80" : "203.0.113.80", kServicePort + session);
}
wire::Endpoint Plan::backend(std::uint32_t session) {
    return at(is_v6(session) ? "fd00:2::10" : "10.0.2.10", kBackendPort + session);
}
wire::Endpoint Plan::client(std::uint32_t session) {
    return at(is_v6(session) ? "fd00:1::10" : "10.0.1.10", kClientPort + session);
}

std::string Plan::upstream(std::uint32_t session) const {
    return random_stream(options_.seed * 1000 + session * 2, options_.stream_bytes);
}
std::string Plan::downstream(std::uint32_t session) const {
    return random_stream(options_.seed * 1000 + session * 2 + 1, options_.stream_bytes);
}

proxy::ServiceTable Plan::table(std::uint32_t sessions) {
    std::vector<proxy::Service> services;
    std::vector<proxy::Pool> pools;
    for (std::uint32_t i = 0; i < sessions; ++i) {
        const auto id = static_cast<std::uint16_t>(i);
        const std::string name = "s" + std::to_string(i);
        proxy::Pool pool;
        pool.id = id;
        pool.name = name;
        pool.backends = {{.id = 0, .name = name, .address = backend(i)}};
        pool.sources = {{2, terminus_addresses()[2]}, {3, terminus_addresses()[3]}};
        pool.connect_timeout = std::chrono::seconds(20);  // a lost SYN is not a silent backend
        pools.push_back(std::move(pool));
        proxy::Service service;
        service.id = id;
        service.name = name;
        service.listen = {Plan::service(i)};
        service.pool = id;
        services.push_back(std::move(service));
    }
    return proxy::ServiceTable(1, std::move(services), std::move(pools), terminus_addresses());
}

stack::Settings Plan::common(std::uint64_t salt, const stack::Buffers& buffers) const {
    stack::Settings settings;
    settings.seed = options_.seed * 3 + salt;
    settings.secrets = tcp::Secrets::from_seed(settings.seed);
    settings.table_key = base::SipKey::from_seed(settings.seed);
    settings.buffers = buffers;
    settings.connections_max = 256;
    settings.half_open_max = 256;
    settings.time_wait_max = 256;
    settings.application_timers_max = 256;
    return settings;
}

stack::Settings Plan::terminus_settings() const {
    stack::Settings settings = common(0, pools_.terminus());
    settings.interfaces = {
        {.port = 0, .mac = kFrontMac, .addresses = {prefix("10.0.1.1/24"), prefix("fd00:1::1/64")}},
        {.port = 1, .mac = kBackMac, .addresses = {prefix("10.0.2.1/24"), prefix("fd00:2::1/64")}},
    };
    settings.local_addresses = terminus_addresses();
    settings.routes = {{prefix("10.0.1.0/24"), std::nullopt, 0},
                       {prefix("fd00:1::/64"), std::nullopt, 0},
                       {prefix("10.0.2.0/24"), std::nullopt, 1},
                       {prefix("fd00:2::/64"), std::nullopt, 1}};
    settings.steering = std::vector<flow::Steering>(2);
    return settings;
}

stack::Settings Plan::host_settings(bool is_client) const {
    stack::Settings settings = common(is_client ? 1 : 2, pools_.peers());
    settings.tunables.wmem = kPeerSendBytes;
    const wire::Prefix v4 = prefix(is_client ? "10.0.1.10/24" : "10.0.2.10/24");
    const wire::Prefix v6 = prefix(is_client ? "fd00:1::10/64" : "fd00:2::10/64");
    settings.interfaces = {{.port = 0, .mac = is_client ? kClientMac : kBackendMac, .addresses = {v4, v6}}};
    settings.local_addresses = {v4.address, v6.address};
    settings.routes = {{v4, std::nullopt, 0},
                       {v6, std::nullopt, 0},
                       {prefix("0.0.0.0/0"), ip(is_client ? "10.0.1.1" : "10.0.2.1"), 0},
                       {prefix("::/0"), ip(is_client ? "fd00:1::1" : "fd00:2::1"), 0}};
    settings.steering = {flow::Steering()};
    return settings;
}

std::uint64_t payload_hash(std::string_view bytes) {
    static const base::SipKey key = base::SipKey::from_seed(0);
    return base::siphash(key, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

ClientHost::ClientHost(const Plan& plan, packet::Port& port, base::Instant now)
    : plan_(plan), node_(plan.host_settings(true), {&port}, app_, now) {}

void ClientHost::connect_all(base::Instant now) {
    node_.stack().begin_turn(now);
    for (std::uint32_t i = 0; i < plan_.sessions(); ++i) {
        app_.connect(node_.stack(), {Plan::client(i), Plan::service(i)}, Plan::is_v6(i) ? 1 : 0,
                     {.send = plan_.upstream(i),
                      .finish_when_sent = i % 4 < 2,
                      .finish_when_peer_finished = i % 4 >= 2});
    }
}

bool ClientHost::is_done() const {
    if (app_.flows().size() < plan_.sessions()) return false;
    for (const test::Flow& flow : app_.flows()) {
        if (!flow.closed) return false;
    }
    return true;
}

std::vector<std::string> ClientHost::faults() const {
    std::vector<std::string> faults;
    for (std::uint32_t i = 0; i < plan_.sessions(); ++i)
        check_flow("client", i, app_.flows()[i], plan_.downstream(i), faults);
    return faults;
}

std::uint64_t ClientHost::bytes_received() const {
    return received_by(app_.flows());
}

BackendHost::BackendHost(const Plan& plan, packet::Port& port, base::Instant now)
    : plan_(plan), node_(plan.host_settings(false), {&port}, app_, now) {
    for (std::uint32_t i = 0; i < plan.sessions(); ++i) {
        app_.listen(Plan::backend(i), {.send = plan.downstream(i),
                                       .finish_when_sent = i % 4 >= 2,
                                       .finish_when_peer_finished = i % 4 < 2});
    }
}

bool BackendHost::is_done() const {
    if (app_.flows().size() < plan_.sessions()) return false;
    for (const test::Flow& flow : app_.flows()) {
        if (!flow.closed) return false;
    }
    return true;
}

std::vector<std::string> BackendHost::faults() const {
    std::vector<std::string> faults;
    std::vector<std::uint32_t> seen(plan_.sessions());
    for (const test::Flow& flow : app_.flows()) {
        const std::uint32_t session = flow.tuple.local.port - Plan::kBackendPort;
        ++seen[session];
        check_flow("backend", session, flow, plan_.upstream(session), faults);
    }
    for (std::uint32_t i = 0; i < plan_.sessions(); ++i) {
        if (seen[i] != 1)
            faults.push_back("backend " + std::to_string(i) + " has seen " + std::to_string(seen[i]) +
                             " connections");
    }
    return faults;
}

std::uint64_t BackendHost::bytes_received() const {
    return received_by(app_.flows());
}

std::uint64_t live_connections(const stats::CoreStats& stats) {
    std::uint64_t sum = 0;
    for (const stats::LegStats& leg : stats.legs) {
        for (std::size_t state = 0; state < tcp::kStates; ++state) {
            const auto is = static_cast<tcp::State>(state);
            if (is != tcp::State::Closed && is != tcp::State::TimeWait) sum += leg.connections[state].value();
        }
    }
    return sum;
}

std::uint64_t bytes_sent_again(const stats::CoreStats& stats) {
    return stats.legs[0].segments_retransmitted_bytes.value() +
           stats.legs[1].segments_retransmitted_bytes.value();
}

std::uint64_t segments_out_of_order(const stats::CoreStats& stats) {
    return stats.legs[0].out_of_order_segments.value() + stats.legs[1].out_of_order_segments.value();
}

}  // namespace terminus::vdev
