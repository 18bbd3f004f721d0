#pragma once

#include <cstdint>
#include <vector>

/// What the machine has for a program of ours.
namespace terminus::app {

/// The CPUs that the scheduler lets this process use.
[[nodiscard]] std::vector<std::uint16_t> allowed_cpus();

/// Bytes of huge pages that are free on this machine, all sizes.
[[nodiscard]] std::uint64_t free_hugepage_bytes();

}  // namespace terminus::app
