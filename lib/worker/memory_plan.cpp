#include "worker/memory_plan.hpp"

#include <algorithm>
#include <bit>

#include "base/blocks.hpp"
#include "base/slab.hpp"
#include "proxy/session.hpp"
#include "stack/connections.hpp"
#include "stack/slots.hpp"
#include "stack/time_waits.hpp"
#include "tcp/sent_records.hpp"

namespace terminus::worker {
namespace {

constexpr std::uint64_t kTimeWaitBytes = sizeof(stack::TimeWaitSlot) + 2 * sizeof(std::uint32_t);
constexpr std::uint64_t kTimerBytes = 24;
/// What is set aside for a connection at rest, by the page and a page for each size of block.
constexpr std::uint64_t kPackedBytes = 192;
constexpr std::uint64_t kPageBytes = base::Blocks::kChunk;
/// The table's bucket: a cache line of eight entries, filled to seven eighths at most.
constexpr std::uint64_t kBucketBytes = 64;
constexpr std::uint64_t kBucketEntries = 8;
/// Beside a bit for each port: a count for each entry of the redirection table, and each bucket's last word.
constexpr std::uint64_t kPairOverheadBytes = 2048;
constexpr std::uint64_t kHugepageBytes = 2u << 20;

std::uint64_t table_buckets(std::uint64_t capacity) {
    const std::uint64_t entries = capacity * 8 / 7 + 1;
    return std::bit_ceil(std::max<std::uint64_t>(2, (entries + kBucketEntries - 1) / kBucketEntries));
}

std::uint64_t packed_pages(std::uint64_t connections) {
    return (connections * kPackedBytes + base::Blocks::kUnusedMax + kPageBytes - 1) / kPageBytes;
}

std::uint64_t mebibytes(std::uint64_t bytes) {
    return (bytes + (1u << 20) - 1) >> 20;
}

std::string text(std::uint64_t bytes) {
    return std::to_string(mebibytes(bytes)) + " MiB";
}

std::uint64_t sum(const std::vector<MemoryNeed>& needs, bool is_dpdk) {
    std::uint64_t bytes = 0;
    for (const MemoryNeed& need : needs)
        bytes += need.is_dpdk == is_dpdk ? need.total_bytes() : 0;
    return bytes;
}

/// The keys of the largest lines, down to a fourth of the largest: those that are worth being lowered.
std::string keys_to_lower(const std::vector<MemoryNeed>& needs, bool dpdk_counts) {
    std::vector<const MemoryNeed*> lowered;
    for (const MemoryNeed& need : needs)
        if (!need.keys.empty() && (dpdk_counts || !need.is_dpdk)) lowered.push_back(&need);
    std::stable_sort(lowered.begin(), lowered.end(), [](const MemoryNeed* a, const MemoryNeed* b) {
        return a->total_bytes() > b->total_bytes();
    });
    std::vector<std::string> keys;
    for (const MemoryNeed* need : lowered) {
        if (need->total_bytes() < lowered.front()->total_bytes() / 4) break;
        if (std::find(keys.begin(), keys.end(), need->keys) == keys.end()) keys.push_back(need->keys);
    }
    std::string list;
    for (const std::string& key : keys)
        list += (list.empty() ? "" : ", ") + key;
    return list;
}

std::string refusal(const std::vector<std::string>& lines, const std::string& advice) {
    std::string all = "the configuration asks for more memory than there is:";
    for (const std::string& line : lines)
        all += "\n  " + line;
    return all + "\n" + advice;
}

std::string pages_command(std::uint64_t bytes) {
    return "scripts/setup-host --pages " + std::to_string((bytes + kHugepageBytes - 1) / kHugepageBytes);
}

}  // namespace

std::string MemoryNeed::to_string() const {
    std::string line = workers == 1 ? "" : std::to_string(workers) + " workers x ";
    if (each_bytes != 0) line += std::to_string(count) + " ";
    line += what;
    if (each_bytes != 0) {
        line += " x " + std::to_string(each_bytes) + " B";
        if (extra_bytes != 0) line += " + " + std::to_string((extra_bytes + 1023) / 1024) + " KiB";
    }
    line += " = " + text(total_bytes());
    return keys.empty() ? line : line + " (" + keys + ")";
}

std::vector<MemoryNeed> memory_needs(const Settings& limits, std::uint64_t source_pairs) {
    const stack::Settings& own = limits.stack;
    const std::uint64_t connections = own.connections_max;
    const std::uint64_t keyed = connections + own.half_open_max + own.time_wait_max;
    const std::uint64_t timers = connections + own.half_open_max + own.application_timers_max;
    const std::uint64_t records = connections + own.sent_records_spare;
    const std::uint64_t ports = limits.proxy.source_ports.last - limits.proxy.source_ports.first + 1u;
    const std::string tables = "limits.connections, tcp.max_tw_buckets";
    std::vector<MemoryNeed> needs;
    const auto add = [&](const char* what, std::uint64_t count, std::uint64_t bytes,
                         const std::string& keys) {
        needs.push_back(
            {.what = what, .workers = own.workers, .count = count, .each_bytes = bytes, .keys = keys});
    };
    add("connections", connections, stack::Connections::bytes_each(), "limits.connections");
    needs.back().extra_bytes = own.workers * stack::Connections::bytes_beside(own.connections_max);
    add("pages for connections at rest", packed_pages(connections), kPageBytes, "limits.connections");
    add("places in a line of connections", std::bit_ceil(own.connections_max), sizeof(std::uint32_t),
        "limits.connections");
    add("sessions", limits.proxy.sessions_max, base::Slab<proxy::Session>::bytes_each(),
        "limits.connections");
    add("records of what was sent", records, sizeof(tcp::SentRecord), "limits.connections, buffers.count");
    add("timers", timers, kTimerBytes, "limits.connections");
    add("half-open connections", own.half_open_max, base::Slab<stack::HalfOpenSlot>::bytes_each(),
        "tcp.max_syn_backlog");
    add("TIME_WAITs", own.time_wait_max, kTimeWaitBytes, "tcp.max_tw_buckets");
    add("buckets of the connection table", table_buckets(keyed), kBucketBytes, tables);
    add("pairs of source address and backend",
        std::min<std::uint64_t>(source_pairs, limits.proxy.source_pairs_max), ports / 8 + kPairOverheadBytes,
        "source_port_range");
    if (own.workers > 1) {
        add("ring places between workers", own.workers * Mesh::kDepth,
            sizeof(stack::Message) + sizeof(Relayed), "workers");
    }
    return needs;
}

base::Result<std::vector<std::string>, std::string> plan_memory(const std::vector<MemoryNeed>& needs,
                                                                const MemorySupply& supply) {
    const std::uint64_t dpdk = sum(needs, true);
    const std::uint64_t slabs = sum(needs, false);
    const std::uint64_t in_hugepages = supply.dpdk_in_hugepages ? dpdk : 0;
    const std::uint64_t ordinary = slabs + dpdk - in_hugepages;
    std::vector<std::string> lines;
    for (const MemoryNeed& need : needs)
        lines.push_back(need.to_string());
    lines.push_back("in ordinary pages: " + text(ordinary) + " asked for, " +
                    std::to_string(supply.ordinary_bytes >> 20) + " MiB there (" + supply.ordinary_source +
                    ")");
    if (supply.dpdk_in_hugepages) {
        lines.push_back("in hugepages: " + text(in_hugepages) + " asked for, " +
                        std::to_string(supply.hugepage_bytes >> 20) + " MiB free");
    }
    if (in_hugepages > supply.hugepage_bytes) {
        return base::Failure{refusal(
            lines, text(in_hugepages - supply.hugepage_bytes) + " of hugepages are missing: lower " +
                       keys_to_lower(needs, true) + ", or reserve more: " + pages_command(in_hugepages))};
    }
    if (ordinary > supply.ordinary_bytes) {
        std::string advice = text(ordinary - supply.ordinary_bytes) +
                             " of ordinary pages are missing: lower " +
                             keys_to_lower(needs, !supply.dpdk_in_hugepages);
        // Hugepages that are reserved are taken from the same memory: they help only where enough of them
        // lie idle or are out of the limit's reach.
        if (!supply.dpdk_in_hugepages && supply.hugepage_bytes > 0) {
            advice += "; or have the packet buffers in hugepages, of which " +
                      std::to_string(supply.hugepage_bytes >> 20) + " MiB are free and " + text(dpdk) +
                      " wanted: " + pages_command(dpdk);
        }
        return base::Failure{refusal(lines, advice)};
    }
    return lines;
}

}  // namespace terminus::worker
