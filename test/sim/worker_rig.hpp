#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connection_watch.hpp"
#include "pools.hpp"
#include "proxy_plan.hpp"
#include "sim/memory_port.hpp"
#include "verdict.hpp"
#include "worker/relay_port.hpp"
#include "worker/worker.hpp"

namespace terminus::simulation {

/// The workers of a process, turned by hand, with a port in each network; the second worker reaches both by
/// the first one's hands. They are host 1, and a service's port is kFirstService plus its number.
class WorkerRig {
 public:
    static constexpr std::uint8_t kNumber = 1;
    static constexpr std::uint16_t kFirstService = 80;
    static constexpr std::uint16_t kFirstBackend = 8000, kBackendsOfService = 10;
    static constexpr std::uint8_t kBackendHost = 3, kNobody = 99;

    WorkerRig(const ProxyPlan& plan, const Pools& pools, base::Instant now, Verdict& verdict);
    WorkerRig(const WorkerRig&) = delete;
    WorkerRig& operator=(const WorkerRig&) = delete;

    [[nodiscard]] sim::MemoryPort& port(std::size_t network) { return *ports_[network]; }
    [[nodiscard]] static std::uint16_t backend_port(std::size_t service, std::size_t place) {
        return static_cast<std::uint16_t>(kFirstBackend + kBackendsOfService * service + place);
    }
    [[nodiscard]] static wire::Endpoint service(std::uint8_t number, bool is_v6);

    /// A turn of each worker at the world's `now`, and what must be true after it.
    void turn(base::Instant now);
    [[nodiscard]] bool has_work() const { return is_busy_; }
    /// In the world's time.
    [[nodiscard]] base::Instant next_deadline() const;
    void upset(const Upset& what);
    void upset(const WorkerUpset& what);

    [[nodiscard]] bool is_idle() const;
    /// With everything closed and every TIME_WAIT over: nothing is left.
    void at_end();
    [[nodiscard]] std::string story() const;

 private:
    using Key = std::pair<std::uint16_t, std::uint64_t>;  // worker, and the connection's id

    [[nodiscard]] worker::Settings settings(std::uint16_t index) const;
    [[nodiscard]] const proxy::ServiceTable* make_table(std::optional<std::uint8_t> without);
    void ask_for_connections();
    void take_replies();
    void watch(std::uint16_t index);
    [[nodiscard]] std::uint64_t live(std::uint16_t index) const;

    ProxyPlan plan_;
    const Pools& pools_;
    Verdict& verdict_;
    base::Duration clock_offset_;
    std::uint32_t buffers_before_;
    bool is_busy_ = true;
    Hoard hoard_;
    std::vector<std::unique_ptr<sim::MemoryPort>> ports_;
    std::deque<proxy::ServiceTable> tables_;
    worker::Group group_;
    worker::Mesh mesh_;
    std::vector<std::unique_ptr<worker::RelayPort>> relays_;
    std::vector<std::unique_ptr<worker::Worker>> workers_;
    std::map<Key, ConnectionMarks> marks_;
};

}  // namespace terminus::simulation
