#include "control/machine_state.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "control/machine_files.hpp"

namespace terminus::control {
namespace {

namespace fs = std::filesystem;
using files::first_line;
using files::link_name;
using files::names_in;
using files::number_in;

bool is_user_driver(const std::string& driver) {
    return driver == "vfio-pci" || driver == "uio_pci_generic" || driver == "igb_uio";
}

// ---- routes

// The columns of /proc/net/route: interface, destination, gateway, flags, three counts, mask.
void read_ipv4_routes(MachineState& state, const fs::path& root) {
    std::ifstream stream(root / "proc/net/route");
    for (std::string line; std::getline(stream, line);) {
        std::istringstream words(line);
        std::string interface, destination, skipped, mask;
        words >> interface >> destination;
        for (int column = 0; column < 5; ++column)
            words >> skipped;
        if (words >> mask && destination == "00000000" && mask == "00000000")
            state.default_routes.push_back({.is_ipv6 = false, .interface = interface});
    }
}

// Of /proc/net/ipv6_route: destination, its length, source, its length, next hop, metric, two counts, flags,
// interface. The kernel has a default route of its own by lo, which leads nowhere.
void read_ipv6_routes(MachineState& state, const fs::path& root) {
    std::ifstream stream(root / "proc/net/ipv6_route");
    for (std::string line; std::getline(stream, line);) {
        std::istringstream words(line);
        std::string destination, length, skipped, interface;
        words >> destination >> length;
        for (int column = 0; column < 7; ++column)
            words >> skipped;
        const bool is_default = length == "00" && destination == std::string(32, '0');
        if (words >> interface && is_default && interface != "lo")
            state.default_routes.push_back({.is_ipv6 = true, .interface = interface});
    }
}

/// An interface and what is built on it: bonds, bridges, VLANs, one above the other.
void add_with_uppers(std::set<std::string>& all, const std::string& interface, const fs::path& root) {
    if (!all.insert(interface).second) return;
    for (const std::string& upper : names_in(root / "sys/class/net" / interface, "upper_"))
        add_with_uppers(all, upper.substr(6), root);
}

// ---- NICs

/// Those of the device itself, or of the virtio device below it.
std::vector<std::string> interfaces_of(const fs::path& device) {
    std::vector<std::string> interfaces = names_in(device / "net");
    for (const std::string& below : names_in(device, "virtio")) {
        const std::vector<std::string> more = names_in(device / below / "net");
        interfaces.insert(interfaces.end(), more.begin(), more.end());
    }
    return interfaces;
}

// Bridges don't matter to vfio.
std::vector<std::string> group_mates_of(const std::string& address, const fs::path& devices) {
    std::vector<std::string> mates;
    for (const std::string& mate : names_in(devices / address / "iommu_group/devices")) {
        if (mate == address || first_line(devices / mate / "class").starts_with("0x0604")) continue;
        const std::string driver = link_name(devices / mate / "driver");
        if (!driver.empty() && !is_user_driver(driver)) mates.push_back(mate + " (" + driver + ")");
    }
    return mates;
}

PciNic read_nic(const std::string& address, const MachineState& state, const fs::path& root) {
    const fs::path devices = root / "sys/bus/pci/devices";
    const fs::path device = devices / address;
    PciNic nic{.address = address,
               .driver = link_name(device / "driver"),
               .iommu_group = link_name(device / "iommu_group"),
               .interfaces = interfaces_of(device),
               .group_mates = group_mates_of(address, devices)};
    const auto node = number_in(device / "numa_node");  // "-1" is not one
    if (node && *node < 1024) nic.node = static_cast<int>(*node);
    std::set<std::string> all;
    for (const std::string& interface : nic.interfaces)
        add_with_uppers(all, interface, root);
    for (const DefaultRoute& route : state.default_routes) {
        if (all.count(route.interface) == 0) continue;
        (route.is_ipv6 ? nic.carries_default_ipv6 : nic.carries_default_ipv4) = true;
    }
    const std::string group = (state.vfio_takes_all && !state.has_iommu ? "noiommu-" : "") + nic.iommu_group;
    nic.may_open_group =
        !nic.iommu_group.empty() && access((root / "dev/vfio" / group).c_str(), R_OK | W_OK) == 0;
    return nic;
}

void read_nics(MachineState& state, const fs::path& root) {
    for (const std::string& address : names_in(root / "sys/bus/pci/devices")) {
        if (first_line(root / "sys/bus/pci/devices" / address / "class").starts_with("0x02"))
            state.nics.push_back(read_nic(address, state, root));
    }
}

// ---- memory and CPUs

void read_hugepages(MachineState& state, const fs::path& sizes, int node) {
    for (const std::string& size : names_in(sizes, "hugepages-")) {  // hugepages-2048kB
        state.hugepages.push_back({.node = node,
                                   .page_kibibytes = std::strtoull(size.c_str() + 10, nullptr, 10),
                                   .pages = number_in(sizes / size / "nr_hugepages").value_or(0),
                                   .free = number_in(sizes / size / "free_hugepages").value_or(0)});
    }
}

void read_all_hugepages(MachineState& state, const fs::path& root) {
    const fs::path nodes = root / "sys/devices/system/node";
    for (const std::string& node : names_in(nodes, "node")) {
        // Its memory alone makes a node one for hugepages; "node" is followed by its number.
        read_hugepages(state, nodes / node / "hugepages", std::atoi(node.c_str() + 4));
    }
    if (state.hugepages.empty()) read_hugepages(state, root / "sys/kernel/mm/hugepages", -1);
    std::sort(state.hugepages.begin(), state.hugepages.end(), [](const auto& a, const auto& b) {
        return a.node != b.node ? a.node < b.node : a.page_kibibytes < b.page_kibibytes;
    });
}

/// "2-3,6", as the kernel lists CPUs.
std::vector<std::uint16_t> cpus_of(const std::string& list) {
    std::vector<std::uint16_t> cpus;
    std::istringstream ranges(list);
    for (std::string range; std::getline(ranges, range, ',');) {
        const std::size_t dash = range.find('-');
        const int first = std::atoi(range.c_str());
        const int last = dash == std::string::npos ? first : std::atoi(range.c_str() + dash + 1);
        for (int cpu = first; cpu <= last; ++cpu)
            cpus.push_back(static_cast<std::uint16_t>(cpu));
    }
    return cpus;
}

void read_governors(MachineState& state, const fs::path& root) {
    const fs::path cpus = root / "sys/devices/system/cpu";
    for (const std::string& cpu : names_in(cpus, "cpu")) {
        const std::string governor = first_line(cpus / cpu / "cpufreq/scaling_governor");
        if (governor.empty()) continue;
        state.governors.push_back({static_cast<std::uint16_t>(std::atoi(cpu.c_str() + 3)), governor});
    }
    std::sort(state.governors.begin(), state.governors.end(),
              [](const CpuGovernor& a, const CpuGovernor& b) { return a.cpu < b.cpu; });
}

// ---- this process

void read_process(MachineState& state, const fs::path& root) {
    std::ifstream status(root / "proc/self/status");
    for (std::string line; std::getline(status, line);) {
        std::istringstream words(line);
        std::string word, first, second;
        words >> word >> first >> second;
        if (word == "Uid:") state.is_root = second == "0";  // real, effective
        if (word == "CapEff:") state.capabilities = std::strtoull(first.c_str(), nullptr, 16);
    }
    const std::string name = "Max locked memory";
    std::ifstream limits(root / "proc/self/limits");
    for (std::string line; std::getline(limits, line);) {
        if (!line.starts_with(name)) continue;
        std::istringstream words(line.substr(name.size()));
        std::uint64_t bytes = 0;
        if (words >> bytes) state.memlock_bytes = bytes;  // otherwise "unlimited"
    }
}

bool is_intel(const fs::path& root) {
    std::ifstream stream(root / "proc/cpuinfo");
    for (std::string line; std::getline(stream, line);) {
        if (line.starts_with("vendor_id")) return line.ends_with("GenuineIntel");
    }
    return false;
}

}  // namespace

MachineState read_machine_state(const fs::path& root) {
    MachineState state;
    const fs::path unsafe = root / "sys/module/vfio/parameters/enable_unsafe_noiommu_mode";
    state.vfio_takes_all = first_line(unsafe).find_first_of("Y1") == 0;
    state.vfio_lacks_mode = fs::exists(root / "sys/module/vfio") && !fs::exists(unsafe);
    // In that mode vfio makes groups, too, of NICs behind no IOMMU.
    state.has_iommu = !names_in(root / "sys/class/iommu").empty() ||
                      (!state.vfio_takes_all && !names_in(root / "sys/kernel/iommu_groups").empty());
    const fs::path tables = root / "sys/firmware/acpi/tables";
    state.firmware_has_iommu = fs::exists(tables / "DMAR") || fs::exists(tables / "IVRS");
    state.is_intel = is_intel(root);
    state.has_vfio_pci = fs::exists(root / "sys/bus/pci/drivers/vfio-pci");
    state.has_vfio_type1 = fs::exists(root / "sys/module/vfio_iommu_type1");
    state.has_tun = fs::exists(root / "dev/net/tun");
    state.isolated_cpus = cpus_of(first_line(root / "sys/devices/system/cpu/isolated"));
    read_all_hugepages(state, root);
    read_governors(state, root);
    read_process(state, root);
    read_ipv4_routes(state, root);
    read_ipv6_routes(state, root);
    read_nics(state, root);
    return state;
}

}  // namespace terminus::control
