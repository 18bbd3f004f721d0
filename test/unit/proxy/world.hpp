#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/proxy.hpp"
#include "proxy/stack_of_proxy.hpp"
#include "support/cable.hpp"
#include "support/node.hpp"
#include "support/pool.hpp"
#include "support/scripted_app.hpp"

namespace terminus::proxy::test {

using terminus::test::Cable;
using terminus::test::Flow;
using terminus::test::Script;

/// Reports buffers that were not given back; declared before the World, so that it looks when that is gone.
class LeakCheck {
 public:
    LeakCheck() : before_(terminus::test::buffers_in_use()) {}
    ~LeakCheck() { CHECK(terminus::test::buffers_in_use() == before_); }

 private:
    std::uint32_t before_;
};

/// A client host, a proxy with two ports, and a host full of backends, in virtual time:
///
///     client .10 ── 10.0.1.0/24 ── .1 proxy .1 ── 10.0.2.0/24 ── .10 backends, each on a port
///            ::10 ─ fd00:1::/64 ── ::1      ::1 ── fd00:2::/64 ── ::10
///
/// The service listens on 203.0.113.80:80 and [2001:db8::80]:80.
class World {
 public:
    struct Options {
        bool is_v6 = false;
        std::vector<wire::Endpoint> backends;  ///< of the pool; empty: backend(8080) alone
        std::uint32_t retries = 2;
        base::Duration connect_timeout = std::chrono::seconds(1);
        base::Duration idle_timeout{};
        base::Duration half_close_timeout{};
        std::uint32_t sessions_max = 1024;
        std::uint32_t connections_max = 2048;
        flow::PortRange source_ports{};
        tcp::Tunables tunables;                   ///< of the proxy
        tcp::TunableOverrides client_overrides;   ///< the service's, towards clients
        tcp::TunableOverrides backend_overrides;  ///< and towards backends
        tcp::Tunables host_tunables;
        Cable::Settings client_cable;
        Cable::Settings backend_cable;
        std::uint64_t seed = 1;
    };

    explicit World(const Options& options);

    /// An address of the backend host: in the options' family, whether or not something listens there.
    [[nodiscard]] static wire::Endpoint backend(std::uint16_t port, bool is_v6 = false);
    /// An address in the backends' network that nobody has.
    [[nodiscard]] static wire::Endpoint silent_backend(bool is_v6 = false);

    void serve(std::uint16_t port, Script script) {
        backends_.listen(backend(port, options_.is_v6), std::move(script));
    }
    /// The client connects to the service.
    Flow& connect(Script script);
    /// Flows that backends have accepted, in order.
    [[nodiscard]] std::deque<Flow>& served() { return backends_.flows(); }

    void act(Flow& client) { clients_.act(client_node_.stack(), client); }
    void act_served(Flow& flow) { backends_.act(backend_node_.stack(), flow); }
    void reset(Flow& client) { clients_.reset(client_node_.stack(), client); }
    void reset_served(Flow& flow) { backends_.reset(backend_node_.stack(), flow); }

    /// A table like the first, with these backends; empty: without the service.
    [[nodiscard]] ServiceTable table(std::uint64_t version,
                                     const std::vector<wire::Endpoint>& backends) const;

    /// Lets `span` go by, to the nanosecond.
    void run(base::Duration span);
    /// Until `done`, for at most `limit`; whether it came to that.
    template <typename Done>
    [[nodiscard]] bool run_until(base::Duration limit, Done&& done) {
        const base::Instant end = now_ + limit;
        while (!done()) {
            if (now_ >= end) return false;
            step(end);
        }
        return true;
    }

    [[nodiscard]] base::Instant now() const { return now_; }
    [[nodiscard]] Proxy& proxy() { return proxy_; }
    [[nodiscard]] terminus::test::Node<Proxy>& node() { return proxy_node_; }
    [[nodiscard]] const stats::CoreStats& stats() const { return proxy_node_.stats(); }
    [[nodiscard]] Cable& backend_cable() { return backend_cable_; }
    /// Connections of the proxy in `state`, both legs.
    [[nodiscard]] std::uint64_t count(tcp::State state) const;
    /// Connections of the proxy that are neither CLOSED nor TIME_WAIT, both legs.
    [[nodiscard]] std::uint64_t live() const;
    [[nodiscard]] std::uint64_t closes(stats::Leg leg, stats::CloseReason reason) const {
        return stats().leg(leg).closes[reason].value();
    }

 private:
    [[nodiscard]] stack::Settings host_settings(bool is_client) const;
    [[nodiscard]] stack::Settings proxy_settings() const;
    void turn();
    void step(base::Instant end);

    Options options_;
    base::Instant now_;
    Cable client_cable_;
    Cable backend_cable_;
    std::vector<flow::Steering> steering_;
    ServiceTable services_;
    Proxy proxy_;
    terminus::test::ScriptedApp clients_;
    terminus::test::ScriptedApp backends_;
    terminus::test::Node<Proxy> proxy_node_;
    terminus::test::Node<terminus::test::ScriptedApp> client_node_;
    terminus::test::Node<terminus::test::ScriptedApp> backend_node_;
    std::uint16_t next_client_port_ = 40000;
};

/// `length` bytes that depend on the seed and on their place.
[[nodiscard]] std::string pattern(std::uint64_t seed, std::size_t length);

/// Nothing of any session is left: TIME_WAITs are the stack's.
inline void require_nothing_left(World& world) {
    world.run(std::chrono::seconds(1));
    REQUIRE(world.live() == 0);
    REQUIRE(world.proxy().sessions() == 0);
    REQUIRE(world.proxy().source_ports_used() == 0);
    REQUIRE(world.stats().source_ports_used.value() == 0);
}

}  // namespace terminus::proxy::test
