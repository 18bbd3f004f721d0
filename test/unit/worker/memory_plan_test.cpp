#include "worker/memory_plan.hpp"

#include <catch2/catch.hpp>

#include "base/reserved_memory.hpp"
#include "worker/duo.hpp"

using namespace terminus;
using namespace terminus::worker;

namespace {

constexpr std::uint64_t kMiB = 1u << 20;

std::vector<MemoryNeed> some_needs() {
    return {
        {.what = "payload buffers",
         .count = 1024,
         .each_bytes = 2048,
         .extra_bytes = kMiB,
         .keys = "buffers.count",
         .is_dpdk = true},
        {.what = "connections",
         .workers = 2,
         .count = 4096,
         .each_bytes = 1024,
         .keys = "limits.connections"},
        {.what = "TIME_WAITs", .workers = 2, .count = 64, .each_bytes = 64, .keys = "tcp.max_tw_buckets"},
    };
}
// 3 MiB of DPDK's; 8 MiB and 8 KiB of slabs.
constexpr std::uint64_t kOrdinary = 11 * kMiB + 8192;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a line of the plan shows what is multiplied, the sum, and the key that makes it less") {
    CHECK(some_needs()[0].to_string() == "1024 payload buffers x 2048 B + 1024 KiB = 3 MiB (buffers.count)");
    CHECK(some_needs()[1].to_string() ==
          "2 workers x 4096 connections x 1024 B = 8 MiB (limits.connections)");
    const MemoryNeed flat{.what = "DPDK's own", .extra_bytes = 32 * kMiB};
    CHECK(flat.to_string() == "DPDK's own = 32 MiB");
}

TEST_CASE("a configuration runs with exactly the memory that it asks for, and not with a byte less") {
    MemorySupply supply{.ordinary_bytes = kOrdinary, .ordinary_source = "MemAvailable"};
    const auto enough = plan_memory(some_needs(), supply);
    REQUIRE(enough.ok());
    CHECK(enough.value().back() == "in ordinary pages: 12 MiB asked for, 11 MiB there (MemAvailable)");
    supply.ordinary_bytes -= 1;
    CHECK_FALSE(plan_memory(some_needs(), supply).ok());
}

TEST_CASE("a refusal has the sum line by line, what is missing, and the keys that are worth being lowered") {
    const auto refused =
        plan_memory(some_needs(), {.ordinary_bytes = 4 * kMiB, .ordinary_source = "memory.max of cgroup /a"});
    REQUIRE_FALSE(refused.ok());
    const std::string& said = refused.error();
    for (const MemoryNeed& need : some_needs())
        CHECK(has(said, "\n  " + need.to_string() + "\n"));
    CHECK(has(said, "in ordinary pages: 12 MiB asked for, 4 MiB there (memory.max of cgroup /a)"));
    CHECK(has(said, "8 MiB of ordinary pages are missing: lower limits.connections, buffers.count"));
    CHECK_FALSE(has(said, "tcp.max_tw_buckets, "));
    CHECK_FALSE(has(said, "setup-host"));  // hugepages come out of the same memory
}

TEST_CASE("what lies in hugepages asks nothing of the ordinary ones, and the other way round") {
    MemorySupply supply{.ordinary_bytes = 9 * kMiB,
                        .ordinary_source = "MemAvailable",
                        .hugepage_bytes = 3 * kMiB,
                        .dpdk_in_hugepages = true};
    REQUIRE(plan_memory(some_needs(), supply).ok());
    supply.hugepage_bytes -= 1;
    const auto refused = plan_memory(some_needs(), supply);
    REQUIRE_FALSE(refused.ok());
    CHECK(has(refused.error(),
              "1 MiB of hugepages are missing: lower limits.connections, buffers.count, or "
              "reserve more: scripts/setup-host --pages 2"));
    supply.dpdk_in_hugepages = false;  // too few for DPDK: all of it is in ordinary pages
    const auto advised = plan_memory(some_needs(), supply);
    REQUIRE_FALSE(advised.ok());
    CHECK(has(advised.error(), "of which 2 MiB are free and 3 MiB wanted: scripts/setup-host --pages 2"));
}

TEST_CASE("what is planned for a worker is what it reserves") {
    worker::test::Duo duo;
    Settings settings = duo.worker_settings(0);
    settings.stack.connections_max = 3000;
    settings.stack.half_open_max = 500;
    settings.stack.time_wait_max = 7000;
    settings.stack.application_timers_max = 1234;
    settings.stack.sent_records_spare = 999;
    settings.proxy.sessions_max = 1501;
    std::uint64_t planned = 0;
    for (const MemoryNeed& need : memory_needs(settings, 0)) {
        REQUIRE(need.workers == 2);
        if (need.what != "ring places between workers") planned += need.total_bytes() / 2;
    }

    const std::size_t before = base::reserved_memory_bytes();
    std::size_t beside = 0;
    {
        // Reserved for every id there can be and for every pair, of which as many are touched as are used.
        const proxy::ById<proxy::Balancer> balancers;
        const proxy::ById<proxy::Timeouts> timeouts;
        const proxy::ById<std::uint64_t> waited;
        std::vector<flow::SourcePorts> ports;
        for (const flow::Steering& steering : settings.stack.steering)
            ports.emplace_back(steering, std::uint16_t{0}, settings.proxy.source_pairs_max,
                               settings.proxy.source_ports);
        beside = base::reserved_memory_bytes() - before;
    }
    REQUIRE(base::reserved_memory_bytes() == before);
    Mesh mesh(2);
    Mailbox mailbox;
    std::vector<packet::Port*> one_port{&duo.port()};
    const Worker made(settings, one_port, mailbox, mesh, duo.table(1, true), duo.now());
    CHECK(base::reserved_memory_bytes() - before == beside + planned);
}

TEST_CASE("pairs of source address and backend count as many as are configured") {
    Settings settings;
    settings.proxy.source_ports = {1024, 65535};
    settings.proxy.source_pairs_max = 4096;
    const auto pairs = [&](std::uint64_t configured) {
        for (const MemoryNeed& need : memory_needs(settings, configured))
            if (need.what == "pairs of source address and backend") return need;
        return MemoryNeed{};
    };
    CHECK(pairs(10).count == 10);
    CHECK(pairs(10).each_bytes >= 64512 / 8);
    CHECK(pairs(100000).count == 4096);
}
