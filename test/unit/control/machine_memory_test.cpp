#include "control/machine_memory.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "control/support.hpp"

using namespace terminus;
using control::MachineMemory;
using control::read_machine_memory;

namespace {

constexpr std::uint64_t kMiB = 1u << 20;

/// A machine's /proc and /sys in a directory.
class Machine {
 public:
    void write(const std::string& path, const std::string& text) const {
        const std::filesystem::path file = std::filesystem::path(directory_.path()) / path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    [[nodiscard]] MachineMemory read() const { return read_machine_memory(directory_.path()); }

 private:
    test::TempDirectory directory_;
};

}  // namespace

TEST_CASE("without a cgroup's limit the memory is what the kernel calls available") {
    Machine machine;
    machine.write("proc/meminfo", "MemTotal: 9000 kB\nMemFree: 100 kB\nMemAvailable:    4096 kB\n");
    machine.write("proc/self/cgroup", "0::/\n");
    CHECK(machine.read().available_bytes == 4096 * 1024);
    CHECK(machine.read().source == "MemAvailable of /proc/meminfo");
    CHECK(machine.read().hugepage_bytes == 0);
}

TEST_CASE("the tightest limit of the cgroups above the process counts, with the cache that can be dropped") {
    Machine machine;
    machine.write("proc/meminfo", "MemAvailable: 8388608 kB\n");
    machine.write("proc/self/cgroup", "0::/system.slice/terminusd.service\n");
    machine.write("sys/fs/cgroup/system.slice/terminusd.service/memory.max", "max\n");
    machine.write("sys/fs/cgroup/system.slice/terminusd.service/memory.current", "1048576\n");
    machine.write("sys/fs/cgroup/system.slice/memory.max", std::to_string(512 * kMiB));
    machine.write("sys/fs/cgroup/system.slice/memory.current", std::to_string(300 * kMiB));
    machine.write("sys/fs/cgroup/system.slice/memory.stat", "anon 1\ninactive_file " +
                                                                std::to_string(90 * kMiB) + "\nactive_file " +
                                                                std::to_string(10 * kMiB) + "\n");
    CHECK(machine.read().available_bytes == (512 - 300 + 100) * kMiB);
    CHECK(machine.read().source == "memory.max of cgroup /system.slice");
}

TEST_CASE("a container of version 1 sees its limit at the top of the mount") {
    Machine machine;
    machine.write("proc/meminfo", "MemAvailable: 8388608 kB\n");
    machine.write("proc/self/cgroup", "5:devices:/docker/abc\n4:cpu,memory:/docker/abc\n0::/\n");
    machine.write("sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(256 * kMiB));
    machine.write("sys/fs/cgroup/memory/memory.usage_in_bytes", std::to_string(56 * kMiB));
    machine.write("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 0\n");
    CHECK(machine.read().available_bytes == 200 * kMiB);
    CHECK(machine.read().source == "memory.limit_in_bytes of cgroup /");
}

TEST_CASE("a group that is over its limit has nothing left, and unreadable files limit nothing") {
    Machine machine;
    CHECK(machine.read().available_bytes == UINT64_MAX);
    machine.write("proc/self/cgroup", "0::/a\nnonsense\n");
    machine.write("sys/fs/cgroup/a/memory.max", "1000\n");
    machine.write("sys/fs/cgroup/a/memory.current", "2000\n");
    CHECK(machine.read().available_bytes == 0);
}

TEST_CASE("free hugepages of all sizes are summed") {
    Machine machine;
    machine.write("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n");
    machine.write("sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "2\n");
    CHECK(machine.read().hugepage_bytes == 3 * 2 * kMiB + 2 * 1024 * kMiB);
}
