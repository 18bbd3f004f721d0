#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/machine_state.hpp"

/// What stands between a machine and a start of terminusd, in sentences.
namespace terminus::control {

/// Which pages DPDK's memory will be in.
enum class DpdkPages : std::uint8_t {
    Either,    ///< hugepages where enough are free
    Huge,      ///< EAL's options ask for them
    Ordinary,  ///< EAL's options forbid them
};

/// What a configuration needs of a machine.
struct MachineNeeds {
    std::vector<std::string> pci_addresses;  ///< of its ports, as configured ("3b:00.0" or in full)
    bool has_tap = false;                    ///< a port of net_tap
    bool has_af_packet = false;              ///< a port of net_af_packet
    std::uint64_t dpdk_megabytes = 0;        ///< of packet buffers; 0 without a configuration
    DpdkPages pages = DpdkPages::Either;
    std::vector<std::uint16_t> worker_cpus;  ///< as configured; empty: chosen at start
};

/// Ok: as it should be. Note: so it is, and it may be of interest. Warning: it works, but worse or less
/// safely. Error: the configuration can't start so.
enum class FindingLevel : std::uint8_t { Ok, Note, Warning, Error };

/// One thing looked at.
struct Finding {
    FindingLevel level = FindingLevel::Ok;
    std::string topic;  ///< "IOMMU", "NIC 0000:3b:00.0"
    std::string what;   ///< a sentence: what is
    std::string mend;  ///< the command that mends it, or the line for the kernel's; empty where there is none
};

/// Looks at everything, in the order in which it is mended: firmware and kernel, memory, NICs, permissions,
/// CPUs. An error is only what the configuration needs.
[[nodiscard]] std::vector<Finding> examine(const MachineState& machine, const MachineNeeds& needs);

[[nodiscard]] const char* label(FindingLevel level);
[[nodiscard]] bool has_errors(const std::vector<Finding>& findings);
/// A line for each, the command that mends it on the next.
[[nodiscard]] std::string to_table(const std::vector<Finding>& findings);

}  // namespace terminus::control
