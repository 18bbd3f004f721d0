#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sim/link.hpp"
#include "sim/memory_port.hpp"
#include "stack/network.hpp"
#include "stack/settings.hpp"
#include "stack/stack.hpp"
#include "stats/core_stats.hpp"
#include "support/node.hpp"
#include "support/scripted_app.hpp"

/// Hosts that are made of the stack under test, wires between them, and virtual time.
namespace terminus::test {

/// `length` bytes that depend on the seed and on their place.
[[nodiscard]] std::string random_bytes(std::uint64_t seed, std::size_t length);

/// Buffers from the shared test pools.
[[nodiscard]] stack::Buffers test_buffers(std::uint32_t reserve);

/// A host with one port in 192.0.2.0/24 and 2001:db8::/64; `number` is the last part of its addresses. The
/// numbers fit test/unit/wire/frames.hpp: its peer is 1, "we" are 2.
struct HostOptions {
    std::uint8_t number = 2;
    packet::PortCapabilities capabilities = sim::MemoryPort::able();
    std::uint16_t mtu = 1500;
    std::uint16_t worker = 0;
    std::uint16_t workers = 1;
    std::uint32_t connections_max = 1024;
    std::uint32_t half_open_max = 1024;
    std::uint32_t time_wait_max = 1024;
    std::uint16_t profiles_max = 0;
    stack::Buffers buffers = test_buffers(512);
    stack::Resting resting = stack::Resting::at_once();
    tcp::Tunables tunables;
    flow::Steering steering;
    std::vector<wire::IpAddress> virtual_addresses;
    std::uint64_t seed = 1;
};

/// One worker's worth of a host: its port, stack and scripted application.
class Host {
 public:
    Host(const HostOptions& options, base::Instant now);
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    [[nodiscard]] static wire::IpAddress address_of(std::uint8_t number, bool is_v6);
    [[nodiscard]] static wire::MacAddress mac_of(std::uint8_t number) { return {{2, 0, 0, 0, 0, number}}; }
    [[nodiscard]] wire::Endpoint endpoint(std::uint16_t port, bool is_v6) const {
        return {address_of(number_, is_v6), port};
    }

    /// Frames in, timers, application, frames out.
    void turn(base::Instant now) { node_.turn(now); }
    [[nodiscard]] bool has_work() { return node_.stack().has_work(); }
    [[nodiscard]] base::Instant next_deadline() { return node_.stack().next_deadline(); }

    /// Both families.
    void listen(std::uint16_t port, const Script& script);
    void listen_at(const wire::Endpoint& local, const Script& script) { app_.listen(local, script); }
    void unlisten(std::uint16_t port);
    /// The reference stays good.
    Flow& connect(const wire::Endpoint& to, std::uint16_t local_port, Script script, base::Instant now);
    void act(Flow& flow) { app_.act(node_.stack(), flow); }
    void reset(Flow& flow) { app_.reset(node_.stack(), flow); }

    [[nodiscard]] stack::Stack<ScriptedApp>& stack() { return node_.stack(); }
    [[nodiscard]] stack::Network& network() { return node_.network(); }
    [[nodiscard]] const stats::CoreStats& stats() const { return node_.stats(); }
    [[nodiscard]] std::deque<Flow>& flows() { return app_.flows(); }
    [[nodiscard]] sim::MemoryPort& port() { return port_; }

    // ---- its numbers

    [[nodiscard]] std::uint64_t drops(stats::DropReason reason) const {
        return stats().drops[reason].value();
    }
    /// Everything that was dropped, whatever for.
    [[nodiscard]] std::uint64_t drops() const;
    [[nodiscard]] std::uint64_t closes(stats::CloseReason reason) const;  ///< both legs
    [[nodiscard]] std::uint64_t count(tcp::State state) const;            ///< both legs
    /// All states but TIME_WAIT, both legs, and the half-opens.
    [[nodiscard]] std::uint64_t live() const;

 private:
    std::uint8_t number_;
    sim::MemoryPort port_;
    ScriptedApp app_;
    Node<ScriptedApp> node_;
};

/// Hosts and the wires between them, moved from event to event.
class World {
 public:
    /// Not zero, so that nothing confuses the start with "never set".
    static constexpr base::Instant kStart = base::instant_from_ns(1'000'000'000'000);

    Host& add_host(const HostOptions& options);
    sim::Link& connect(Host& a, Host& b, const sim::LinkSettings& settings = {});

    [[nodiscard]] base::Instant now() const { return now_; }
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

 private:
    void step(base::Instant end);
    void turn();

    base::Instant now_ = kStart;
    std::deque<std::unique_ptr<Host>> hosts_;
    std::deque<std::unique_ptr<sim::Link>> links_;
};

}  // namespace terminus::test
