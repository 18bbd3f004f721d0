#include "common/machine.hpp"

#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace terminus::app {

std::vector<std::uint16_t> allowed_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    std::vector<std::uint16_t> cpus;
    for (std::uint16_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
    return cpus;
}

std::uint64_t free_hugepage_bytes() {
    std::uint64_t bytes = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
        const std::string name = entry.path().filename();  // hugepages-2048kB
        std::uint64_t pages = 0;
        std::ifstream(entry.path() / "free_hugepages") >> pages;
        bytes += pages * std::strtoull(name.c_str() + name.find('-') + 1, nullptr, 10) * 1024;
    }
    return bytes;
}

}  // namespace terminus::app
