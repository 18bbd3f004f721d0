#include "proxy/proxy.hpp"

#include <algorithm>

#include "proxy/splice.hpp"
#include "proxy/stack_of_proxy.hpp"

namespace terminus::proxy {

using stack::ConnectionId;
using stack::Cookie;
using stats::CloseReason;
using stats::Leg;

Proxy::Proxy(const Settings& settings, const ServiceTable* services)
    : worker_(settings.worker), services_(services), sessions_(settings.sessions_max) {
    source_ports_.reserve(settings.steering.size());
    for (const flow::Steering& steering : settings.steering) {
        source_ports_.emplace_back(steering, settings.worker, settings.source_pairs_max,
                                   settings.source_ports);
    }
    set_services(services);
}

void Proxy::set_services(const ServiceTable* services) {
    services_ = services;
    for (const Pool& pool : services_->pools()) {
        balancers_.get_or_make(pool.id, pool.balance, worker_).configure(pool.balance);
    }
    for (const Service& service : services_->services()) {
        timeouts_.get_or_make(service.id) = {service.idle_timeout, service.half_close_timeout};
    }
}

void Proxy::set_profiles(Stack& stack) const {
    stack::ProfileId id = stack::kProcessProfile;
    for (const tcp::TunableOverrides& overrides : services_->profiles())
        stack.set_profile(++id, overrides);
}

std::uint32_t Proxy::source_ports_used() const {
    std::uint32_t used = 0;
    for (const flow::SourcePorts& ports : source_ports_)
        used += ports.used();
    return used;
}

std::optional<wire::FourTuple> Proxy::client_behind(const Stack& stack,
                                                    const wire::FourTuple& backend_leg) const {
    const std::vector<wire::IpAddress>& ours = services_->local_addresses();
    const auto local = std::find(ours.begin(), ours.end(), backend_leg.local.address);
    const auto local_id = static_cast<std::uint16_t>(local - ours.begin());
    const Cookie cookie = local == ours.end() ? stack::kNoCookie : stack.cookie_of(backend_leg, local_id);
    if (cookie == stack::kNoCookie) return std::nullopt;
    const ConnectionId client = sessions_[cookie].id(Leg::Client);
    const ConnectionId backend = sessions_[cookie].id(Leg::Backend);
    if (client.is_none() || backend.is_none()) return std::nullopt;
    // The name of a client's own connection leads to its session, too.
    if (stack.tuple(backend) != backend_leg) return std::nullopt;
    return stack.tuple(client);
}

std::optional<std::uint16_t> Proxy::find_listener(const wire::Endpoint& local) const {
    return services_->find_listener(local);
}

stack::ProfileId Proxy::profile_of(std::uint16_t service) const {
    const Service* const known = services_->service(service);
    return known != nullptr ? known->client_profile : stack::kProcessProfile;
}

void Proxy::accepted(Stack& stack, ConnectionId id, std::uint16_t service_id, const wire::FourTuple&) {
    const Service* service = services_->service(service_id);
    if (service == nullptr) {
        end_leg(stack, id, CloseReason::ServiceRemoved);
        return;
    }
    const Cookie cookie = sessions_.allocate(id, service->id, service->pool);
    if (cookie == base::Slab<Session>::kNone) {
        // HARDENING 26: the new is refused, the old kept.
        end_leg(stack, id, CloseReason::ConnectFailed);
        return;
    }
    stack.set_cookie(id, cookie);
    // Without a timer nothing would ever bound the session, so none is begun.
    if (connect_backend(stack, cookie) && schedule(stack, cookie)) return;
    end_leg(stack, id, CloseReason::ConnectFailed);
    end_leg(stack, sessions_[cookie].id(Leg::Backend), CloseReason::ConnectFailed);
}

// A client that was refused in accepted() has no session; its last calls pass by.
void Proxy::happened(Stack& stack, ConnectionId id, Cookie cookie, tcp::Events events) {
    if (cookie == stack::kNoCookie) return;
    Session& session = sessions_[cookie];
    const Leg leg = session.leg_of(id);
    const base::Instant now = stack.environment().now;
    bool was_established = false;
    if (!session.is_spliced()) {
        // What the client sends meanwhile waits in its receive queue, and its window closes.
        if (leg == Leg::Client || !events.established()) return;
        if (stack.find(id)->close_reason()) return;  // established and reset in one batch: closed() follows
        session.established(now);
        was_established = true;
    }
    session.active(now);
    if (events.readable() || events.peer_finished() || was_established) forward(stack, session, leg);
    if (events.send_room() || was_established) forward(stack, session, other(leg));
    schedule(stack, cookie);
}

void Proxy::closed(Stack& stack, ConnectionId id, Cookie cookie, CloseReason reason) {
    if (cookie == stack::kNoCookie) return;
    Session& session = sessions_[cookie];
    const Leg leg = session.leg_of(id);
    if (leg == Leg::Backend) release_source_port(stack, session);
    switch (session.closed(leg, reason)) {
        case AfterClose::Retry:
            if (connect_backend(stack, cookie, stack.find(id)->take_unanswered())) {
                schedule(stack, cookie);
            } else {
                end_leg(stack, session.id(Leg::Client), CloseReason::ConnectFailed);
            }
            return;
        case AfterClose::AbandonOther:
            abandon_leg(stack, session.id(other(leg)));
            return;
        case AfterClose::ResetOther:
            end_leg(stack, session.id(other(leg)), CloseReason::PeerLegReset);
            return;
        case AfterClose::EndSession:
            release(stack, cookie);
            return;
    }
}

void Proxy::timer_expired(Stack& stack, Cookie cookie) {
    Session& session = sessions_[cookie];
    session.timer = timer::kNoTimer;
    session.timer_deadline = base::kNever;
    const std::optional<CloseReason> reason = session.overdue(stack.environment().now, timeouts(session));
    if (!reason) {
        schedule(stack, cookie);  // the deadline moved later meanwhile; that was only a store
        return;
    }
    // A silent backend is given up alone: closed() tries the next. An idle pair ends as a pair.
    end_leg(stack, session.id(Leg::Backend), *reason);
    if (session.is_spliced()) end_leg(stack, session.id(Leg::Client), *reason);
}

// Bytes, and after the last of them the FIN, from one leg to the other.
void Proxy::forward(Stack& stack, Session& session, Leg from_leg) {
    tcp::Connection* const from = stack.find(session.id(from_leg));
    tcp::Connection* const to = stack.find(session.id(other(from_leg)));
    // With one leg over there is nobody to take it: closed() settles what becomes of the other.
    if (from == nullptr || to == nullptr || to->close_reason()) return;
    const tcp::Environment& env = stack.environment();
    const std::uint32_t moved = splice(*from, *to, stack.buffer_share(), stack.payload_pool(), env);
    bool is_fin_moved = false;
    if (from->peer_finished() && !session.has_finished(from_leg)) {
        to->finish(env);
        session.finished(from_leg);
        is_fin_moved = true;
    }
    if (moved == 0 && !is_fin_moved) return;
    stack.touch(session.id(from_leg));
    stack.touch(session.id(other(from_leg)));
}

// A leg that is over already (in TIME_WAIT, say) stays so; it only waits for the bytes that nobody will take
// now.
void Proxy::end_leg(Stack& stack, ConnectionId id, CloseReason reason) {
    tcp::Connection* const connection = stack.find(id);
    if (connection == nullptr) return;
    const tcp::Environment& env = stack.environment();
    if (connection->close_reason()) {
        const packet::ByteQueue lost =
            connection->take_received(connection->readable_bytes(), stack.payload_pool(), env);
    } else {
        connection->abort(reason, env);
    }
    stack.touch(id);
}

// The other leg closed in order, so both FINs have been passed on or will be; what is queued is delivered
// still.
void Proxy::abandon_leg(Stack& stack, ConnectionId id) {
    tcp::Connection* const connection = stack.find(id);
    if (connection == nullptr) return;
    if (connection->close_reason()) {
        end_leg(stack, id, CloseReason::Normal);
        return;
    }
    connection->abandon(stack.environment());
    stack.touch(id);
}

// One timer a session. An earlier deadline re-arms it, a later one is looked at when it fires. False: none is
// free.
bool Proxy::schedule(Stack& stack, Cookie cookie) {
    Session& session = sessions_[cookie];
    const base::Instant deadline = session.deadline(timeouts(session));
    if (deadline >= session.timer_deadline) return true;
    if (session.timer == timer::kNoTimer) {
        session.timer = stack.arm_timer(cookie, deadline);
        if (session.timer == timer::kNoTimer) return false;
    } else {
        stack.rearm_timer(session.timer, deadline);
    }
    session.timer_deadline = deadline;
    return true;
}

void Proxy::release(Stack& stack, Cookie cookie) {
    const Session& session = sessions_[cookie];
    if (session.timer != timer::kNoTimer) stack.cancel_timer(session.timer);
    sessions_.release(cookie);
}

Timeouts Proxy::timeouts(const Session& session) const {
    const Timeouts* const known = timeouts_.find(session.service());
    return known != nullptr ? *known : Timeouts{};
}

}  // namespace terminus::proxy
