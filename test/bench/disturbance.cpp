#include "disturbance.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <fstream>
#include <sstream>
#include <string>

namespace terminus::bench {

Disturbance::Counts Disturbance::read() {
    Counts counts;
    std::uint64_t ran_ns = 0;
    std::ifstream("/proc/thread-self/schedstat") >> ran_ns >> counts.waited_ns;
    const std::string cpu = "cpu" + std::to_string(sched_getcpu());
    std::ifstream stat("/proc/stat");
    for (std::string line; std::getline(stat, line) && line.starts_with("cpu");) {
        std::uint64_t user = 0, nice = 0, system = 0, idle = 0, io = 0, irq = 0, softirq = 0;
        if (!line.starts_with(cpu + " ")) continue;
        std::istringstream(line.substr(cpu.size())) >> user >> nice >> system >> idle >> io >> irq >>
            softirq >> counts.stolen;
    }
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    counts.switched = static_cast<std::uint64_t>(usage.ru_nivcsw);
    return counts;
}

}  // namespace terminus::bench
