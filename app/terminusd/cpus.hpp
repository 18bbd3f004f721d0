#pragma once

#include <sched.h>

#include <cstdint>
#include <vector>

/// The CPUs of this machine and thread.
namespace terminus::app {

/// The NUMA node of a CPU; worker::kNoNode where the kernel has none.
[[nodiscard]] int node_of(std::uint16_t cpu);

/// This thread runs on any of `cpus` from now on.
void move_to(const std::vector<std::uint16_t>& cpus);

/// This thread is on one CPU while this lives, and then where it was: what is made, and so touched first,
/// lies on that CPU's node.
class OnCpu {
 public:
    explicit OnCpu(std::uint16_t cpu);
    ~OnCpu();
    OnCpu(const OnCpu&) = delete;
    OnCpu& operator=(const OnCpu&) = delete;

 private:
    cpu_set_t before_;
};

}  // namespace terminus::app
