#include "worker/placement.hpp"

#include <algorithm>
#include <map>

#include "base/assert.hpp"

namespace terminus::worker {
namespace {

bool are_apart(int one, int other) {
    return one != kNoNode && other != kNoNode && one != other;
}

std::string far_workers(const Placement& placement, int node, bool only_the_first) {
    std::string list;
    for (std::size_t index = 0; index < placement.workers.size(); ++index) {
        if (only_the_first && index > 0) break;
        const Placement::Cpu& worker = placement.workers[index];
        if (!are_apart(worker.node, node)) continue;
        list += (list.empty() ? "worker " : ", worker ") + std::to_string(index) + " (CPU " +
                std::to_string(worker.cpu) + ", node " + std::to_string(worker.node) + ")";
    }
    return list;
}

}  // namespace

int shared_memory_node(const std::vector<Placement::Cpu>& workers) {
    std::map<int, int> counts;
    for (const Placement::Cpu& worker : workers)
        if (worker.node != kNoNode) ++counts[worker.node];
    int best = kNoNode;
    for (const Placement::Cpu& worker : workers) {
        if (worker.node == kNoNode) continue;
        if (best == kNoNode || counts[worker.node] > counts[best]) best = worker.node;
    }
    return best;
}

std::uint16_t cpu_near(const std::vector<Placement::Cpu>& cpus, int node) {
    TERMINUS_ASSERT(!cpus.empty(), "a plan has at least one CPU of each kind");
    const auto near = std::find_if(
        cpus.begin(), cpus.end(), [node](const Placement::Cpu& candidate) { return candidate.node == node; });
    return near != cpus.end() ? near->cpu : cpus.front().cpu;
}

std::vector<std::string> placement_warnings(const Placement& placement) {
    std::vector<std::string> warnings;
    for (const Placement::Port& port : placement.ports) {
        const std::string far = far_workers(placement, port.node, port.is_shared);
        if (far.empty()) continue;
        warnings.push_back("port " + port.name + ": device " + port.device + " is on NUMA node " +
                           std::to_string(port.node) + ", but polled by " + far +
                           ": every frame crosses between the nodes; name CPUs of node " +
                           std::to_string(port.node) + " in workers.lcores, or move the NIC");
    }
    const int node = shared_memory_node(placement.workers);
    const std::string far = far_workers(placement, node, false);
    if (!far.empty()) {
        warnings.push_back(
            "the packet buffers are on NUMA node " + std::to_string(node) + ", but used also by " + far +
            ": name CPUs of one node in workers.lcores, and run a second terminusd on the other");
    }
    return warnings;
}

}  // namespace terminus::worker
