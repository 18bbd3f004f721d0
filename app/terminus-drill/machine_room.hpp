#pragma once

#include <memory>

#include "drill/run_settings.hpp"
#include "stack/settings.hpp"

namespace terminusdrill {

/// What machines are made of: DPDK's environment and pools of buffers, for this process alone and without
/// privileges, hugepages or devices.
class MachineRoom {
 public:
    /// Throws std::runtime_error when there is not enough memory.
    MachineRoom();
    ~MachineRoom();
    MachineRoom(const MachineRoom&) = delete;
    MachineRoom& operator=(const MachineRoom&) = delete;

    [[nodiscard]] terminus::stack::Buffers buffers() const;

 private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// Tunables by the rules of the configuration file and `terminusctl sysctl`.
[[nodiscard]] terminus::base::Result<terminus::tcp::Tunables, std::string> tunables_of(
    const terminus::drill::Assignments& assignments);

}  // namespace terminusdrill
