#include "machine.hpp"

#include <algorithm>

namespace terminus::simulation {
namespace {

std::vector<std::unique_ptr<sim::MemoryPort>> ports_of(std::uint8_t number, const MachinePlan& plan) {
    std::vector<std::unique_ptr<sim::MemoryPort>> ports;
    for (const std::uint8_t network : plan.networks) {
        ports.push_back(std::make_unique<sim::MemoryPort>(
            sim::MemoryPort::Settings{mac_of(number, network), plan.capabilities, plan.mtu}));
    }
    return ports;
}

std::vector<packet::Port*> pointers(const std::vector<std::unique_ptr<sim::MemoryPort>>& ports) {
    std::vector<packet::Port*> all;
    for (const auto& port : ports)
        all.push_back(port.get());
    return all;
}

stack::Settings settings_of(std::uint8_t number, const MachinePlan& plan, const Pools& pools) {
    stack::Settings settings;
    settings.connections_max = plan.connections_max;
    settings.half_open_max = plan.half_open_max;
    settings.time_wait_max = plan.time_wait_max;
    settings.application_timers_max = 2 * plan.connections_max;
    settings.sent_records_spare = plan.sent_records_spare;
    settings.neighbours_max = 16;
    settings.seed = plan.seed;
    settings.secrets = tcp::Secrets::from_seed(plan.seed);
    settings.table_key = base::SipKey::from_seed(plan.seed);
    settings.tunables = plan.tunables;
    settings.buffers = pools.buffers(plan.reserve);
    settings.resting = plan.resting();
    for (std::uint16_t port = 0; port < plan.networks.size(); ++port)
        add_network(settings, number, port, plan.networks[port], plan.mtu);
    return settings;
}

}  // namespace

Machine::Machine(std::uint8_t number, const MachinePlan& plan, const Pools& pools, base::Instant now,
                 Verdict& verdict)
    : number_(number),
      plan_(plan),
      pools_(pools),
      ports_(ports_of(number, plan)),
      app_(verdict),
      node_(settings_of(number, plan, pools), pointers(ports_), app_, now + plan.clock_offset) {}

wire::IpAddress address_of(std::uint8_t number, bool is_v6, std::uint8_t network) {
    if (!is_v6)
        return network == 0 ? wire::IpAddress::v4(192, 0, 2, number)
                            : wire::IpAddress::v4(198, 51, 100, number);
    return wire::IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, network, 0, 0, 0, 0, 0, 0, 0, 0, 0, number});
}

wire::Prefix prefix_of(const wire::IpAddress& host) {
    return {host, static_cast<std::uint8_t>(host.is_v4() ? 24 : 64)};
}

wire::MacAddress mac_of(std::uint8_t number, std::uint8_t network) {
    return {{2, 0, 0, 0, network, number}};
}

void add_network(stack::Settings& settings, std::uint8_t number, std::uint16_t port, std::uint8_t network,
                 std::uint16_t mtu) {
    neigh::Interface interface { .port = port, .mac = mac_of(number, network), .mtu = mtu };
    for (const bool is_v6 : {false, true}) {
        const wire::IpAddress own = address_of(number, is_v6, network);
        interface.addresses.push_back(prefix_of(own));
        settings.routes.push_back({prefix_of(own), std::nullopt, port});
        settings.local_addresses.push_back(own);
    }
    settings.interfaces.push_back(std::move(interface));
    settings.steering.emplace_back();
}

bool Machine::waits_to_receive() const {
    return std::any_of(ports_.begin(), ports_.end(),
                       [](const auto& port) { return port->waiting_to_receive() > 0; });
}

base::Instant Machine::next_deadline() {
    const base::Instant own = stack().next_deadline();
    return own == base::kNever ? own : own - plan_.clock_offset;
}

bool Machine::connect(const wire::FourTuple& tuple, const Flow& flow, base::Instant now) {
    stack().begin_turn(now + plan_.clock_offset);
    std::uint16_t local_id = 0;
    while (stack().settings().local_addresses[local_id] != tuple.local.address)
        ++local_id;
    return app_.connect(stack(), {.tuple = tuple, .local_id = local_id}, flow);
}

void Machine::upset(const Upset& what) {
    switch (what.kind) {
        case Upset::Kind::ClockJump:
            plan_.clock_offset += what.jump;
            return;
        case Upset::Kind::Hoard:
            hoard_.take(pools_.of_kind(what.pool), what.leave);
            return;
        case Upset::Kind::EndHoard:
            hoard_.release();
            return;
        case Upset::Kind::Tunables:
            stack().set_tunables(what.tunables);
            return;
        case Upset::Kind::Wire:
        case Upset::Kind::Cut:
        case Upset::Kind::Mend:
            return;  // happens to its wire
    }
}

std::uint64_t Machine::count(tcp::State state) const {
    const auto at = static_cast<std::size_t>(state);
    return stats().leg(stats::Leg::Client).connections[at].value() +
           stats().leg(stats::Leg::Backend).connections[at].value();
}

std::uint64_t Machine::live() const {
    std::uint64_t sum = 0;
    for (std::size_t state = 0; state < tcp::kStates; ++state)
        sum += count(static_cast<tcp::State>(state));
    return sum - count(tcp::State::TimeWait);
}

}  // namespace terminus::simulation
