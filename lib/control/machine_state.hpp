#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace terminus::control {

/// A network controller on the PCI bus.
struct PciNic {
    std::string address;                  ///< "0000:3b:00.0"
    std::string driver;                   ///< the kernel's name for it; empty: none has it
    int node = -1;                        ///< NUMA node; -1: the kernel has none for it
    std::string iommu_group;              ///< empty: the device is behind no IOMMU
    std::vector<std::string> interfaces;  ///< the kernel's, and none once a driver of DPDK has it
    /// Others of its IOMMU group that a driver of the kernel has ("0000:3b:00.1 (ixgbe)"): vfio gives out
    /// whole groups only.
    std::vector<std::string> group_mates;
    bool carries_default_ipv4 = false;  ///< also below a bond, bridge or VLAN
    bool carries_default_ipv6 = false;
    bool may_open_group = false;  ///< this process may open its group's file in /dev/vfio
};

/// The hugepages of one size on one NUMA node.
struct NodeHugepages {
    int node = -1;  ///< -1: a kernel without NUMA
    std::uint64_t page_kibibytes = 0;
    std::uint64_t pages = 0;
    std::uint64_t free = 0;
};

/// The interface of a default route.
struct DefaultRoute {
    bool is_ipv6 = false;
    std::string interface;
};

/// How a CPU's frequency is governed.
struct CpuGovernor {
    std::uint16_t cpu = 0;
    std::string governor;  ///< "performance", "powersave", "schedutil"
};

/// What there is on a machine for terminusd, as far as it matters to a start.
struct MachineState {
    bool has_iommu = false;
    bool firmware_has_iommu = false;  ///< its tables (ACPI's DMAR or IVRS) describe one
    bool is_intel = false;            ///< the processor: the kernel's option for the IOMMU is its vendor's
    bool has_vfio_pci = false;        ///< the driver is loaded
    bool has_vfio_type1 = false;  ///< vfio_iommu_type1, by which vfio maps memory through an IOMMU, is loaded
    bool vfio_takes_all = false;  ///< vfio's unsafe mode without an IOMMU is on
    bool vfio_lacks_mode = false;          ///< vfio is loaded, and its kernel has no such mode (Debian's)
    std::vector<NodeHugepages> hugepages;  ///< also those sizes of which there are none
    std::vector<PciNic> nics;              ///< by address
    std::vector<DefaultRoute> default_routes;
    std::vector<std::uint16_t> isolated_cpus;
    std::vector<CpuGovernor> governors;          ///< empty: the kernel doesn't govern frequencies here
    bool is_root = false;                        ///< this process's effective user
    std::uint64_t capabilities = 0;              ///< this process's effective set, a bit each
    std::optional<std::uint64_t> memlock_bytes;  ///< this process's limit; nothing: unlimited
    bool has_tun = false;                        ///< /dev/net/tun

    /// `capability` is a CAP_* of the kernel.
    [[nodiscard]] bool may(unsigned capability) const { return (capabilities >> capability & 1) != 0; }
};

/// As the kernel tells below `root` ("/" but for tests). What can't be read is not there.
[[nodiscard]] MachineState read_machine_state(const std::filesystem::path& root = "/");

}  // namespace terminus::control
