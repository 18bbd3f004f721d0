#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace terminus::control {

/// The memory that this process can still have, in ordinary and in huge pages.
struct MachineMemory {
    std::uint64_t available_bytes = 0;  ///< without swapping; the least of the machine's and the cgroups'
    std::string source;                 ///< whose number that is, for messages
    std::uint64_t hugepage_bytes = 0;   ///< free, all sizes
};

/// As the kernel tells under `root` ("/" but for tests): MemAvailable of /proc/meminfo, and what the limits
/// of the process's memory cgroups leave, of version 2 or 1, page cache that can be dropped counted as free.
/// What can't be read limits nothing.
[[nodiscard]] MachineMemory read_machine_memory(const std::filesystem::path& root = "/");

}  // namespace terminus::control
