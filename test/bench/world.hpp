#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "crowd.hpp"
#include "dpdk/pool.hpp"
#include "memory_device.hpp"
#include "proxy/service_table.hpp"
#include "worker/group.hpp"
#include "worker/mesh.hpp"
#include "worker/worker.hpp"

namespace terminus::bench {

/// How much later each turn is while connections come and go, so that `time_waits` are there at a time: they
/// last 60 s, and a turn of 64 frames is about five connections. No longer than delayed acknowledgements
/// allow, and with none wanted a turn as it passes while nothing waits for it.
[[nodiscard]] base::Duration turn_for(std::uint32_t time_waits);

/// A worker as terminusd makes it, between a crowd of clients and backends, with no device and no clock: time
/// passes by a fixed step each turn, so a run is the same every time.
class World {
 public:
    struct Settings {
        bool is_v6 = false;
        bool has_offloads =
            true;              ///< checksums by the device, headers chained to payload; else all in software
        bool has_tso = false;  ///< with offloads: runs of segments are cut by the device
        std::uint32_t staying = 0;        ///< connections that are going to stay
        std::uint32_t passing = 1 << 16;  ///< connections that come and go at a time, at most
        std::uint32_t time_waits = 0;     ///< how many TIME_WAITs there may be at a time
        std::uint32_t number = 0;         ///< another for each world of the process
    };

    explicit World(const Settings& settings);

    /// What the worker needed for `count` times `work`, in cycles of the time stamp counter. The crowd's own
    /// are in crowd_cycles().
    std::uint64_t run(Work work, std::uint64_t count, std::uint32_t concurrency, base::Duration turn);
    /// A minute in which nothing happens, in as many turns as it takes for whoever is quiet to rest and
    /// for the memory that they took to go back.
    void pause();
    [[nodiscard]] std::uint64_t crowd_cycles() const { return crowd_cycles_; }

    /// One turn, `step` after the last: the worker's half, with the cycles that it took, and the crowd's.
    std::uint64_t turn_worker(base::Duration step);
    void turn_crowd();
    /// Lets `span` pass, a turn each `step`, while nobody begins anything.
    void pass(base::Duration span, base::Duration step);

    /// Waits for the last TIME_WAIT to end, when all connections are closed. What is left then, or has not
    /// come out as it went in, a line each; empty when all is accounted for. (accounts.cpp)
    [[nodiscard]] std::vector<std::string> close_accounts();

    [[nodiscard]] Crowd& crowd() { return crowd_; }
    [[nodiscard]] bool is_quiet() const { return device_.waiting() == 0; }
    [[nodiscard]] const stats::CoreStats& stats() const { return group_.stats(0); }

 private:
    [[nodiscard]] static Landscape landscape(const Settings& settings);
    [[nodiscard]] worker::Settings worker_settings(const Settings& settings) const;
    [[nodiscard]] proxy::ServiceTable service_table() const;
    [[nodiscard]] std::uint64_t slots_in_use() const;

    Landscape landscape_;
    dpdk::Pool payload_;
    dpdk::Pool header_;
    dpdk::Pool indirect_;
    MemoryDevice device_;
    Crowd crowd_;
    proxy::ServiceTable services_;
    worker::Group group_;
    worker::Mesh mesh_;
    base::Instant now_;
    std::unique_ptr<worker::Worker> worker_;
    std::uint64_t crowd_cycles_ = 0;
};

}  // namespace terminus::bench
