#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report.hpp"

namespace terminus::bench {

struct WorkerBench {
    std::vector<std::string> works;      ///< names of worker_works(); empty: all
    std::uint32_t operations = 200'000;  ///< of each kind in a round
    std::uint32_t concurrency = 256;     ///< connections or requests at a time
    std::uint32_t time_waits = 1'000'000;
    bool is_v6 = false;
    bool has_offloads = true;
    bool has_tso = false;
};

/// What can be measured: request, latency, ack, segment, connection, connection-client, connection-kernel.
[[nodiscard]] std::vector<std::string> worker_works();

/// DPDK's memory that it takes.
[[nodiscard]] std::uint32_t worker_megabytes();

/// A worker driven from memory, with `open` proxied connections open beside what is measured.
void bench_worker(std::uint32_t open, const WorkerBench& settings, Report& report);

}  // namespace terminus::bench
