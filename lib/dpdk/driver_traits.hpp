#pragma once

#include <cstdint>
#include <string_view>

namespace terminus::dpdk {

/// What DPDK's own tables don't say about a driver, or say too kindly.
struct DriverTraits {
    std::string_view name;  ///< as in rte_eth_dev_info::driver_name
    /// There is no hardware behind it: its checksum offloads are the driver's own arithmetic, or a wish. Ours
    /// is done instead, and every checksum received is verified (HARDENING 7).
    bool is_software = false;
    bool rx_checksum_is_true = true;  ///< calls a checksum good only when it has been verified
    bool multi_segment = true;        ///< sends chains rightly where it says so
    bool indirect_buffers = true;     ///< reads a clone's data rightly
    bool keeps_pointer = false;       ///< a peer gets the very mbuf
    bool one_queue = false;           ///< spreads over several queues by rules that nobody can compute
    /// A queue's descriptor is readable while frames wait in it: there is no interrupt to be switched.
    bool readable_queue = false;
    std::string_view note;  ///< what its operator should know; empty for nothing
};

/// The traits of a driver; of an unknown one (hardware), that it can be trusted.
[[nodiscard]] const DriverTraits& traits_of(std::string_view driver_name);

}  // namespace terminus::dpdk
