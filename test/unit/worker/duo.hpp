#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sim/link.hpp"
#include "sim/memory_port.hpp"
#include "support/node.hpp"
#include "support/pool.hpp"
#include "support/scripted_app.hpp"
#include "worker/relay_port.hpp"
#include "worker/worker.hpp"

namespace terminus::worker::test {

using terminus::test::Flow;
using terminus::test::Script;

/// Reports buffers that were not given back; declared before the Duo, so that it looks when that is gone.
class LeakCheck {
 public:
    LeakCheck() : before_(terminus::test::buffers_in_use()) {}
    ~LeakCheck() { CHECK(terminus::test::buffers_in_use() == before_); }

 private:
    std::uint32_t before_;
};

/// Two workers behind a port with one queue, turned by hand in virtual time, and a host that is every client
/// and the backend:
///
///     host .10 ── 10.0.0.0/24, fd00::/64 ── .1 port ── worker 0 ══ rings ══ worker 1
///
/// The service listens on 10.0.0.80:80 and [fd00::80]:80; the backend on port 8080 of the host.
class Duo {
 public:
    static constexpr base::Instant kStart = base::instant_from_ns(1'000'000'000'000);
    static constexpr std::uint16_t kServicePort = 80;
    static constexpr std::uint16_t kBackendPort = 8080;
    static constexpr proxy::ServiceId kService = 5;

    explicit Duo(bool is_v6 = false,
                 const sim::LinkSettings& wire = {.delay = std::chrono::microseconds(50)});

    /// What the backend does with each connection.
    void serve(Script script) { host_app_.listen(backend(), std::move(script)); }
    Flow& connect(Script script);
    /// A session on each worker, before serve(): from then on everybody knows their neighbours.
    void warm_up();
    void act(Flow& flow) { host_app_.act(host_node_.stack(), flow); }

    /// Lets `span` go by.
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

    /// Asks a worker and turns until it has answered.
    [[nodiscard]] Reply ask(std::uint16_t worker, Command&& command);
    /// A snapshot like the first; without the service when `has_service` is false. Lives as long as this.
    [[nodiscard]] const proxy::ServiceTable* table(std::uint64_t version, bool has_service);

    /// What worker `index` was made of.
    [[nodiscard]] Settings worker_settings(std::uint16_t index) const;
    [[nodiscard]] base::Instant now() const { return now_; }
    [[nodiscard]] worker::Worker& worker(std::uint16_t index) { return *workers_[index]; }
    [[nodiscard]] Mailbox& mailbox(std::uint16_t index) { return group_.mailbox(index); }
    [[nodiscard]] const stats::CoreStats& stats(std::uint16_t index) const { return group_.stats(index); }
    [[nodiscard]] sim::MemoryPort& port() { return port_; }
    [[nodiscard]] sim::Link& link() { return link_; }
    /// All of the host's ends, in order of their beginning.
    [[nodiscard]] std::deque<Flow>& flows() { return host_app_.flows(); }
    /// The worker that a connection of the client belongs to.
    [[nodiscard]] std::uint16_t owner(const Flow& client) const;

    // ---- sums over both workers

    /// Both legs in every state but CLOSED and TIME_WAIT, half-open ones included.
    [[nodiscard]] std::uint64_t live() const;
    [[nodiscard]] std::uint64_t live(std::uint16_t worker) const;
    [[nodiscard]] std::uint64_t drops() const;
    [[nodiscard]] std::uint64_t resets() const;
    [[nodiscard]] std::uint64_t closes(stats::Leg leg, stats::CloseReason reason) const;

 private:
    [[nodiscard]] wire::Endpoint backend() const;
    [[nodiscard]] stack::Settings host_settings() const;
    bool turn();
    void step(base::Instant end);

    bool is_v6_;
    base::Instant now_ = kStart;
    std::deque<proxy::ServiceTable> tables_;
    sim::MemoryPort port_;
    sim::MemoryPort host_port_;
    sim::Link link_;
    Group group_;
    Mesh mesh_;
    RelayPort relay_;
    std::vector<std::unique_ptr<worker::Worker>> workers_;
    terminus::test::ScriptedApp host_app_;
    terminus::test::Node<terminus::test::ScriptedApp> host_node_;
    std::uint16_t next_client_port_ = 40000;
};

/// `length` bytes that depend on the seed and on their place.
[[nodiscard]] std::string pattern(std::uint64_t seed, std::size_t length);

}  // namespace terminus::worker::test
