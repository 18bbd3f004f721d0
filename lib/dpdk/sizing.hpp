#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dpdk/pool.hpp"

namespace terminus::dpdk {

/// What the configuration asks of buffers and memory, before EAL is there.
struct SizingRequest {
    std::uint32_t workers = 1;
    std::uint32_t ports = 1;
    std::uint32_t queue_pairs = 1;  ///< of all ports together
    std::uint32_t rx_descriptors = 1024;
    std::uint32_t tx_descriptors = 1024;
    std::uint32_t connections = 65536;  ///< legs, whole process
    std::uint32_t cache = 256;          ///< buffers a worker's cache holds
    std::uint16_t data_room = 2048;
    std::uint32_t buffers = 0;  ///< as configured; 0: computed
    int node = -1;              ///< NUMA node of those who use the buffers; -1 for any
    bool has_tso = false;       ///< a device may cut runs of segments
    bool side_by_side = false;  ///< a port is net_af_xdp's: see PoolSettings
    bool poisoned = false;      ///< see dpdk/poison_ops.hpp
};

/// How many buffers of which kind, how much memory, and the arithmetic in words for the start-up log.
struct Sizing {
    PoolSettings payload;                ///< what devices receive into, and what copies are made in
    PoolSettings header;                 ///< headers and small frames
    PoolSettings indirect;               ///< references to queued payload
    std::uint32_t reserve = 0;           ///< payload buffers that connections never hold (DESIGN 3.6)
    std::uint32_t free_min = 0;          ///< the reserve less what lies in receive descriptors anyway
    std::uint32_t memory_megabytes = 0;  ///< EAL's -m: all pools and DPDK's own needs
    std::vector<std::string> arithmetic;
};

/// Fails when the configured number of buffers leaves none for connections: the message says how many are
/// needed.
[[nodiscard]] base::Result<Sizing, std::string> size_buffers(const SizingRequest& request);

/// What EAL is started with.
struct EalRequest {
    std::vector<std::string> options;  ///< the operator's own; they win over everything below
    std::vector<std::string> devices;  ///< PCI addresses and vdev strings, in port order
    std::uint16_t main_cpu = 0;
    std::uint32_t memory_megabytes = 0;
    std::uint64_t free_hugepage_bytes = 0;
};

/// EAL's arguments without the program name: hugepages where enough are free, --no-huge with -m otherwise, no
/// PCI scan when no port needs one, and nothing that the operator has said already.
[[nodiscard]] std::vector<std::string> eal_arguments(const EalRequest& request);

/// Whether a configured device is a PCI address ("0000:01:00.0", "01:00.0") rather than a vdev string.
[[nodiscard]] bool is_pci_address(const std::string& device);

/// The name part of a vdev string: "net_tap0" of "net_tap0,iface=front0".
[[nodiscard]] std::string device_name(const std::string& device);

}  // namespace terminus::dpdk
