#include "dpdk/eal.hpp"

#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>

namespace terminus::dpdk {

base::Result<Eal, std::string> Eal::start(std::vector<std::string> args) {
    std::string line;
    for (const std::string& arg : args)
        line += (line.empty() ? "" : " ") + arg;
    args.insert(args.begin(), "terminus");
    // EAL keeps pointers into the arguments it was given (its telemetry shows them later), so they live as
    // long as the process; it also permutes the array, so it gets one of its own.
    static std::vector<std::string> kept;
    if (!kept.empty())
        return base::Failure{std::string("DPDK's environment was started before in this process")};
    kept = std::move(args);
    static std::vector<char*> pointers;
    for (std::string& arg : kept)
        pointers.push_back(arg.data());
    pointers.push_back(nullptr);

    if (rte_eal_init(static_cast<int>(pointers.size()) - 1, pointers.data()) < 0) {
        return base::Failure{"DPDK does not start with \"" + line + "\": " + rte_strerror(rte_errno)};
    }
    return Eal();
}

bool Eal::has_hugepages() const {
    return rte_eal_has_hugepages() != 0;
}

std::string one_lcore() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    int cpu = 0;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &allowed))
            ++cpu;
    }
    return "--lcores=0@" + std::to_string(cpu);
}

Eal::~Eal() {
    if (running_) rte_eal_cleanup();
}

}  // namespace terminus::dpdk
