#include "common/buffers.hpp"

#include <algorithm>
#include <utility>

namespace terminus::app {

dpdk::SizingRequest sizing_request(const config::Config& config) {
    dpdk::SizingRequest request;
    request.workers = config.workers.total();
    request.ports = static_cast<std::uint32_t>(config.ports.size());
    request.queue_pairs = 0;
    request.rx_descriptors = 0;
    request.tx_descriptors = 0;
    for (const config::Port& port : config.ports) {
        request.queue_pairs += port.queues.value_or(static_cast<std::uint16_t>(config.workers.total()));
        request.rx_descriptors = std::max<std::uint32_t>(request.rx_descriptors, port.rx_descriptors);
        request.tx_descriptors = std::max<std::uint32_t>(request.tx_descriptors, port.tx_descriptors);
        if (port.offloads.tso && dpdk::is_pci_address(port.device)) request.has_tso = true;
        if (port.device.starts_with("net_af_xdp")) request.side_by_side = true;
    }
    request.connections = config.limits.connections;
    request.cache = config.buffers.cache;
    request.data_room = config.buffers.data_room;
    request.buffers = config.buffers.count.value_or(0);
#ifdef __SANITIZE_ADDRESS__
    request.poisoned = true;  // a freed buffer is then poison to whoever still reads it
#endif
    return request;
}

base::Result<Pools, std::string> Pools::create(const dpdk::Sizing& sizing) {
    base::Result<dpdk::Pool, std::string> payload = dpdk::Pool::create(sizing.payload);
    if (!payload) return base::Failure{payload.error()};
    base::Result<dpdk::Pool, std::string> header = dpdk::Pool::create(sizing.header);
    if (!header) return base::Failure{header.error()};
    base::Result<dpdk::Pool, std::string> indirect = dpdk::Pool::create(sizing.indirect);
    if (!indirect) return base::Failure{indirect.error()};
    return Pools{std::move(payload).value(), std::move(header).value(), std::move(indirect).value()};
}

stack::Buffers Pools::buffers(const dpdk::Sizing& sizing) const {
    return {.payload = payload.get(),
            .header = header.get(),
            .indirect = indirect.get(),
            .reserve = sizing.free_min};
}

}  // namespace terminus::app
