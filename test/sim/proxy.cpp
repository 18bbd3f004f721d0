#include "proxy.hpp"

#include <algorithm>

#include "machine_watch.hpp"
#include "proxy_plan.hpp"
#include "scenario.hpp"
#include "wire_watch.hpp"
#include "worker_rig.hpp"

namespace terminus::simulation {
namespace {

constexpr std::uint8_t kClientHost = 2;
constexpr std::uint16_t kFirstClientPort = 20'000;
// The streams: each session's client has one, each connection to a backend another.
constexpr std::uint64_t kFirstClientPattern = 0x7365'7373'696f'6e00;
constexpr std::uint64_t kFirstBackendPattern = 0x6261'636b'0000'0000;
constexpr std::uint64_t kPatternsOfBackend = 0x10000;  // more connections than a backend ever has
constexpr std::uint64_t kPatternsOfService = kPatternsOfBackend << 8;

/// One run: clients ── front ── workers ── back ── backends.
class ProxyWorld final : public Scenario {
 public:
    ProxyWorld(ProxyPlan&& plan, bool traces);

 private:
    [[nodiscard]] const ServicePlan& service_of(std::size_t session) const {
        return plan_.services[plan_.sessions[session].service];
    }
    void listen(std::size_t service);
    void open(std::size_t session);
    void upset(const Upset& what);
    void turn() override;
    [[nodiscard]] base::Instant next_turn() override;
    [[nodiscard]] std::uint64_t received() const override {
        return machines_[0].app().received() + machines_[1].app().received();
    }
    [[nodiscard]] bool is_quiet() override;
    void check_end() override;
    [[nodiscard]] std::uint64_t segments() const override {
        return front_watch_.segments() + back_watch_.segments();
    }
    [[nodiscard]] std::string story() override;
    void check_session(std::size_t session);
    void check_backend(const Flow& flow);

