#include "control/doctor.hpp"

#include <algorithm>
#include <map>

#include "control/doctor_checks.hpp"

namespace terminus::control {
namespace {

using checks::Findings;

std::string list_of(const std::vector<std::uint16_t>& cpus) {
    std::string text;
    for (const std::uint16_t cpu : cpus)
        text += (text.empty() ? "" : ",") + std::to_string(cpu);
    return text;
}

// ---- hugepages

std::string node_name(int node) {
    return node < 0 ? "this machine" : "node " + std::to_string(node);
}

/// One finding a node: how many of each size, and how many are free.
void look_at_each_node(Findings& out, const MachineState& machine) {
    std::map<int, std::string> nodes;
    for (const NodeHugepages& pages : machine.hugepages) {
        std::string& text = nodes[pages.node];
        if (pages.pages == 0) continue;
        text += (text.empty() ? "" : ", ") + std::to_string(pages.pages) + " of " +
                std::to_string(pages.page_kibibytes >> 10) + " MiB (" + std::to_string(pages.free) + " free)";
    }
    for (const auto& [node, text] : nodes) {
        out.push_back({text.empty() ? FindingLevel::Note : FindingLevel::Ok, "hugepages",
                       node_name(node) + " has " + (text.empty() ? "none" : text), ""});
    }
}

std::uint64_t free_hugepage_megabytes(const MachineState& machine, int node) {
    std::uint64_t kibibytes = 0;
    for (const NodeHugepages& pages : machine.hugepages) {
        if (node < 0 || pages.node == node) kibibytes += pages.free * pages.page_kibibytes;
    }
    return kibibytes >> 10;
}

/// A NIC's descriptors and buffers are best on its own node.
void look_at_nodes_of_nics(Findings& out, const MachineState& machine, const MachineNeeds& needs) {
    for (const PciNic& nic : machine.nics) {
        if (!checks::is_wanted(nic, needs) || nic.node < 0) continue;
        if (free_hugepage_megabytes(machine, nic.node) != 0) continue;
        const std::string node = std::to_string(nic.node);
        out.push_back({FindingLevel::Warning, "hugepages",
                       "node " + node + ", on which NIC " + nic.address + " is, has none free",
                       checks::setup_host(machine, needs) + " --node " + node});
    }
}

void look_at_hugepages(Findings& out, const MachineState& machine, const MachineNeeds& needs) {
    look_at_each_node(out, machine);
    const std::uint64_t free = free_hugepage_megabytes(machine, -1);
    const std::string what = "DPDK's buffers take " + std::to_string(needs.dpdk_megabytes) + " MiB, and " +
                             std::to_string(free) + " MiB are free";
    if (needs.pages == DpdkPages::Ordinary) {
        out.push_back({FindingLevel::Note, "hugepages", "EAL's options ask for ordinary pages", ""});
        return;
    }
    if (free >= needs.dpdk_megabytes) {
        if (needs.dpdk_megabytes != 0) out.push_back({FindingLevel::Ok, "hugepages", what, ""});
        if (free != 0) look_at_nodes_of_nics(out, machine, needs);
        return;
    }
    const std::string mend =
        checks::setup_host(machine, needs) + " (for each node; or hugepagesz=2M hugepages=" +
        std::to_string(checks::pages_wanted(machine, needs)) + " on the kernel's command line)";
    const bool has_nics = !needs.pci_addresses.empty();
    if (needs.pages == DpdkPages::Huge) {
        out.push_back({FindingLevel::Error, "hugepages", what + "; EAL's options ask for hugepages", mend});
    } else if (has_nics && !machine.has_iommu) {
        out.push_back({FindingLevel::Error, "hugepages",
                       what + "; without an IOMMU a NIC can't use ordinary pages", mend});
    } else if (has_nics) {
        out.push_back(
            {FindingLevel::Warning, "hugepages", what + ": ordinary pages are taken, and are slower", mend});
    } else {
        out.push_back(
            {FindingLevel::Note, "hugepages", what + ": ordinary pages are taken, which will do", ""});
    }
}

// ---- CPUs

/// What matters to a server with NICs is only of interest elsewhere.
FindingLevel slower(const MachineNeeds& needs) {
    return needs.pci_addresses.empty() ? FindingLevel::Note : FindingLevel::Warning;
}

void look_at_isolation(Findings& out, const MachineState& machine, const MachineNeeds& needs) {
    const std::string topic = "isolated CPUs";
    const std::string isolated = list_of(machine.isolated_cpus);
    if (needs.worker_cpus.empty()) {
        out.push_back({FindingLevel::Note, topic,
                       isolated.empty()
                           ? "there are none, and workers.lcores names no CPUs: they are chosen at start"
                           : isolated + ", and workers.lcores doesn't name them: workers run elsewhere",
                       isolated.empty() ? "" : "workers: {lcores: [" + isolated + "]}"});
        return;
    }
    std::vector<std::uint16_t> shared;
    for (const std::uint16_t cpu : needs.worker_cpus) {
        if (std::find(machine.isolated_cpus.begin(), machine.isolated_cpus.end(), cpu) ==
            machine.isolated_cpus.end())
            shared.push_back(cpu);
    }
    if (shared.empty()) {
        out.push_back({FindingLevel::Ok, topic, "the workers' " + list_of(needs.worker_cpus) + " are", ""});
        return;
    }
    const std::string all = list_of(needs.worker_cpus);
    out.push_back(
        {slower(needs), topic,
         "the scheduler runs other programs on the workers' CPU " + list_of(shared) +
             ": they will be interrupted",
         "on the kernel's command line: isolcpus=" + all + " nohz_full=" + all + " rcu_nocbs=" + all});
}

void look_at_governors(Findings& out, const MachineState& machine, const MachineNeeds& needs) {
    const std::string topic = "frequency";
    if (machine.governors.empty()) {
        out.push_back({FindingLevel::Ok, topic, "the kernel doesn't govern frequencies here", ""});
        return;
    }
    std::map<std::string, std::vector<std::uint16_t>> slow;
    for (const CpuGovernor& cpu : machine.governors) {
        const bool is_workers =
            needs.worker_cpus.empty() ||
            std::find(needs.worker_cpus.begin(), needs.worker_cpus.end(), cpu.cpu) != needs.worker_cpus.end();
        if (is_workers && cpu.governor != "performance") slow[cpu.governor].push_back(cpu.cpu);
    }
    if (slow.empty())
        out.push_back({FindingLevel::Ok, topic, "the workers' CPUs have the performance governor", ""});
    for (const auto& [governor, cpus] : slow) {
        out.push_back({slower(needs), topic, "CPU " + list_of(cpus) + " has the governor " + governor,
                       "cpupower -c " + list_of(cpus) + " frequency-set -g performance"});
    }
}

}  // namespace

std::uint64_t checks::pages_wanted(const MachineState& machine, const MachineNeeds& needs) {
    std::uint64_t used = 0;
    for (const NodeHugepages& pages : machine.hugepages) {
        if (pages.page_kibibytes == 2048) used = std::max(used, pages.pages - pages.free);
    }
    return used + (needs.dpdk_megabytes + 1) / 2;
}

std::string checks::setup_host(const MachineState& machine, const MachineNeeds& needs) {
    if (needs.dpdk_megabytes == 0) return "scripts/setup-host";
    return "scripts/setup-host --pages " + std::to_string(pages_wanted(machine, needs));
}

std::vector<Finding> examine(const MachineState& machine, const MachineNeeds& needs) {
    std::vector<Finding> out;
    checks::look_at_iommu(out, machine, needs);
    checks::look_at_vfio(out, machine, needs);
    look_at_hugepages(out, machine, needs);
    checks::look_at_nics(out, machine, needs);
    checks::look_at_default_routes(out, machine);
    checks::look_at_permissions(out, machine, needs);
    look_at_isolation(out, machine, needs);
    look_at_governors(out, machine, needs);
    return out;
}

const char* label(FindingLevel level) {
    switch (level) {
        case FindingLevel::Ok:
            return "ok";
        case FindingLevel::Note:
            return "note";
        case FindingLevel::Warning:
            return "warning";
        case FindingLevel::Error:
            break;
    }
    return "error";
}

bool has_errors(const std::vector<Finding>& findings) {
    return std::any_of(findings.begin(), findings.end(),
                       [](const Finding& finding) { return finding.level == FindingLevel::Error; });
}

std::string to_table(const std::vector<Finding>& findings) {
    std::size_t width = 0;
    for (const Finding& finding : findings)
        width = std::max(width, finding.topic.size());
    std::string text;
    for (const Finding& finding : findings) {
        const std::string level = label(finding.level);
        text += level + std::string(9 - level.size(), ' ') + finding.topic +
                std::string(width + 2 - finding.topic.size(), ' ') + finding.what + "\n";
        if (!finding.mend.empty()) text += std::string(9 + width + 2, ' ') + "-> " + finding.mend + "\n";
    }
    return text;
}

}  // namespace terminus::control
