#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dpdk/pool.hpp"
#include "packet/port.hpp"
#include "proxy/service_table.hpp"
#include "stack/settings.hpp"
#include "stats/core_stats.hpp"
#include "support/node.hpp"
#include "support/scripted_app.hpp"
#include "wire/address.hpp"

namespace terminus::vdev {

/// Terminus's own pools, poisoned; the peers take theirs from test_support's.
class Pools {
 public:
    Pools();
    [[nodiscard]] stack::Buffers terminus() const;
    /// The peers' `payload` is only measured, for their bytes come from test::pool(): their shares of it
    /// depend on nothing that happens.
    [[nodiscard]] stack::Buffers peers() const;
    [[nodiscard]] rte_mempool* payload() const { return payload_.get(); }
    /// mbufs of all pools, test_support's included, that are not free.
    [[nodiscard]] std::uint32_t in_use() const;

 private:
    dpdk::Pool payload_;
    dpdk::Pool header_;
    dpdk::Pool indirect_;
    dpdk::Pool steady_;
};

struct SceneOptions {
    std::uint32_t sessions = 20;
    std::uint32_t stream_bytes = 200'000;  ///< each way
    std::uint64_t seed = 1;
};

inline constexpr wire::MacAddress kClientMac{{2, 0, 0, 0, 1, 0x10}};
inline constexpr wire::MacAddress kFrontMac{{2, 0, 0, 0, 1, 1}};
inline constexpr wire::MacAddress kBackMac{{2, 0, 0, 0, 2, 1}};
inline constexpr wire::MacAddress kBackendMac{{2, 0, 0, 0, 2, 0x10}};

/// What Terminus is in every run, and what its peers send each other through it:
///
///     client .10 ── 10.0.1.0/24 ── .1 Terminus .1 ── 10.0.2.0/24 ── .10 backend
///            ::10 ─ fd00:1::/64 ── ::1         ::1 ── fd00:2::/64 ── ::10
///
/// Session n has a service (port kServicePort + n) and a backend (port kBackendPort + n) of its own, IPv4 for
/// even n and IPv6 for odd: bytes that end up in another session are seen.
class Plan {
 public:
    static constexpr std::uint16_t kServicePort = 1000;
    static constexpr std::uint16_t kBackendPort = 8000;
    static constexpr std::uint16_t kClientPort = 40000;

    Plan(const SceneOptions& options, const Pools& pools);

    [[nodiscard]] std::uint32_t sessions() const { return options_.sessions; }
    [[nodiscard]] const SceneOptions& options() const { return options_; }
    [[nodiscard]] static bool is_v6(std::uint32_t session) { return session % 2 == 1; }
    [[nodiscard]] static wire::Endpoint service(std::uint32_t session);
    [[nodiscard]] static wire::Endpoint backend(std::uint32_t session);
    [[nodiscard]] static wire::Endpoint client(std::uint32_t session);
    /// The bytes that the session's client sends, and those that its backend sends.
    [[nodiscard]] std::string upstream(std::uint32_t session) const;
    [[nodiscard]] std::string downstream(std::uint32_t session) const;

    [[nodiscard]] const proxy::ServiceTable& services() const { return services_; }
    [[nodiscard]] stack::Settings terminus_settings() const;
    [[nodiscard]] stack::Settings host_settings(bool is_client) const;

 private:
    [[nodiscard]] stack::Settings common(std::uint64_t salt, const stack::Buffers& buffers) const;
    [[nodiscard]] static proxy::ServiceTable table(std::uint32_t sessions);

    SceneOptions options_;
    const Pools& pools_;
    proxy::ServiceTable services_;
};

/// SipHash under a fixed key: payloads are compared, and reported, by it.
[[nodiscard]] std::uint64_t payload_hash(std::string_view bytes);

/// The host that connects to every service and sends; half of its sessions are closed by it first.
class ClientHost {
 public:
    ClientHost(const Plan& plan, packet::Port& port, base::Instant now);
    void connect_all(base::Instant now);
    void turn(base::Instant now) { node_.turn(now); }
    [[nodiscard]] bool has_work() { return node_.stack().has_work(); }
    [[nodiscard]] bool is_done() const;
    /// One sentence for each stream that is not what the backend sent.
    [[nodiscard]] std::vector<std::string> faults() const;
    [[nodiscard]] std::uint64_t bytes_received() const;
    [[nodiscard]] const stats::CoreStats& stats() const { return node_.stats(); }

 private:
    const Plan& plan_;
    test::ScriptedApp app_;
    test::Node<test::ScriptedApp> node_;
};

/// The host that all backends are on.
class BackendHost {
 public:
    BackendHost(const Plan& plan, packet::Port& port, base::Instant now);
    void turn(base::Instant now) { node_.turn(now); }
    [[nodiscard]] bool has_work() { return node_.stack().has_work(); }
    [[nodiscard]] bool is_done() const;
    [[nodiscard]] std::vector<std::string> faults() const;
    [[nodiscard]] std::uint64_t bytes_received() const;
    [[nodiscard]] const stats::CoreStats& stats() const { return node_.stats(); }

 private:
    const Plan& plan_;
    test::ScriptedApp app_;
    test::Node<test::ScriptedApp> node_;
};

/// Connections that are neither CLOSED nor TIME_WAIT, both legs.
[[nodiscard]] std::uint64_t live_connections(const stats::CoreStats& stats);
/// Payload that Terminus sent again, both legs.
[[nodiscard]] std::uint64_t bytes_sent_again(const stats::CoreStats& stats);
/// Segments that were received behind a gap, both legs.
[[nodiscard]] std::uint64_t segments_out_of_order(const stats::CoreStats& stats);

}  // namespace terminus::vdev
