#include "proxy_plan.hpp"

#include <algorithm>

#include "stream.hpp"

namespace terminus::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kServicesMax = 3;
constexpr std::uint32_t kBackendsMax = 3;
constexpr std::uint32_t kSessionsMax = 8;
constexpr std::uint32_t kStreamMax = 1u << 16;  // of so many sessions
constexpr base::Duration kProxyBusyFor = 60s;

ServicePlan make_service(Choices& choices, bool is_gentle) {
    using Kind = ServicePlan::BackendKind;
    ServicePlan made;
    made.has_v6_backends = choices.one_in(4);
    for (std::uint32_t backends = choices.between(1, kBackendsMax); backends > 0; --backends)
        made.backends.push_back(choices.any_of({Kind::Serves, Kind::Serves, Kind::Refuses, Kind::Silent}));
    make_ends(choices, is_gentle, made.ends);
    for (Behaviour& end : made.ends) {
        // A stream begins with its name, or there is none.
        if (end.send_bytes > 0) end.send_bytes = std::max<std::uint32_t>(end.send_bytes, Stream::kNameBytes);
        end.send_bytes = std::min(end.send_bytes, kStreamMax);
    }
    for (std::size_t i = 0; i < 2; ++i)
        made.ends[i].send_after = std::min(made.ends[i].send_after, made.ends[1 - i].send_bytes);
    made.retries = is_gentle ? kBackendsMax : choices.below(kBackendsMax + 1);
    made.connect_timeout = is_gentle ? base::Duration(130s) : choices.span(10ms, 10s);
    if (is_gentle) {
        made.backends[0] = Kind::Serves;
        return made;
    }
    if (choices.one_in(3)) made.idle_timeout = choices.span(100ms, 300s);
    if (choices.one_in(3)) made.half_close_timeout = choices.span(100ms, 300s);
    return made;
}

MachinePlan make_host(Choices& choices, bool is_gentle, std::uint8_t network) {
    MachinePlan made;
    made.seed = choices.next();
    made.tunables = make_tunables(choices, is_gentle);
    made.tunables.fastopen = choices.any_of<std::uint16_t>({0, 2, 3});
    // A cookie that is shown again after its connection was aborted opens another with the same numbers, and
    // a client whose connection still lives takes that one's bytes for its own.
    made.tunables.syncookies = 0;
    made.capabilities = sim::MemoryPort::of_kind(choices.below(sim::MemoryPort::kKinds));
    made.mtu = choices.any_of<std::uint16_t>({1500, 1500, 1280, 1400});
    made.clock_offset = std::chrono::milliseconds(choices.below(UINT32_MAX));
    made.connections_max = made.half_open_max = made.time_wait_max = 64;
    made.networks = {network};
    return made;
}

MachinePlan make_workers(Choices& choices, bool is_gentle) {
    MachinePlan made = make_host(choices, is_gentle, 0);
    made.tunables.fastopen = choices.any_of<std::uint16_t>({0, 1, 3});
    made.tunables.autocorking = !choices.one_in(4);
    made.networks = {0, 1};
    // A leg whose other one has ended is an orphan, and one on a bad path must not be given up for that.
    if (is_gentle) made.tunables.orphan_retries = 15;
    if (is_gentle || !choices.one_in(4)) return made;
    made.reserve = choices.between(16, kPayloadBuffers - 64);
    made.sent_records_spare = choices.magnitude(64, 512);
    made.time_wait_max = choices.between(1, 8);
    made.connections_max = choices.between(1, 2 * kSessionsMax);
    made.half_open_max = choices.between(1, kSessionsMax);
    return made;
}

/// One that begins on a machine or its wire, and the one that ends it.
void add_upset(Choices& choices, ProxyPlan& plan) {
    Upset begin;
    begin.at = choices.span(1ms, kProxyBusyFor);
    begin.machine = static_cast<std::uint8_t>(choices.below(3));
    Upset end = begin;
    end.at += choices.span(1ms, 30s);
    upset_alike(choices, begin, end);
    // The workers have two wires, and each is upset as its other end's.
    if (begin.kind == Upset::Kind::Cut && begin.machine == 0)
        begin.machine = end.machine = static_cast<std::uint8_t>(choices.between(1, 2));
    plan.upsets.push_back(begin);
    plan.upsets.push_back(end);
}

void add_worker_upset(Choices& choices, ProxyPlan& plan) {
    using Kind = WorkerUpset::Kind;
    WorkerUpset begin;
    begin.at = choices.span(1ms, kProxyBusyFor);
    begin.kind = choices.any_of({Kind::List, Kind::Tunables, Kind::Reload, Kind::Drain, Kind::AbortAll});
    begin.service =
        static_cast<std::uint8_t>(choices.below(static_cast<std::uint32_t>(plan.services.size())));
    begin.tunables = make_tunables(choices, false);
    begin.tunables.syncookies = 0;  // as make_host() has it
    plan.worker_upsets.push_back(begin);
    if (begin.kind != Kind::Reload && begin.kind != Kind::Drain) return;
    WorkerUpset end = begin;
    end.at += choices.span(1ms, 30s);
    end.kind = begin.kind == Kind::Reload ? Kind::Restore : Kind::EndDrain;
    plan.worker_upsets.push_back(end);
}

}  // namespace

ProxyPlan make_proxy_plan(Choices& choices) {
    ProxyPlan plan;
    plan.is_gentle = choices.one_in(3);
    plan.workers = make_workers(choices, plan.is_gentle);
    plan.worker_count = static_cast<std::uint16_t>(choices.between(1, 2));
    if (!plan.is_gentle && choices.one_in(4)) plan.sessions_max = choices.between(1, kSessionsMax);
    plan.clients = make_host(choices, plan.is_gentle, 0);
    plan.backends = make_host(choices, plan.is_gentle, 1);
    for (std::uint32_t services = choices.between(1, kServicesMax); services > 0; --services)
        plan.services.push_back(make_service(choices, plan.is_gentle));
    for (std::uint32_t sessions = choices.between(1, kSessionsMax); sessions > 0; --sessions) {
        ClientPlan client;
        client.at = choices.one_in(3) ? base::Duration::zero() : choices.span(1us, 10s);
        client.service =
            static_cast<std::uint8_t>(choices.below(static_cast<std::uint32_t>(plan.services.size())));
        client.is_v6 = choices.one_in(3);
        plan.sessions.push_back(client);
    }
    for (sim::LinkSettings* wires : {plan.front, plan.back}) {
        wires[0] = make_wire(choices, plan.is_gentle, true);
        wires[1] = make_wire(choices, plan.is_gentle, true);
    }
    if (plan.is_gentle) return plan;
    for (std::uint32_t upsets = choices.below(4); upsets > 0; --upsets)
        add_upset(choices, plan);
    for (std::uint32_t upsets = choices.below(4); upsets > 0; --upsets)
        add_worker_upset(choices, plan);
    return plan;
}

}  // namespace terminus::simulation
