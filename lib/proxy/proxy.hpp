#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/archive.hpp"
#include "base/result.hpp"
#include "base/slab.hpp"
#include "flow/rss.hpp"
#include "flow/source_ports.hpp"
#include "proxy/balancer.hpp"
#include "proxy/by_id.hpp"
#include "proxy/service_table.hpp"
#include "proxy/session.hpp"
#include "stack/application.hpp"

namespace terminus::stack {
template <typename App>
class Stack;
}

namespace terminus::proxy {

/// The application of one core: accepts for services, connects to their pools' backends, and moves bytes
/// between the two (stack::Application<Proxy, stack::Stack<Proxy>>; include proxy/stack_of_proxy.hpp to have
/// both).
class Proxy {
 public:
    using Stack = stack::Stack<Proxy>;

    struct Settings {
        std::uint32_t sessions_max = 65536;
        std::uint16_t worker = 0;
        flow::PortRange source_ports;
        /// (source address, backend) pairs that have connections at a time, for each device.
        std::uint32_t source_pairs_max = 4096;
        /// By port index; outlives the proxy.
        std::span<const flow::Steering> steering;
    };

    /// Further backends that a session tries at most, whatever its pool says: the config's range ends there.
    static constexpr std::uint32_t kRetriesMax = 16;

    /// `services` stays valid until set_services() has named another.
    Proxy(const Settings& settings, const ServiceTable* services);
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;

    /// Another snapshot. Sessions live on, also those whose service, pool or backend is gone; the turns of
    /// pools that stay go on where they were. The stack's services_changed() comes after it.
    void set_services(const ServiceTable* services);

    /// Tells the stack the profiles of the snapshot; before the first connection and after each
    /// set_services(). The stack has room for kProfilesMax.
    void set_profiles(Stack& stack) const;

    /// Sessions with at least one leg.
    [[nodiscard]] std::uint32_t sessions() const { return sessions_.size(); }
    [[nodiscard]] std::uint32_t source_ports_used() const;
    /// A backend of the snapshot; where two share an address and a source address, each shows the ports of
    /// both.
    [[nodiscard]] SourcePortUse source_ports_of(const Stack& stack, const Pool& pool,
                                                const Backend& backend) const;
    [[nodiscard]] const ServiceTable& services() const { return *services_; }
    /// For who watches: the client's connection of the session whose connection to a backend is
    /// `backend_leg`; nothing when there is no such session, or its client has gone.
    [[nodiscard]] std::optional<wire::FourTuple> client_behind(const Stack& stack,
                                                               const wire::FourTuple& backend_leg) const;

    /// Between two turns. What is read goes into a proxy with the same settings and services.
    template <typename Archive>
    void archive(Archive& a) {
        a.same(services_->version());
        sessions_.archive(a);
        a.same(source_ports_.size());
        for (flow::SourcePorts& ports : source_ports_)
            ports.archive(a);
        balancers_.archive(a);
        timeouts_.archive(a);
    }

    // ---- the stack's calls: stack::Application

    [[nodiscard]] std::optional<std::uint16_t> find_listener(const wire::Endpoint& local) const;
    /// HARDENING 26: always; what has no room is told so by a RST.
    [[nodiscard]] static bool may_accept(std::uint16_t) { return true; }
    [[nodiscard]] stack::ProfileId profile_of(std::uint16_t service) const;
    void accepted(Stack& stack, stack::ConnectionId id, std::uint16_t service, const wire::FourTuple& tuple);
    void happened(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, tcp::Events events);
    void closed(Stack& stack, stack::ConnectionId id, stack::Cookie cookie, stats::CloseReason reason);
    void timer_expired(Stack& stack, stack::Cookie cookie);
    void prefetch(stack::Cookie cookie) const { sessions_.prefetch(cookie); }
    [[nodiscard]] stack::ConnectionId beside(stack::ConnectionId id, stack::Cookie cookie) const {
        return sessions_.is_live(cookie) ? sessions_[cookie].beside(id) : stack::ConnectionId{};
    }

 private:
    using Connected = base::Result<stack::ConnectionId, stack::ConnectError>;

    // connect.cpp
    bool connect_backend(Stack& stack, stack::Cookie cookie, packet::ByteQueue early = {});
    void send_early(Stack& stack, const Session& session, packet::ByteQueue early);
    bool connect_to(Stack& stack, stack::Cookie cookie, const Pool& pool, const Backend& backend);
    Connected connect_from(Stack& stack, stack::Cookie cookie, const Backend& backend,
                           const SourceAddress& source, std::uint16_t device);
    void release_source_port(Stack& stack, const Session& session);

    // proxy.cpp
    void forward(Stack& stack, Session& session, stats::Leg from);
    void end_leg(Stack& stack, stack::ConnectionId id, stats::CloseReason reason);
    void abandon_leg(Stack& stack, stack::ConnectionId id);
    bool schedule(Stack& stack, stack::Cookie cookie);
    void release(Stack& stack, stack::Cookie cookie);
    [[nodiscard]] Timeouts timeouts(const Session& session) const;

    std::uint16_t worker_;
    const ServiceTable* services_;
    base::Slab<Session> sessions_;
    std::vector<flow::SourcePorts> source_ports_;  // by device
    ById<Balancer> balancers_;                     // by PoolId
    ById<Timeouts> timeouts_;                      // by ServiceId
    ById<std::uint64_t> waited_;                   // by BackendId: SourcePortUse::waited
};

}  // namespace terminus::proxy
