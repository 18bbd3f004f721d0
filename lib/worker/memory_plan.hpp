#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "worker/worker.hpp"

namespace terminus::worker {

/// One kind of thing that a configuration asks room for.
struct MemoryNeed {
    std::string what;               ///< "connections"
    std::uint64_t workers = 1;      ///< that have so many each; 1 for what the process has once
    std::uint64_t count = 0;        ///< of each worker
    std::uint64_t each_bytes = 0;   ///< 0: `extra_bytes` is all of it
    std::uint64_t extra_bytes = 0;  ///< beside the count: free lists, alignment
    std::string keys;               ///< what makes it less; empty for nothing
    bool is_dpdk = false;           ///< lies in hugepages when DPDK's memory does

    [[nodiscard]] std::uint64_t total_bytes() const { return workers * count * each_bytes + extra_bytes; }
    /// "2 workers x 32768 connections x 712 B = 45 MiB (limits.connections)"
    [[nodiscard]] std::string to_string() const;
};

/// What all workers keep of connections, half-opens, TIME_WAITs, timers and sessions, and the rings between
/// them. `limits` are one worker's; `source_pairs` (source address, backend) have ports out at most. Counted
/// as if all of it were touched, which it is when the limits are reached: what runs only until then is not
/// what the operator asked for. Left out is what is small whatever the configuration says.
[[nodiscard]] std::vector<MemoryNeed> memory_needs(const Settings& limits, std::uint64_t source_pairs);

/// What the machine has for it.
struct MemorySupply {
    std::uint64_t ordinary_bytes = 0;  ///< that can be had now, swap not counted
    std::string ordinary_source;       ///< where that number is from: "MemAvailable of /proc/meminfo"
    std::uint64_t hugepage_bytes = 0;  ///< free
    bool dpdk_in_hugepages = false;    ///< else in ordinary pages
};

/// The sum in words, line by line, for the start-up log. Fails when it is more than there is, in either kind
/// of pages: with the same lines, what is missing, and what can be done.
[[nodiscard]] base::Result<std::vector<std::string>, std::string> plan_memory(
    const std::vector<MemoryNeed>& needs, const MemorySupply& supply);

}  // namespace terminus::worker
