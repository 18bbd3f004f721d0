#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "packet/port.hpp"

struct rte_eth_dev_info;

namespace terminus::dpdk {

/// Pieces of a frame that a device cuts, at most: what 64 KiB in received segments are, and the smallest ring
/// takes it.
inline constexpr std::uint16_t kTsoPiecesMax = 48;

/// What RSS spreads by: RTE_ETH_RSS_* of TCP over both families.
extern const std::uint64_t kRssTcp;

/// What the configuration wants a device to do in the workers' place, where it can.
struct OffloadWishes {
    bool rx_checksum = true;
    bool tx_checksum = true;
    bool tso = true;
};

/// What the rest of a device's settings makes of its offloads.
struct OffloadNeeds {
    OffloadWishes wishes;
    bool several_queues = false;  ///< more than one queue pair
    bool is_relayed = false;      ///< fewer of them than workers: what others send waits in a ring
    bool scatter = false;         ///< frames don't fit into one receive buffer
    bool zero_copy = false;       ///< the driver lays our own buffers before a peer (memif)
};

/// One piece of work that a device may do, and what became of it. A row of the table at start.
struct OffloadUse {
    std::string_view name;  ///< as in the table, the metric's label and docs/operations.md
    bool asked = false;
    bool offered = false;  ///< the driver says that it can
    bool used = false;
    std::string_view otherwise;  ///< who does it, or why not, where it is not used
};

/// Which offloads of a device are used: the one place where that is decided. What is missing the worker does
/// in software; packet::PortCapabilities tells it what that is.
class Offloads {
 public:
    Offloads(const rte_eth_dev_info& device, const OffloadNeeds& needs);

    /// RTE_ETH_RX_OFFLOAD_* and RTE_ETH_TX_OFFLOAD_* for ports and queues.
    [[nodiscard]] std::uint64_t rx_flags() const { return rx_flags_; }
    [[nodiscard]] std::uint64_t tx_flags() const { return tx_flags_; }
    [[nodiscard]] const packet::PortCapabilities& capabilities() const { return capabilities_; }
    /// In the order in which a frame meets them.
    [[nodiscard]] const std::vector<OffloadUse>& uses() const { return uses_; }

 private:
    /// Adds a row; whether it is used: asked for, offered, and nothing in the way. `obstacle` is what is,
    /// empty for nothing; `otherwise` is told where it was not asked for or not offered.
    bool decide(std::string_view name, bool asked, bool offered, std::string_view obstacle,
                std::string_view otherwise);

    std::uint64_t rx_flags_ = 0;
    std::uint64_t tx_flags_ = 0;
    packet::PortCapabilities capabilities_;
    std::vector<OffloadUse> uses_;
};

/// The table for the log: a line for its head, and one for each use.
[[nodiscard]] std::vector<std::string> to_table(const std::vector<OffloadUse>& uses);

}  // namespace terminus::dpdk
