// How a session gets its backend: a backend, a source address, a source port.
#include <algorithm>
#include <utility>

#include "proxy/proxy.hpp"
#include "proxy/splice.hpp"
#include "proxy/stack_of_proxy.hpp"

namespace terminus::proxy {

using stack::ConnectError;
using stack::ConnectionId;
using stack::Cookie;
using stats::Leg;

namespace {

// Of the legs to the backends of `service`; nullptr: it has been removed meanwhile.
stack::ProfileId backend_profile(const Service* service) {
    return service != nullptr ? service->backend_profile : stack::kProcessProfile;
}

}  // namespace

// The first of the untried backends to which a SYN can be sent; false when there is none left, or the pool's
// retries are used up, or the client has gone meanwhile.
// `early` are bytes that a backend which failed was to have first.
bool Proxy::connect_backend(Stack& stack, Cookie cookie, packet::ByteQueue early) {
    Session& session = sessions_[cookie];
    const tcp::Connection* const client = stack.find(session.id(Leg::Client));
    if (client == nullptr || client->close_reason()) return false;
    const Pool* const pool = services_->pool(session.pool());
    if (pool == nullptr) return false;  // removed by a reload between two attempts
    if (session.attempts() > std::min(pool->retries, kRetriesMax)) return false;
    Balancer& balancer = balancers_.get_or_make(pool->id, pool->balance, worker_);
    while (const std::optional<std::size_t> position = balancer.pick(*pool, session.tried())) {
        session.tried().add(*position);
        if (!connect_to(stack, cookie, *pool, pool->backends[*position])) continue;
        send_early(stack, session, std::move(early));
        return true;
    }
    return false;
}

// RFC 7413: what the client has sent by now goes with the SYN, where there is a cookie. The stack doesn't
// send before the turn ends.
void Proxy::send_early(Stack& stack, const Session& session, packet::ByteQueue early) {
    tcp::Connection& client = *stack.find(session.id(Leg::Client));
    tcp::Connection& backend = *stack.find(session.id(Leg::Backend));
    const tcp::Environment env = stack.environment(session.id(Leg::Backend));
    if (!early.empty()) backend.send(std::move(early), env);
    const wire::IpAddress remote = stack.tuple(session.id(Leg::Backend)).remote.address;
    if (stack.fast_open_text_max(remote, backend_profile(services_->service(session.service()))) == 0) return;
    if (splice(client, backend, stack.buffer_share(), stack.payload_pool(), env) > 0)
        stack.touch(session.id(Leg::Client));
}

// From any source address that has a port left; which is tried first is drawn, so that all fill alike and a
// search for a port stays short until nearly all are out. A backend without one, or without a route, costs no
// attempt. RFC 9293 3.9.1.1, MUST-43.
bool Proxy::connect_to(Stack& stack, Cookie cookie, const Pool& pool, const Backend& backend) {
    const std::optional<std::uint16_t> device = stack.port_to(backend.address.address);
    if (!device) return false;
    Session& session = sessions_[cookie];
    const auto fits = [&](const SourceAddress& source) {
        return source.address.is_v4() == backend.address.address.is_v4();
    };
    const std::size_t all = pool.sources.size();
    const bool has_choice = std::count_if(pool.sources.begin(), pool.sources.end(), fits) > 1;
    const std::size_t first = has_choice ? stack.rng().below(all) : 0;
    for (std::size_t tried = 0; tried < all; ++tried) {
        const SourceAddress& source = pool.sources[(first + tried) % all];
        if (!fits(source)) continue;
        const Connected connected = connect_from(stack, cookie, backend, source, *device);
        if (connected) {
            session.connecting(connected.value(), {backend.id, source.local_id, *device},
                               stack.environment().now + pool.connect_timeout);
            return true;
        }
        const bool is_out_of_ports =
            connected.error() == ConnectError::TupleInUse || connected.error() == ConnectError::InTimeWait;
        if (!is_out_of_ports) return false;
        stack.stats().source_ports_exhausted.add();
    }
    return false;
}

// Tries free source ports, at most flow::SourcePorts::kOffersMax, until one's 4-tuple is free here too.
Proxy::Connected Proxy::connect_from(Stack& stack, Cookie cookie, const Backend& backend,
                                     const SourceAddress& source, std::uint16_t device) {
    Connected connected = base::Failure{ConnectError::TupleInUse};  // also when no port was free to be tried
    const stack::ProfileId profile = backend_profile(services_->service(sessions_[cookie].service()));
    const auto try_port = [&](std::uint16_t port) {
        connected = stack.connect({
            .tuple = {.local = {source.address, port}, .remote = backend.address},
            .local_id = source.local_id,
            .service = sessions_[cookie].service(),
            .cookie = cookie,
            .profile = profile,
            .fast_open = true,
        });
        if (connected) return true;
        // Without a slot or a route another port is as bad: take this one and give it back.
        return connected.error() == ConnectError::NoSlot || connected.error() == ConnectError::NoRoute;
    };
    flow::SourcePorts& ports = source_ports_[device];
    const std::optional<std::uint16_t> port =
        ports.allocate_if(source.local_id, source.address, backend.address, stack.rng(), try_port);
    if (port && !connected) ports.release(source.local_id, backend.address, *port);
    stack.stats().source_ports_used.set(source_ports_used());
    return connected;
}

// A 4-tuple that is in TIME_WAIT now is not given out again: connect() refuses it.
void Proxy::release_source_port(Stack& stack, const Session& session) {
    const wire::FourTuple tuple = stack.tuple(session.id(Leg::Backend));
    const Session::Attempt& attempt = session.attempt();
    if (stack.find(session.id(Leg::Backend))->state() == tcp::State::TimeWait)
        ++waited_.get_or_make(attempt.backend, std::uint64_t{0});
    source_ports_[attempt.port].release(attempt.source_id, tuple.remote, tuple.local.port);
    stack.stats().source_ports_used.set(source_ports_used());
}

SourcePortUse Proxy::source_ports_of(const Stack& stack, const Pool& pool, const Backend& backend) const {
    SourcePortUse use;
    const std::uint64_t* const waited = waited_.find(backend.id);
    use.waited = waited != nullptr ? *waited : 0;
    const std::optional<std::uint16_t> device = stack.port_to(backend.address.address);
    if (!device) return use;
    const flow::SourcePorts& ports = source_ports_[*device];
    for (const SourceAddress& source : pool.sources) {
        if (source.address.is_v4() != backend.address.address.is_v4()) continue;
        use.used += ports.used(source.local_id, backend.address);
        use.total += ports.total(source.address, backend.address);
    }
    return use;
}

}  // namespace terminus::proxy