    ProxyPlan plan_;
    WireWatch front_watch_;
    WireWatch back_watch_;
    WorkerRig workers_;
    Machine machines_[2];  ///< clients, backends
    sim::Link front_;
    sim::Link back_;
    MachineWatch watches_[2];
};

ProxyWorld::ProxyWorld(ProxyPlan&& plan, bool traces)
    : plan_(std::move(plan)),
      front_watch_(verdict()),
      back_watch_(verdict()),
      workers_(plan_, World::get().machine(0), now(), verdict()),
      machines_{{kClientHost, plan_.clients, World::get().machine(1), now(), verdict()},
                {WorkerRig::kBackendHost, plan_.backends, World::get().machine(2), now(), verdict()}},
      front_(workers_.port(0), machines_[0].port(), World::get().wire().get(), plan_.front[0],
             plan_.front[1]),
      back_(workers_.port(1), machines_[1].port(), World::get().wire().get(), plan_.back[0], plan_.back[1]),
      watches_{{machines_[0], verdict()}, {machines_[1], verdict()}} {
    front_watch_.set_tracing(traces);
    back_watch_.set_tracing(traces);
    front_.observe(&front_watch_);
    back_.observe(&back_watch_);
    front_.receive_into(sim::Direction::AToB, machines_[0].pools().payload.get());
    back_.receive_into(sim::Direction::AToB, machines_[1].pools().payload.get());
    front_.receive_into(sim::Direction::BToA, World::get().machine(0).payload.get());
    back_.receive_into(sim::Direction::BToA, World::get().machine(0).payload.get());
    for (WireWatch* watch : {&front_watch_, &back_watch_}) {
        for (std::size_t i = 0; i < plan_.sessions.size(); ++i)
            watch->announce(kFirstClientPattern + i, 1, service_of(i).ends[0].send_bytes);
        for (std::size_t i = 0; i < plan_.services.size(); ++i) {
            watch->announce(kFirstBackendPattern + kPatternsOfService * i, kPatternsOfService,
                            plan_.services[i].ends[1].send_bytes);
        }
    }
    for (std::size_t i = 0; i < plan_.services.size(); ++i)
        listen(i);
    for (std::size_t i = 0; i < plan_.sessions.size(); ++i)
        schedule(plan_.sessions[i].at, [this, i] { open(i); });
    for (const Upset& what : plan_.upsets)
        schedule(what.at, [this, &what] { upset(what); });
    for (const WorkerUpset& what : plan_.worker_upsets)
        schedule(what.at, [this, &what] { workers_.upset(what); });
}

void ProxyWorld::listen(std::size_t service) {
    const ServicePlan& plan = plan_.services[service];
    for (std::size_t place = 0; place < plan.backends.size(); ++place) {
        if (plan.backends[place] != ServicePlan::BackendKind::Serves) continue;
        Flow flow;
        flow.behaviour = plan.ends[1];
        flow.sends = kFirstBackendPattern + kPatternsOfService * service + kPatternsOfBackend * place;
        machines_[1].app().serve(WorkerRig::backend_port(service, place), flow);
    }
}

void ProxyWorld::open(std::size_t session) {
    const ClientPlan& plan = plan_.sessions[session];
    Flow flow;
    flow.behaviour = service_of(session).ends[0];
    flow.sends = kFirstClientPattern + session;
    const wire::FourTuple tuple{
        {address_of(kClientHost, plan.is_v6), static_cast<std::uint16_t>(kFirstClientPort + session)},
        WorkerRig::service(plan.service, plan.is_v6)};
    if (!machines_[0].connect(tuple, flow, now())) verdict().fail("a client has no room for its connection");
}

void ProxyWorld::upset(const Upset& what) {
    if (what.machine == 0) return workers_.upset(what);
    sim::Link& link = what.machine == 1 ? front_ : back_;
    if (what.kind == Upset::Kind::Cut || what.kind == Upset::Kind::Mend)
        return link.set_cut(what.kind == Upset::Kind::Cut);
    machines_[what.machine - 1].upset(what);
}

void ProxyWorld::turn() {
    for (sim::Link* link : {&front_, &back_})
        link->advance(now());
    workers_.turn(now());
    for (std::size_t i = 0; i < 2; ++i) {
        machines_[i].turn(now());
        watches_[i].after_turn();
    }
    for (sim::Link* link : {&front_, &back_})
        link->advance(now());
}

base::Instant ProxyWorld::next_turn() {
    base::Instant next = std::min(front_.next_delivery(), back_.next_delivery());
    next = workers_.has_work() ? now() : std::min(next, workers_.next_deadline());
    for (Machine& machine : machines_)
        next = machine.has_work() ? now() : std::min(next, machine.next_deadline());
    return next;
}

bool ProxyWorld::is_quiet() {
    return workers_.is_idle() && watches_[0].is_idle() && watches_[1].is_idle() &&
           front_.next_delivery() == base::kNever && back_.next_delivery() == base::kNever;
}

// Whoever was told of the end has all that the other end was to send: what one leg lost must not look
// complete on the other.
void ProxyWorld::check_end() {
    workers_.at_end();
    for (MachineWatch& watch : watches_)
        watch.at_end();
    for (std::size_t i = 0; i < plan_.sessions.size(); ++i)
        check_session(i);
    for (const Flow& flow : machines_[1].app().flows())
        check_backend(flow);
}

void ProxyWorld::check_session(std::size_t session) {
    const Flow& client = machines_[0].app().flows()[session];
    const ServicePlan& service = service_of(client.sends - kFirstClientPattern);
    const std::string name = "session " + std::to_string(client.sends - kFirstClientPattern);
    if (client.peer_finished && client.received != service.ends[1].send_bytes)
        verdict().fail(name + ": its client took for complete what was not");
    if (client.closed == stats::CloseReason::Normal && !client.peer_finished)
        verdict().fail(name + ": closed in order without the backend's end");
    if (plan_.is_gentle && client.closed != stats::CloseReason::Normal)
        verdict().fail(name + ": nothing was wrong with it, and it was aborted");
    if (client.receives == 0) return;
    for (const Flow& backend : machines_[1].app().flows()) {
        if (backend.sends != client.receives) continue;
        if (backend.receives != 0 && backend.receives != client.sends)
            verdict().fail(name + ": its client hears the backend of another");
        if (client.received > backend.sent) verdict().fail(name + ": more arrived than was sent");
        return;
    }
    verdict().fail(name + ": its client hears somebody who is no backend");
}

void ProxyWorld::check_backend(const Flow& flow) {
    const std::uint64_t service = (flow.sends - kFirstBackendPattern) / kPatternsOfService;
    const std::string name = "a backend of service " + std::to_string(service);
    if (flow.peer_finished && flow.received != plan_.services[service].ends[0].send_bytes)
        verdict().fail(name + " took for complete what was not");
    if (flow.receives == 0) return;
    const std::uint64_t session = flow.receives - kFirstClientPattern;
    if (session >= plan_.sessions.size() || plan_.sessions[session].service != service)
        return verdict().fail(name + " hears somebody who is no client of it");
    if (plan_.is_gentle && flow.closed != stats::CloseReason::Normal)
        verdict().fail(name + ": nothing was wrong with a session, and it was aborted");
}

std::string ProxyWorld::story() {
    return (plan_.is_gentle ? "gentle\n" : "") + workers_.story() + watches_[0].listing() +
           watches_[1].listing();
}

}  // namespace

Outcome run_proxy(Choices& choices, bool traces) {
    return ProxyWorld(make_proxy_plan(choices), traces).run();
}

Outcome run_proxy(std::uint64_t seed, bool traces) {
    Choices choices(seed);
    return run_proxy(choices, traces);
}

}  // namespace terminus::simulation
