#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace terminus::worker {

/// The NUMA node of what has none, or where the kernel doesn't say.
inline constexpr int kNoNode = -1;

/// On which NUMA nodes the parts of the data path are.
struct Placement {
    struct Cpu {
        std::uint16_t cpu = 0;
        int node = kNoNode;
    };
    struct Port {
        std::string name;
        std::string device;
        int node = kNoNode;
        bool is_shared = false;  ///< polled by worker 0 for all
    };
    std::vector<Cpu> workers;  ///< by index
    std::vector<Port> ports;
};

/// The node for what all workers share (the pools of buffers): the one that most of them are on, of several
/// such the first worker's; kNoNode where no worker's is known.
[[nodiscard]] int shared_memory_node(const std::vector<Placement::Cpu>& workers);

/// The first of `cpus` that is on `node`; where none is, the first. There is one at least.
[[nodiscard]] std::uint16_t cpu_near(const std::vector<Placement::Cpu>& cpus, int node);

/// What is polled, or read and written, from another node than it is on: a sentence each, with what to do.
/// What is on no known node is near to everybody.
[[nodiscard]] std::vector<std::string> placement_warnings(const Placement& placement);

}  // namespace terminus::worker
