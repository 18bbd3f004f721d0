#pragma once

#include <cstdint>

#include "report.hpp"

namespace terminus::bench {

/// flow::Table beside rte_hash, with `entries` connections each: lookups that hit and that miss, one by one
/// and in bursts of 32, and connections that go and come; in random order, with the table at the load that
/// its capacity means. EAL runs, with memory for rte_hash.
void bench_table(std::uint32_t entries, std::uint32_t operations, Report& report);

/// Megabytes that EAL must have for bench_table().
[[nodiscard]] std::uint32_t table_megabytes(std::uint32_t entries);

}  // namespace terminus::bench
