#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "app.hpp"
#include "pools.hpp"
#include "sim/memory_port.hpp"
#include "support/node.hpp"
#include "tcp/tunables.hpp"
#include "upset.hpp"
#include "verdict.hpp"
#include "wire/address.hpp"

namespace terminus::simulation {

/// What a machine is made with.
struct MachinePlan {
    std::uint64_t seed = 0;  ///< of ISNs, timestamp offsets and cookies
    tcp::Tunables tunables;
    packet::PortCapabilities capabilities = sim::MemoryPort::able();
    std::uint16_t mtu = 1500;
    std::uint32_t reserve = 256;
    std::uint32_t connections_max = 16;
    std::uint32_t half_open_max = 16;
    std::uint32_t time_wait_max = 16;
    std::uint32_t sent_records_spare = 4096;
    base::Duration clock_offset{};             ///< its clock less the world's
    std::vector<std::uint8_t> networks = {0};  ///< it has a port in each of these

    /// On every second machine at the first opportunity.
    [[nodiscard]] stack::Resting resting() const {
        return seed % 2 == 0 ? stack::Resting::at_once() : stack::Resting();
    }
};

/// Host `number` of a network, and the network that it is in: 192.0.2.0/24 and 2001:db8::/64, 198.51.100.0/24
/// and 2001:db8:1::/64.
[[nodiscard]] wire::IpAddress address_of(std::uint8_t number, bool is_v6, std::uint8_t network = 0);
[[nodiscard]] wire::Prefix prefix_of(const wire::IpAddress& host);
[[nodiscard]] wire::MacAddress mac_of(std::uint8_t number, std::uint8_t network = 0);
/// What a stack must know to be host `number` of a network, by its port of this index; two local ids more.
void add_network(stack::Settings& settings, std::uint8_t number, std::uint16_t port, std::uint8_t network,
                 std::uint16_t mtu);

/// One worker's worth of the stack that ships, its programs, and a clock of its own.
class Machine {
 public:
    Machine(std::uint8_t number, const MachinePlan& plan, const Pools& pools, base::Instant now,
            Verdict& verdict);
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    /// A turn at the world's `now`.
    void turn(base::Instant now) { node_.turn(now + plan_.clock_offset); }
    /// In the world's time.
    [[nodiscard]] base::Instant next_deadline();
    [[nodiscard]] bool has_work() { return stack().has_work() || waits_to_receive(); }
    /// What may happen to a machine between two turns: its clock leaps or steps back, somebody else takes
    /// buffers, its tunables change.
    void upset(const Upset& what);

    bool connect(const wire::FourTuple& tuple, const Flow& flow, base::Instant now);

    [[nodiscard]] App& app() { return app_; }
    [[nodiscard]] const App& app() const { return app_; }
    [[nodiscard]] App::Stack& stack() { return node_.stack(); }
    [[nodiscard]] const stats::CoreStats& stats() const { return node_.stats(); }
    /// In the first of its networks, or in another one by its place in the plan.
    [[nodiscard]] sim::MemoryPort& port(std::size_t index = 0) { return *ports_[index]; }
    [[nodiscard]] const Pools& pools() const { return pools_; }
    [[nodiscard]] const MachinePlan& plan() const { return plan_; }
    [[nodiscard]] std::uint8_t number() const { return number_; }

    // ---- its gauges

    [[nodiscard]] std::uint64_t count(tcp::State state) const;
    /// Connections of every state but TIME_WAIT, half-opens included.
    [[nodiscard]] std::uint64_t live() const;
    [[nodiscard]] std::uint32_t buffers_in_use() const { return pools_.in_use() - hoard_.size(); }

 private:
    [[nodiscard]] bool waits_to_receive() const;

    std::uint8_t number_;
    MachinePlan plan_;
    const Pools& pools_;
    Hoard hoard_;
    std::vector<std::unique_ptr<sim::MemoryPort>> ports_;
    App app_;
    terminus::test::Node<App> node_;
};

}  // namespace terminus::simulation
