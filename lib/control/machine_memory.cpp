#include "control/machine_memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "control/machine_files.hpp"

namespace terminus::control {
namespace {

namespace fs = std::filesystem;
using files::number_behind;
using files::number_in;

/// The files that say the same in the two versions of cgroups.
struct CgroupFiles {
    const char* limit;
    const char* used;
    const char* inactive;  // of memory.stat
    const char* active;
};
constexpr CgroupFiles kVersion2{"memory.max", "memory.current", "inactive_file", "active_file"};
constexpr CgroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
                                "total_active_file"};

/// What a cgroup's own limit leaves; nothing when it has none.
std::optional<std::uint64_t> left_of(const fs::path& group, const CgroupFiles& names) {
    const auto limit = number_in(group / names.limit);
    const auto used = number_in(group / names.used);
    if (!limit || !used) return std::nullopt;
    const std::uint64_t cached = number_behind(group / "memory.stat", names.inactive).value_or(0) +
                                 number_behind(group / "memory.stat", names.active).value_or(0);
    const std::uint64_t held = *used - std::min(*used, cached);
    return *limit - std::min(*limit, held);
}

void take_least(MachineMemory& memory, std::uint64_t bytes, const std::string& source) {
    if (bytes >= memory.available_bytes) return;
    memory.available_bytes = bytes;
    memory.source = source;
}

// A limit holds for all groups below. Inside a container the path is the host's, and of it only the top is
// there.
void take_cgroups(MachineMemory& memory, const fs::path& root, const std::string& mount,
                  const std::string& path, const CgroupFiles& names) {
    for (fs::path group = path;; group = group.parent_path()) {
        const fs::path where = fs::path(mount) / group.relative_path();
        if (const auto left = left_of(root / where.relative_path(), names)) {
            take_least(memory, *left, std::string(names.limit) + " of cgroup " + group.string());
        }
        if (!group.has_relative_path()) return;
    }
}

std::uint64_t free_hugepage_bytes(const fs::path& root) {
    std::uint64_t bytes = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root / "sys/kernel/mm/hugepages", error)) {
        const std::string name = entry.path().filename();  // hugepages-2048kB
        const std::uint64_t pages = number_in(entry.path() / "free_hugepages").value_or(0);
        bytes += pages * std::strtoull(name.c_str() + name.find('-') + 1, nullptr, 10) * 1024;
    }
    return bytes;
}

}  // namespace

MachineMemory read_machine_memory(const fs::path& root) {
    MachineMemory memory{.available_bytes = UINT64_MAX, .source = "no limit is known"};
    memory.hugepage_bytes = free_hugepage_bytes(root);
    if (const auto kibibytes = number_behind(root / "proc/meminfo", "MemAvailable:"))
        take_least(memory, *kibibytes * 1024, "MemAvailable of /proc/meminfo");
    std::ifstream groups(root / "proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {  // "0::/a/b", "4:memory:/a/b"
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) continue;
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const std::string path = line.substr(second + 1);
        if (controllers == ",,") take_cgroups(memory, root, "/sys/fs/cgroup", path, kVersion2);
        if (controllers.find(",memory,") != std::string::npos)
            take_cgroups(memory, root, "/sys/fs/cgroup/memory", path, kVersion1);
    }
    return memory;
}

}  // namespace terminus::control
