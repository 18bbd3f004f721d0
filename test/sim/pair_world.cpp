#include "pair_world.hpp"

#include <algorithm>

namespace terminus::simulation {
namespace {

constexpr std::uint16_t kFirstPort = 1000;
constexpr std::uint16_t kFirstOpenersPort = 20'000;

/// The last ACK may be lost again and again, until the TIME_WAIT that sends it is over: then a FIN that comes
/// once more is answered by a RST, or by nothing. Both ends have everything by then.
bool ended_in_order(const Flow& end, const Flow& other) {
    if (end.closed == stats::CloseReason::Normal) return true;
    return end.peer_finished && other.peer_finished && other.closed == stats::CloseReason::Normal &&
           (end.closed == stats::CloseReason::ResetReceived ||
            end.closed == stats::CloseReason::RetransmitTimeout);
}

}  // namespace

PairWorld::PairWorld(PairPlan&& plan, bool traces)
    : plan_(std::move(plan)),
      wire_watch_(verdict()),
      machines_{{1, plan_.machines[0], World::get().machine(0), now(), verdict()},
                {2, plan_.machines[1], World::get().machine(1), now(), verdict()}},
      link_(machines_[0].port(), machines_[1].port(), World::get().wire().get(), plan_.wire[0],
            plan_.wire[1]),
      watches_{{machines_[0], verdict()}, {machines_[1], verdict()}} {
    wire_watch_.set_tracing(traces);
    link_.observe(&wire_watch_);
    link_.receive_into(sim::Direction::AToB, machines_[1].pools().payload.get());
    link_.receive_into(sim::Direction::BToA, machines_[0].pools().payload.get());
    for (std::size_t i = 0; i < plan_.connections.size(); ++i)
        prepare(i);
    for (const Upset& what : plan_.upsets)
        schedule(what.at, [this, &what] { upset(what); });
}

wire::FourTuple PairWorld::tuple(std::size_t connection, std::size_t end) const {
    const ConnectionPlan& plan = plan_.connections[connection];
    const auto opener = static_cast<std::uint8_t>(plan.opener + 1);
    const auto other = static_cast<std::uint8_t>(2 - plan.opener);
    const wire::Endpoint from{address_of(opener, plan.is_v6),
                              static_cast<std::uint16_t>(kFirstOpenersPort + connection)};
    const wire::Endpoint to{address_of(other, plan.is_v6),
                            static_cast<std::uint16_t>(kFirstPort + connection)};
    return end == 0 ? wire::FourTuple{from, to} : wire::FourTuple{to, from};
}

void PairWorld::prepare(std::size_t connection) {
    const ConnectionPlan& plan = plan_.connections[connection];
    for (std::size_t end = 0; end < 2; ++end) {
        const wire::FourTuple named = tuple(connection, end);
        wire_watch_.expect(named.local, named.remote, pattern(connection, end), plan.ends[end].send_bytes);
    }
    if (!plan.is_simultaneous)
        machines_[1 - plan.opener].app().listen(tuple(connection, 1).local.port, flow(plan, connection, 1));
    schedule(plan.at, [this, connection] { open(connection); });
}

void PairWorld::open(std::size_t connection) {
    const ConnectionPlan& plan = plan_.connections[connection];
    const bool is_open =
        machines_[plan.opener].connect(tuple(connection, 0), flow(plan, connection, 0), now());
    if (!is_open && plan_.is_gentle) verdict().fail("a connection could not be opened");
    if (plan.is_simultaneous)
        (void)machines_[1 - plan.opener].connect(tuple(connection, 1), flow(plan, connection, 1), now());
}

void PairWorld::upset(const Upset& what) {
    switch (what.kind) {
        case Upset::Kind::Wire:
            link_.configure(sim::Direction::AToB, what.wire[0]);
            link_.configure(sim::Direction::BToA, what.wire[1]);
            return;
        case Upset::Kind::Cut:
        case Upset::Kind::Mend:
            link_.set_cut(what.kind == Upset::Kind::Cut);
            return;
        case Upset::Kind::ClockJump:
        case Upset::Kind::Hoard:
        case Upset::Kind::EndHoard:
        case Upset::Kind::Tunables:
            machines_[what.machine].upset(what);
            return;
    }
}

void PairWorld::turn() {
    link_.advance(now());
    for (std::size_t i = 0; i < 2; ++i) {
        machines_[i].turn(now());
        watches_[i].after_turn();
    }
    link_.advance(now());
}

base::Instant PairWorld::next_turn() {
    base::Instant next = link_.next_delivery();
    for (Machine& machine : machines_)
        next = machine.has_work() ? now() : std::min(next, machine.next_deadline());
    return next;
}

std::uint64_t PairWorld::received() const {
    return machines_[0].app().received() + machines_[1].app().received();
}

bool PairWorld::is_quiet() {
    return watches_[0].is_idle() && watches_[1].is_idle() && link_.next_delivery() == base::kNever;
}

const Flow* PairWorld::end_of(std::size_t connection, std::size_t end) {
    const ConnectionPlan& plan = plan_.connections[connection];
    Machine& machine = machines_[end == 0 ? plan.opener : 1 - plan.opener];
    const wire::FourTuple named = tuple(connection, end);
    if (end == 1 && !plan.is_simultaneous) return machine.app().accepted_by(named.local.port);
    for (const Flow& flow : machine.app().flows()) {
        if (!flow.is_ghost && flow.sends == pattern(connection, end)) return &flow;
    }
    return nullptr;
}

// Every byte once and in order was checked as it came. Whoever saw the end has all of it, and whose
// connection ended in order has been read to the end; everything else was told as an abort.
void PairWorld::check_stream(const Flow& from, const Flow& to, const std::string& name) {
    if (to.received > from.sent) verdict().fail(name + ": more arrived than was sent");
    if (to.peer_finished && to.received != from.behaviour.send_bytes)
        verdict().fail(name + ": the end came before the last byte");
    if (to.closed == stats::CloseReason::Normal && !to.peer_finished)
        verdict().fail(name + ": closed in order without the peer's end");
    if (from.closed == stats::CloseReason::Normal && !to.peer_finished &&
        to.behaviour.end != Behaviour::End::Abort && to.behaviour.end != Behaviour::End::Abandon &&
        to.closed == stats::CloseReason::Normal)
        verdict().fail(name + ": the sender believes that all was read");
    if (!plan_.is_gentle) return;
    if (!ended_in_order(from, to) || !ended_in_order(to, from))
        verdict().fail(name + ": nothing was wrong with it, and it was aborted");
    if (to.received != from.behaviour.send_bytes) verdict().fail(name + ": not every byte arrived");
}

void PairWorld::check_end() {
    for (MachineWatch& watch : watches_)
        watch.at_end();
    for (std::size_t i = 0; i < plan_.connections.size(); ++i) {
        const std::string name = "connection " + std::to_string(i);
        const Flow* const opener = end_of(i, 0);
        const Flow* const other = end_of(i, 1);
        if (opener == nullptr || other == nullptr) {
            if (plan_.is_gentle) verdict().fail(name + ": it never came to be");
            continue;
        }
        check_stream(*opener, *other, name + ", from its opener");
        check_stream(*other, *opener, name + ", to its opener");
    }
}

std::string PairWorld::wire_story() const {
    std::string text;
    for (const auto direction : {sim::Direction::AToB, sim::Direction::BToA}) {
        const sim::LinkCounters& counters = link_.counters(direction);
        const sim::LinkSettings& settings = plan_.wire[static_cast<std::size_t>(direction)];
        text += direction == sim::Direction::AToB ? "wire 1 to 2: " : "wire 2 to 1: ";
        text += std::to_string(counters.sent) + " sent, " + std::to_string(counters.lost) + " lost, " +
                std::to_string(counters.overflowed) + " overflowed, " + std::to_string(counters.too_big) +
                " too big for " + std::to_string(settings.path_mtu) + ", " +
                std::to_string(counters.corrupted) + " corrupted, " + std::to_string(counters.no_buffer) +
                " found no buffer\n";
    }
    return text;
}

std::string PairWorld::story() {
    return (plan_.is_gentle ? "gentle\n" : "") + wire_story() + watches_[0].listing() + watches_[1].listing();
}

}  // namespace terminus::simulation
