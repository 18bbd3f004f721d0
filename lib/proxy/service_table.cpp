#include "proxy/service_table.hpp"

#include <algorithm>
#include <utility>

namespace terminus::proxy {
namespace {

template <typename Item>
std::vector<std::int32_t> index_by_id(const std::vector<Item>& items) {
    std::vector<std::int32_t> index;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (items[i].id >= index.size()) index.resize(items[i].id + 1u, -1);
        index[items[i].id] = static_cast<std::int32_t>(i);
    }
    return index;
}

template <typename Item>
const Item* find_by_id(const std::vector<Item>& items, const std::vector<std::int32_t>& index,
                       std::uint16_t id) {
    if (id >= index.size() || index[id] < 0) return nullptr;
    return &items[static_cast<std::size_t>(index[id])];
}

}  // namespace

ServiceTable::ServiceTable(std::uint64_t version, std::vector<Service> services, std::vector<Pool> pools,
                           std::vector<wire::IpAddress> local_addresses,
                           std::vector<tcp::TunableOverrides> profiles)
    : version_(version),
      services_(std::move(services)),
      pools_(std::move(pools)),
      local_addresses_(std::move(local_addresses)),
      profiles_(std::move(profiles)),
      service_by_id_(index_by_id(services_)),
      pool_by_id_(index_by_id(pools_)) {
    for (const Service& service : services_) {
        for (const wire::Endpoint& listen : service.listen)
            rows_.push_back({listen, service.id});
    }
    std::sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.listen < b.listen; });
}

std::optional<ServiceId> ServiceTable::find_listener(const wire::Endpoint& local) const {
    const auto row = std::lower_bound(
        rows_.begin(), rows_.end(), local,
        [](const Row& candidate, const wire::Endpoint& wanted) { return candidate.listen < wanted; });
    if (row == rows_.end() || row->listen != local) return std::nullopt;
    return row->service;
}

const Service* ServiceTable::service(ServiceId id) const {
    return find_by_id(services_, service_by_id_, id);
}

const Pool* ServiceTable::pool(PoolId id) const {
    return find_by_id(pools_, pool_by_id_, id);
}

}  // namespace terminus::proxy
