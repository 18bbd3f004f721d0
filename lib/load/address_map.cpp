#include "load/address_map.hpp"

#include "base/assert.hpp"
#include "base/bytes.hpp"

namespace terminus::load {

std::uint32_t AddressRange::low(const wire::IpAddress& address) {
    return base::load_be32(address.bytes().data() + 12);
}

wire::IpAddress AddressRange::with_low(std::uint32_t low) const {
    auto bytes = first.bytes();
    base::store_be32(bytes.data() + 12, low);
    return wire::IpAddress::v6(bytes);
}

bool AddressRange::contains(const wire::IpAddress& address) const {
    return with_low(low(address)) == address && low(address) - low(first) < count;
}

bool AddressRange::is_valid() const {
    return count > 0 && std::uint64_t{low(first)} + count <= (std::uint64_t{1} << 32);
}

AddressMap::AddressMap(const AddressRange& local, const PortRange& local_ports, const AddressRange& remote,
                       const PortRange& remote_ports)
    : local_(AddressRange::low(local.first)),
      locals_(local.count),
      local_port_(local_ports.first),
      local_ports_(local_ports.count),
      remote_(AddressRange::low(remote.first)),
      remotes_(remote.count),
      remote_port_(remote_ports.first),
      remote_ports_(remote_ports.count),
      size_(0) {
    TERMINUS_ASSERT(
        local.is_valid() && local_ports.is_valid() && remote.is_valid() && remote_ports.is_valid(),
        "whoever reads the command line has checked its ranges");
    std::uint64_t size = 1;
    for (const std::uint32_t count : {locals_, local_ports_, remotes_, remote_ports_}) {
        size *= count;
        TERMINUS_ASSERT(size <= kSizeMax, "whoever reads the command line has multiplied its ranges");
    }
    size_ = static_cast<std::uint32_t>(size);
}

Tuple AddressMap::tuple_of(std::uint32_t index) const {
    Tuple tuple;
    tuple.remote_port = static_cast<std::uint16_t>(remote_port_ + index % remote_ports_);
    index /= remote_ports_;
    tuple.remote = remote_ + index % remotes_;
    index /= remotes_;
    tuple.local_port = static_cast<std::uint16_t>(local_port_ + index % local_ports_);
    tuple.local = local_ + index / local_ports_;
    return tuple;
}

}  // namespace terminus::load
