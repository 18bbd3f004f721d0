#include "worker_rig.hpp"

#include <algorithm>

#include "listing.hpp"
#include "machine.hpp"

namespace terminus::simulation {
namespace {

using ServiceKind = ServicePlan::BackendKind;

constexpr std::uint16_t kNetworks = 2;
constexpr std::uint16_t kBackendsNetwork = 1;

proxy::Pool make_pool(std::uint16_t id, const ServicePlan& plan) {
    proxy::Pool pool;
    pool.id = id;
    pool.name = "pool" + std::to_string(id);
    pool.retries = plan.retries;
    pool.connect_timeout = plan.connect_timeout;
    for (std::uint16_t place = 0; place < plan.backends.size(); ++place) {
        const bool is_there = plan.backends[place] != ServiceKind::Silent;
        const wire::IpAddress host = address_of(is_there ? WorkerRig::kBackendHost : WorkerRig::kNobody,
                                                plan.has_v6_backends, kBackendsNetwork);
        pool.backends.push_back({.id = static_cast<std::uint16_t>(WorkerRig::kBackendsOfService * id + place),
                                 .name = "backend" + std::to_string(place),
                                 .address = {host, WorkerRig::backend_port(id, place)}});
    }
    for (const bool is_v6 : {false, true}) {
        pool.sources.push_back({static_cast<std::uint16_t>(2 * kBackendsNetwork + (is_v6 ? 1 : 0)),
                                address_of(WorkerRig::kNumber, is_v6, kBackendsNetwork)});
    }
    return pool;
}

std::uint64_t sum_of(const stats::CoreStats& stats, tcp::State state) {
    std::uint64_t sum = 0;
    for (const stats::LegStats& leg : stats.legs)
        sum += leg.connections[static_cast<std::size_t>(state)].value();
    return sum;
}

}  // namespace

WorkerRig::WorkerRig(const ProxyPlan& plan, const Pools& pools, base::Instant now, Verdict& verdict)
    : plan_(plan),
      pools_(pools),
      verdict_(verdict),
      clock_offset_(plan.workers.clock_offset),
      buffers_before_(pools.in_use()),
      group_(plan.worker_count),
      mesh_(plan.worker_count) {
    for (std::uint8_t network = 0; network < kNetworks; ++network) {
        ports_.push_back(std::make_unique<sim::MemoryPort>(sim::MemoryPort::Settings{
            mac_of(kNumber, network), plan.workers.capabilities, plan.workers.mtu}));
    }
    const proxy::ServiceTable* const table = make_table(std::nullopt);
    for (std::uint16_t index = 0; index < plan.worker_count; ++index) {
        std::vector<packet::Port*> ports;
        for (std::uint16_t port = 0; port < kNetworks; ++port) {
            if (index == 0) {
                ports.push_back(ports_[port].get());
                continue;
            }
            relays_.push_back(
                std::make_unique<worker::RelayPort>(*ports_[port], port, index, std::uint16_t{0}, mesh_));
            ports.push_back(relays_.back().get());
        }
        workers_.push_back(std::make_unique<worker::Worker>(
            settings(index), std::move(ports), group_.mailbox(index), mesh_, table, now + clock_offset_));
    }
}

wire::Endpoint WorkerRig::service(std::uint8_t number, bool is_v6) {
    return {address_of(kNumber, is_v6), static_cast<std::uint16_t>(kFirstService + number)};
}

worker::Settings WorkerRig::settings(std::uint16_t index) const {
    const MachinePlan& plan = plan_.workers;
    worker::Settings made;
    stack::Settings& stack = made.stack;
    stack.worker = index;
    stack.workers = plan_.worker_count;
    stack.connections_max = plan.connections_max;
    stack.half_open_max = plan.half_open_max;
    stack.time_wait_max = plan.time_wait_max;
    stack.application_timers_max = plan_.sessions_max;
    stack.sent_records_spare = plan.sent_records_spare;
    stack.neighbours_max = 16;
    stack.seed = plan.seed + index;
    stack.secrets = tcp::Secrets::from_seed(plan.seed);
    stack.table_key = base::SipKey::from_seed(plan.seed);
    stack.tunables = plan.tunables;
    stack.buffers = pools_.buffers(plan.reserve);
    stack.resting = plan.resting();
    for (std::uint8_t network = 0; network < kNetworks; ++network)
        add_network(stack, kNumber, network, network, plan.mtu);
    stack.steering.assign(kNetworks, flow::Steering({}, {}, plan_.worker_count));
    made.proxy.sessions_max = plan_.sessions_max;
    made.proxy.source_pairs_max = 32;
    return made;
}

const proxy::ServiceTable* WorkerRig::make_table(std::optional<std::uint8_t> without) {
    std::vector<proxy::Service> services;
    std::vector<proxy::Pool> pools;
    for (std::uint8_t i = 0; i < plan_.services.size(); ++i) {
        if (i == without) continue;
        const ServicePlan& plan = plan_.services[i];
        services.push_back({.id = i,
                            .name = "service" + std::to_string(i),
                            .listen = {service(i, false), service(i, true)},
                            .pool = i,
                            .idle_timeout = plan.idle_timeout,
                            .half_close_timeout = plan.half_close_timeout});
        pools.push_back(make_pool(i, plan));
    }
    std::vector<wire::IpAddress> addresses;
    for (std::uint8_t network = 0; network < kNetworks; ++network) {
        for (const bool is_v6 : {false, true})
            addresses.push_back(address_of(kNumber, is_v6, network));
    }
    return &tables_.emplace_back(tables_.size() + 1, std::move(services), std::move(pools),
                                 std::move(addresses));
}

void WorkerRig::turn(base::Instant now) {
    is_busy_ = false;
    for (const auto& one : workers_)
        is_busy_ = one->run_once(now + clock_offset_) || is_busy_;
    for (std::uint16_t index = 0; index < workers_.size(); ++index)
        is_busy_ = is_busy_ || mesh_.has_mail(index) || workers_[index]->stack().has_work();
    for (const auto& port : ports_)
        is_busy_ = is_busy_ || port->waiting_to_receive() > 0;
    take_replies();
    for (std::uint16_t index = 0; index < workers_.size(); ++index)
        watch(index);
}

base::Instant WorkerRig::next_deadline() const {
    base::Instant next = base::kNever;
    for (const auto& one : workers_)
        next = std::min(next, one->next_deadline());
    return next == base::kNever ? next : next - clock_offset_;
}

void WorkerRig::upset(const Upset& what) {
    if (what.kind == Upset::Kind::Hoard) hoard_.take(pools_.of_kind(what.pool), what.leave);
    if (what.kind == Upset::Kind::EndHoard) hoard_.release();
    if (what.kind == Upset::Kind::ClockJump) clock_offset_ += what.jump;
}

// ---- what the control thread does

void WorkerRig::upset(const WorkerUpset& what) {
    using Kind = WorkerUpset::Kind;
    const auto ask_all = [this](const auto& command) {
        for (std::uint32_t index = 0; index < group_.size(); ++index)
            (void)group_.mailbox(index).post(command);
    };
    switch (what.kind) {
        case Kind::Tunables:
            return ask_all(worker::SetTunables{what.tunables});
        case Kind::Reload:
            return ask_all(worker::SetServices{make_table(what.service)});
        case Kind::Restore:
            return ask_all(worker::SetServices{make_table(std::nullopt)});
        case Kind::Drain:
        case Kind::EndDrain:
            return ask_all(worker::SetDraining{what.kind == Kind::Drain});
        case Kind::AbortAll:
            return ask_all(worker::AbortAll{stats::CloseReason::Drain});
        case Kind::List:
            return ask_for_connections();
    }
}

void WorkerRig::ask_for_connections() {
    for (std::uint32_t index = 0; index < group_.size(); ++index) {
        auto page = std::make_unique<worker::RowPage>();
        page->rows.reserve(worker::RowPage::kRowsMax);
        (void)group_.mailbox(index).post(worker::ListConnections{std::move(page)});
    }
}

void WorkerRig::take_replies() {
    for (std::uint32_t index = 0; index < group_.size(); ++index) {
        while (const std::optional<worker::Reply> reply = group_.mailbox(index).poll()) {
            const auto* const listed = std::get_if<worker::ConnectionsListed>(&*reply);
            if (listed != nullptr && !listed->page->done)
                verdict_.fail("a listing of fewer connections than a page holds didn't end");
        }
    }
}

// ---- what must be true

std::uint64_t WorkerRig::live(std::uint16_t index) const {
    std::uint64_t sum = 0;
    for (std::size_t state = 0; state < tcp::kStates; ++state)
        sum += sum_of(group_.stats(index), static_cast<tcp::State>(state));
    return sum - sum_of(group_.stats(index), tcp::State::TimeWait);
}

void WorkerRig::watch(std::uint16_t index) {
    const stack::Stack<proxy::Proxy>& stack = workers_[index]->stack();
    const Watched watched{stack.environment(), stack.has_work(), stack.next_deadline()};
    std::map<Key, ConnectionMarks> marks;
    stack.for_each_connection([&](stack::ConnectionId id, const tcp::Connection& connection) {
        const Key key{index, (std::uint64_t{id.index} << 32) | id.generation};
        const auto fail = [&](const std::string& what) {
            const wire::FourTuple tuple = stack.tuple(id);
            verdict_.fail("worker " + std::to_string(index) + ", " + tuple.local.to_string() + " to " +
                          tuple.remote.to_string() + ": " + what);
        };
        ConnectionMarks& own = marks[key] = marks_[key];
        check_connection(connection, watched, own, fail);
    });
    std::erase_if(marks_, [&](const auto& entry) { return entry.first.first == index; });
    marks_.merge(marks);
    const std::string who = "worker " + std::to_string(index) + ": ";
    const std::uint64_t owners =
        live(index) + sum_of(group_.stats(index), tcp::State::TimeWait) + workers_[index]->proxy().sessions();
    if (stack.armed_timers() > owners) verdict_.fail(who + "a timer is armed that nothing owns");
    if (workers_[index]->proxy().source_ports_used() > plan_.workers.connections_max)
        verdict_.fail(who + "more source ports are out than there can be connections");
}

bool WorkerRig::is_idle() const {
    for (std::uint16_t index = 0; index < workers_.size(); ++index) {
        if (live(index) != 0 || sum_of(group_.stats(index), tcp::State::TimeWait) != 0) return false;
    }
    return !is_busy_;
}

void WorkerRig::at_end() {
    for (std::uint16_t index = 0; index < workers_.size(); ++index) {
        const std::string who = "worker " + std::to_string(index) + ": ";
        const worker::Worker& one = *workers_[index];
        const stats::CoreStats& stats = group_.stats(index);
        if (one.stack().armed_timers() != 0) verdict_.fail(who + "a timer is left at the end");
        if (one.proxy().sessions() != 0) verdict_.fail(who + "a session is left at the end");
        if (one.proxy().source_ports_used() != 0) verdict_.fail(who + "a source port is left at the end");
        if (one.stack().environment().sent.used() != 0)
            verdict_.fail(who + "a record of sent text is left at the end");
        if (stats.out_of_order_buffers.value() != 0 || stats.half_open.value() != 0 ||
            stats.time_wait.value() != 0 || stats.source_ports_used.value() != 0)
            verdict_.fail(who + "a gauge is not zero at the end");
    }
    if (pools_.in_use() - hoard_.size() != buffers_before_)
        verdict_.fail("workers: " + std::to_string(pools_.in_use() - hoard_.size() - buffers_before_) +
                      " buffers are left at the end");
}

std::string WorkerRig::story() const {
    std::string text;
    for (std::uint16_t index = 0; index < workers_.size(); ++index) {
        const stack::Stack<proxy::Proxy>& stack = workers_[index]->stack();
        text += "worker " + std::to_string(index) + ": " +
                std::to_string(workers_[index]->proxy().sessions()) + " sessions, " +
                std::to_string(pools_.payload.available()) + " payload buffers free, share " +
                std::to_string(stack.buffer_share()) + "\n" + list_connections(stack) +
                list_counts(group_.stats(index));
    }
    return text;
}

}  // namespace terminus::simulation
