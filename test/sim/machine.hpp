#pragma once

#include <cstdint>
#include <vector>

#include "app.hpp"
#include "packet/slice.hpp"
#include "pools.hpp"
#include "sim/memory_port.hpp"
#include "support/node.hpp"
#include "tcp/tunables.hpp"
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
    base::Duration clock_offset{};  ///< its clock less the world's
};

/// One worker's worth of the stack that ships, its programs, and a clock of its own. Host `number` (1, 2) is
/// 192.0.2.number and 2001:db8::number.
class Machine {
 public:
    Machine(std::uint8_t number, const MachinePlan& plan, const Pools& pools, base::Instant now,
            Verdict& verdict);
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    [[nodiscard]] static wire::IpAddress address(std::uint8_t number, bool is_v6);
    [[nodiscard]] static wire::MacAddress mac(std::uint8_t number) { return {{2, 0, 0, 0, 0, number}}; }

    /// A turn at the world's `now`.
    void turn(base::Instant now) { node_.turn(now + plan_.clock_offset); }
    /// In the world's time.
    [[nodiscard]] base::Instant next_deadline();
    [[nodiscard]] bool has_work() { return stack().has_work() || port_.waiting_to_receive() > 0; }
    /// The clock leaps, or steps back, between two turns.
    void jump(base::Duration by) { plan_.clock_offset += by; }

    bool connect(const wire::FourTuple& tuple, const Flow& flow, base::Instant now);
    /// Somebody else takes payload buffers until `leave` are left; 0 gives all of them back.
    void hoard(const dpdk::Pool& pool, std::uint32_t leave);
    void release_hoard() { hoarded_.clear(); }

    [[nodiscard]] App& app() { return app_; }
    [[nodiscard]] App::Stack& stack() { return node_.stack(); }
    [[nodiscard]] const stats::CoreStats& stats() const { return node_.stats(); }
    [[nodiscard]] sim::MemoryPort& port() { return port_; }
    [[nodiscard]] const Pools& pools() const { return pools_; }
    [[nodiscard]] const MachinePlan& plan() const { return plan_; }
    [[nodiscard]] std::uint8_t number() const { return number_; }

    // ---- its gauges

    [[nodiscard]] std::uint64_t count(tcp::State state) const;
    /// Connections of every state but TIME_WAIT, half-opens included.
    [[nodiscard]] std::uint64_t live() const;
    [[nodiscard]] std::uint32_t buffers_in_use() const {
        return pools_.in_use() - static_cast<std::uint32_t>(hoarded_.size());
    }

 private:
    std::uint8_t number_;
    MachinePlan plan_;
    const Pools& pools_;
    std::vector<packet::Buffer> hoarded_;
    sim::MemoryPort port_;
    App app_;
    terminus::test::Node<App> node_;
};

}  // namespace terminus::simulation
