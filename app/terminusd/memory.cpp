#include "memory.hpp"

#include <algorithm>

#include "control/worker_settings.hpp"
#include "worker/memory_plan.hpp"

namespace terminus::app {
namespace {

worker::MemoryNeed need_of(const dpdk::PoolSettings& pool) {
    const dpdk::PoolMemory memory = dpdk::memory_needed(pool);
    return {.what = pool.name + " buffers",
            .count = pool.count,
            .each_bytes = memory.object_bytes,
            .extra_bytes = memory.total_bytes - pool.count * memory.object_bytes,
            .is_dpdk = true};
}

}  // namespace

base::Result<std::vector<std::string>, std::string> memory_plan(const config::Config& config,
                                                                const dpdk::Sizing& sizing,
                                                                const std::vector<std::string>& eal,
                                                                const control::MachineMemory& machine) {
    const bool in_hugepages = std::find(eal.begin(), eal.end(), "--no-huge") == eal.end();
    std::vector<worker::MemoryNeed> needs = worker::memory_needs(
        control::worker_limits(config, sizing.payload.count), control::source_pairs(config));
    needs.push_back(need_of(sizing.payload));
    needs.back().keys = config.buffers.count ? "buffers.count" : "limits.connections";
    needs.push_back(need_of(sizing.header));
    needs.back().keys = "ports[].tx_descriptors, workers";
    needs.push_back(need_of(sizing.indirect));
    needs.back().keys = "ports[].tx_descriptors, workers";
    // With hugepages DPDK takes of them what it uses, not what is set aside for it here.
    if (!in_hugepages) {
        needs.push_back({.what = "DPDK's own",
                         .extra_bytes = std::uint64_t{dpdk::eal_megabytes(0)} << 20,
                         .is_dpdk = true});
    }
    return worker::plan_memory(needs, {.ordinary_bytes = machine.available_bytes,
                                       .ordinary_source = machine.source,
                                       .hugepage_bytes = machine.hugepage_bytes,
                                       .dpdk_in_hugepages = in_hugepages});
}

}  // namespace terminus::app
