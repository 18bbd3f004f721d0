#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/doctor.hpp"

/// The checks of doctor.hpp by what they are about; internal to `control`.
namespace terminus::control::checks {

using Findings = std::vector<Finding>;

/// Whether a port of the configuration is this NIC.
[[nodiscard]] bool is_wanted(const PciNic& nic, const MachineNeeds& needs);

/// scripts/setup-host with as many pages as this configuration needs beside those that others use already:
/// without a number it reserves more than a small machine has. Without a configuration, without a number.
[[nodiscard]] std::string setup_host(const MachineState& machine, const MachineNeeds& needs);
/// Hugepages of 2 MiB that a node has to have for it.
[[nodiscard]] std::uint64_t pages_wanted(const MachineState& machine, const MachineNeeds& needs);

/// IOMMU, vfio-pci, every NIC, the default routes, and what opening them takes without root.
void look_at_iommu(Findings& out, const MachineState& machine, const MachineNeeds& needs);
void look_at_vfio(Findings& out, const MachineState& machine, const MachineNeeds& needs);
void look_at_nics(Findings& out, const MachineState& machine, const MachineNeeds& needs);
void look_at_default_routes(Findings& out, const MachineState& machine);
void look_at_permissions(Findings& out, const MachineState& machine, const MachineNeeds& needs);

}  // namespace terminus::control::checks
