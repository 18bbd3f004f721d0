#include "machine.hpp"

#include <rte_mbuf.h>

#include <algorithm>

namespace terminus::simulation {
namespace {

stack::Settings settings_of(std::uint8_t number, const MachinePlan& plan, const Pools& pools) {
    const wire::IpAddress own[] = {Machine::address(number, false), Machine::address(number, true)};
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
    settings.interfaces = {
        {.port = 0, .mac = Machine::mac(number), .mtu = plan.mtu, .addresses = {{own[0], 24}, {own[1], 64}}}};
    settings.routes = {{{own[0], 24}, std::nullopt, 0}, {{own[1], 64}, std::nullopt, 0}};
    settings.local_addresses = {own[0], own[1]};
    settings.steering = {flow::Steering{}};
    return settings;
}

}  // namespace

Machine::Machine(std::uint8_t number, const MachinePlan& plan, const Pools& pools, base::Instant now,
                 Verdict& verdict)
    : number_(number),
      plan_(plan),
      pools_(pools),
      port_({.mac = mac(number), .capabilities = plan.capabilities, .mtu = plan.mtu}),
      app_(verdict),
      node_(settings_of(number, plan, pools), {&port_}, app_, now + plan.clock_offset) {}

wire::IpAddress Machine::address(std::uint8_t number, bool is_v6) {
    if (!is_v6) return wire::IpAddress::v4(192, 0, 2, number);
    return wire::IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number});
}

base::Instant Machine::next_deadline() {
    const base::Instant own = stack().next_deadline();
    return own == base::kNever ? own : own - plan_.clock_offset;
}

bool Machine::connect(const wire::FourTuple& tuple, const Flow& flow, base::Instant now) {
    stack().begin_turn(now + plan_.clock_offset);
    const auto local_id = static_cast<std::uint16_t>(tuple.local.address.is_v4() ? 0 : 1);
    return app_.connect(stack(), {.tuple = tuple, .local_id = local_id}, flow);
}

void Machine::hoard(const dpdk::Pool& pool, std::uint32_t leave) {
    while (pool.available() > leave) {
        rte_mbuf* const taken = rte_pktmbuf_alloc(pool.get());
        if (taken == nullptr) return;
        hoarded_.emplace_back(taken);
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
