#include "pools.hpp"

#include <rte_mbuf.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "dpdk/eal.hpp"

namespace terminus::simulation {
namespace {

constexpr std::uint32_t kHeaderBuffers = 1023;
constexpr std::uint32_t kIndirectBuffers = 2047;
constexpr std::uint32_t kWireBuffers = 8191;
constexpr const char* kMegabytes = "128";

template <typename T>
T made(base::Result<T, std::string> result) {
    if (!result.ok()) {
        std::fprintf(stderr, "%s\n", result.error().c_str());
        std::exit(2);
    }
    return std::move(result).value();
}

dpdk::Eal start_eal() {
    return made(dpdk::Eal::start({"--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
                                  "--log-level=error", "-m", kMegabytes, dpdk::one_lcore()}));
}

dpdk::Pool pool(const std::string& name, std::uint32_t count, std::uint16_t data_room) {
    dpdk::PoolSettings settings;
    settings.name = name;
    settings.count = count;
    settings.data_room = data_room;
    settings.poisoned = true;
    return made(dpdk::Pool::create(settings));
}

Pools pools(const std::string& name) {
    return {pool(name + "_payload", kPayloadBuffers, dpdk::kFrameDataRoom),
            pool(name + "_header", kHeaderBuffers, dpdk::kFrameDataRoom),
            pool(name + "_indirect", kIndirectBuffers, 0)};
}

}  // namespace

void Hoard::take(const dpdk::Pool& pool, std::uint32_t leave) {
    while (pool.available() > leave) {
        rte_mbuf* const taken = rte_pktmbuf_alloc(pool.get());
        if (taken == nullptr) return;
        taken_.emplace_back(taken);
    }
}

World::World()
    : eal_(start_eal()),
      machines_{pools("first"), pools("second"), pools("third")},
      wire_(pool("wire", kWireBuffers, dpdk::kFrameDataRoom)) {}

// Never cleaned up: buffers of a run that failed may outlive everything.
const World& World::get() {
    static const auto* const world = new World;
    return *world;
}

}  // namespace terminus::simulation
