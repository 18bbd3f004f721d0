#include "cpus.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>

#include "worker/placement.hpp"

namespace terminus::app {

int node_of(std::uint16_t cpu) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename();  // node0
        if (name.starts_with("node")) return std::atoi(name.c_str() + 4);
    }
    return worker::kNoNode;
}

void move_to(const std::vector<std::uint16_t>& cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const std::uint16_t cpu : cpus)
        CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

OnCpu::OnCpu(std::uint16_t cpu) {
    CPU_ZERO(&before_);
    sched_getaffinity(0, sizeof before_, &before_);
    move_to({cpu});
}

OnCpu::~OnCpu() {
    sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace terminus::app
