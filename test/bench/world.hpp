#pragma once

#include <cstdint>
#include <memory>

#include "crowd.hpp"
#include "dpdk/pool.hpp"
#include "memory_device.hpp"
#include "proxy/service_table.hpp"
#include "worker/group.hpp"
#include "worker/mesh.hpp"
#include "worker/worker.hpp"

namespace terminus::bench {

/// A worker as terminusd makes it, between a crowd of clients and backends, with no device and no clock: time
/// passes by a fixed step each turn, so a run is the same every time.
class World {
 public:
    struct Settings {
        bool is_v6 = false;
        bool has_offloads =
            true;  ///< checksums by the device, headers chained to payload; else all in software
        std::uint32_t staying = 0;        ///< connections that are going to stay
        std::uint32_t passing = 1 << 16;  ///< connections that come and go at a time, at most
        std::uint32_t time_waits = 0;     ///< how many TIME_WAITs the passing ones leave at a time
    };

    explicit World(const Settings& settings);

    /// What the worker needed for `count` times `work`, in cycles of the time stamp counter. The crowd's own
    /// are in crowd_cycles().
    std::uint64_t run(Work work, std::uint64_t count, std::uint32_t concurrency, base::Duration turn);
    /// Two seconds in which nothing happens, in as many turns as it takes for whoever is quiet to rest.
    void pause();
    [[nodiscard]] std::uint64_t crowd_cycles() const { return crowd_cycles_; }

    [[nodiscard]] Crowd& crowd() { return crowd_; }
    [[nodiscard]] const stats::CoreStats& stats() const { return group_.stats(0); }

 private:
    [[nodiscard]] static Landscape landscape(const Settings& settings);
    [[nodiscard]] worker::Settings worker_settings(const Settings& settings) const;
    [[nodiscard]] proxy::ServiceTable service_table() const;

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
    std::uint64_t turns_ = 0;
};

}  // namespace terminus::bench
