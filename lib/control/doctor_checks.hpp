#pragma once

#include <string>
#include <vector>

#include "control/doctor.hpp"

/// The checks of doctor.hpp by what they are about; internal to `control`.
namespace terminus::control::checks {

using Findings = std::vector<Finding>;

/// Whether a port of the configuration is this NIC.
[[nodiscard]] bool is_wanted(const PciNic& nic, const MachineNeeds& needs);

/// IOMMU, vfio-pci, every NIC, the default routes, and what opening them takes without root.
void look_at_iommu(Findings& out, const MachineState& machine, const MachineNeeds& needs);
void look_at_vfio(Findings& out, const MachineState& machine, const MachineNeeds& needs);
void look_at_nics(Findings& out, const MachineState& machine, const MachineNeeds& needs);
void look_at_default_routes(Findings& out, const MachineState& machine);
void look_at_permissions(Findings& out, const MachineState& machine, const MachineNeeds& needs);

}  // namespace terminus::control::checks
