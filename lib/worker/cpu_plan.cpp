#include "worker/cpu_plan.hpp"

#include <algorithm>

namespace terminus::worker {
namespace {

bool contains(const std::vector<std::uint16_t>& cpus, std::uint16_t cpu) {
    return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

std::string list_of(const std::vector<std::uint16_t>& cpus) {
    std::string text;
    for (const std::uint16_t cpu : cpus)
        text += (text.empty() ? "" : ", ") + std::to_string(cpu);
    return text;
}

}  // namespace

base::Result<CpuPlan, std::string> plan_cpus(const CpuRequest& request) {
    CpuPlan plan;
    if (!request.lcores.empty()) {
        for (const std::uint16_t cpu : request.lcores) {
            if (!contains(request.allowed, cpu)) {
                return base::Failure{"workers.lcores: CPU " + std::to_string(cpu) +
                                     " is not one this process may use (" + list_of(request.allowed) + ")"};
            }
            if (contains(plan.workers, cpu)) plan.workers_share = true;
            plan.workers.push_back(cpu);
        }
    } else {
        const auto cpus = static_cast<std::uint32_t>(request.allowed.size());
        for (std::uint32_t worker = 0; worker < request.count; ++worker) {
            plan.workers.push_back(request.allowed[cpus - 1 - worker % cpus]);
        }
        plan.workers_share = request.count > cpus;
    }
    if (plan.workers_share && !request.allow_shared_cpus) {
        return base::Failure{"workers: " + std::to_string(plan.workers.size()) + " workers on CPUs " +
                             list_of(plan.workers) +
                             " share one; give each its own, or set workers.allow_shared_cpus: true"};
    }
    for (const std::uint16_t cpu : request.allowed) {
        if (!contains(plan.workers, cpu)) plan.control.push_back(cpu);
    }
    if (plan.control.empty()) {
        plan.control = request.allowed;
        plan.control_shares = true;
    }
    return plan;
}

}  // namespace terminus::worker
