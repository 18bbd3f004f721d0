#include <linux/capability.h>

#include <algorithm>
#include <cctype>

#include "control/doctor_checks.hpp"

namespace terminus::control::checks {
namespace {

/// How the kernel writes it: with a domain, in small letters, without a driver's arguments.
std::string in_full(std::string address) {
    address = address.substr(0, address.find(','));
    std::transform(address.begin(), address.end(), address.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::count(address.begin(), address.end(), ':') == 1 ? "0000:" + address : address;
}

const PciNic* find(const MachineState& machine, const std::string& address) {
    for (const PciNic& nic : machine.nics) {
        if (nic.address == in_full(address)) return &nic;
    }
    return nullptr;
}

/// DPDK uses these NICs beside their kernel driver.
bool stays_with_kernel(const PciNic& nic) {
    return nic.driver == "mlx5_core" || nic.driver == "mlx4_core";
}

bool is_uio(const PciNic& nic) {
    return nic.driver == "uio_pci_generic" || nic.driver == "igb_uio";
}

std::string turning_iommu_on(const MachineState& machine) {
    const std::string words = machine.is_intel ? "intel_iommu=on iommu=pt" : "iommu=pt";
    if (machine.firmware_has_iommu) return "on the kernel's command line: " + words;
    return std::string("turn on ") + (machine.is_intel ? "VT-d" : "AMD-Vi") +
           " in the firmware, and on the kernel's command line: " + words;
}

/// Where vfio has no mode for it the uio drivers are left, which check nothing either.
std::string going_without_iommu(const MachineState& machine, const MachineNeeds& needs) {
    if (!machine.vfio_lacks_mode)
        return "without one, as in most virtual machines: " + setup_host(machine, needs) +
               " --unsafe-no-iommu";
    std::string nics;
    for (const std::string& address : needs.pci_addresses)
        nics += " " + in_full(address);
    return "without one, as in most virtual machines (this kernel's vfio has no mode without one): modprobe "
           "uio_pci_generic; scripts/bind-nic --driver uio_pci_generic" +
           (nics.empty() ? " NIC" : nics);
}

/// Whether a NIC of the configuration is, or will have to be, opened by vfio-pci: as most are, also one that
/// isn't there.
bool needs_vfio(const MachineState& machine, const MachineNeeds& needs) {
    return std::any_of(needs.pci_addresses.begin(), needs.pci_addresses.end(),
                       [&](const std::string& address) {
                           const PciNic* nic = find(machine, address);
                           return nic == nullptr || (!stays_with_kernel(*nic) && !is_uio(*nic));
                       });
}

bool needs_uio(const MachineState& machine, const MachineNeeds& needs) {
    return std::any_of(needs.pci_addresses.begin(), needs.pci_addresses.end(),
                       [&](const std::string& address) {
                           const PciNic* nic = find(machine, address);
                           return nic != nullptr && is_uio(*nic);
                       });
}

std::string described(const PciNic& nic) {
    std::string text = nic.driver.empty() ? "has no driver" : "is bound to " + nic.driver;
    for (std::size_t i = 0; i < nic.interfaces.size(); ++i)
        text += (i == 0 ? ", interface " : ", ") + nic.interfaces[i];
    if (nic.node >= 0) text += ", NUMA node " + std::to_string(nic.node);
    return text;
}

std::string default_routes_of(const PciNic& nic) {
    if (nic.carries_default_ipv4 && nic.carries_default_ipv6) return "the default routes of IPv4 and IPv6";
    if (nic.carries_default_ipv4) return "the default route of IPv4";
    return nic.carries_default_ipv6 ? "the default route of IPv6" : "";
}

Finding wanted_nic(const PciNic& nic, const MachineState& machine) {
    const std::string topic = "NIC " + nic.address;
    const std::string carries = default_routes_of(nic);
    if (stays_with_kernel(nic)) {
        return {FindingLevel::Ok, topic, described(nic) + "; DPDK uses it beside that driver: bind nothing",
                ""};
    }
    if (!carries.empty()) {
        return {FindingLevel::Error, topic,
                described(nic) + ", and carries " + carries + ": without it this machine would be cut off",
                "name another NIC in the configuration: scripts/bind-nic --status"};
    }
    if (is_uio(nic)) {
        return {FindingLevel::Warning, topic,
                described(nic) + ": it can read and write all memory of this machine",
                machine.has_iommu ? "scripts/bind-nic " + nic.address : ""};
    }
    if (nic.driver != "vfio-pci") {
        return {FindingLevel::Error, topic, described(nic) + ", and DPDK needs it on vfio-pci",
                "scripts/bind-nic " + nic.address};
    }
    if (!nic.group_mates.empty()) {
        std::string names, addresses;
        for (const std::string& mate : nic.group_mates) {
            names += (names.empty() ? "" : ", ") + mate;
            addresses += " " + mate.substr(0, mate.find(' '));
        }
        return {FindingLevel::Error, topic,
                "is bound to vfio-pci, but its IOMMU group has others that the kernel uses: " + names +
                    "; vfio gives out whole groups",
                "scripts/bind-nic" + addresses + " (what is no NIC: take its driver away)"};
    }
    return {FindingLevel::Ok, topic, described(nic), ""};
}

Finding group_file(const PciNic& nic) {
    const std::string file = "/dev/vfio/" + nic.iommu_group;
    if (nic.may_open_group)
        return {FindingLevel::Ok, "permission", file + " of " + nic.address + " may be opened by this user",
                ""};
    return {FindingLevel::Error, "permission",
            file + " of " + nic.address + " may not be opened by this user",
            "chown USER " + file +
                " (after each bind; or start as root, terminusd drops what it no longer needs)"};
}

void look_at_memlock(Findings& out, const MachineState& machine, const MachineNeeds& needs) {
    const std::string topic = "memlock";
    if (!machine.memlock_bytes || machine.may(CAP_IPC_LOCK)) {
        out.push_back({FindingLevel::Ok, topic, "locked memory is not limited for this process", ""});
        return;
    }
    const std::uint64_t megabytes = *machine.memlock_bytes >> 20;
    const std::string what = "this process may lock " + std::to_string(megabytes) + " MiB";
    if (!needs_vfio(machine, needs)) {
        out.push_back({FindingLevel::Note, topic, what + "; only NICs by vfio need more", ""});
        return;
    }
    const bool is_enough = megabytes >= needs.dpdk_megabytes;
    out.push_back({is_enough ? FindingLevel::Ok : FindingLevel::Error, topic,
                   what + ", and vfio locks DPDK's " + std::to_string(needs.dpdk_megabytes) + " MiB",
                   is_enough ? "" : "ulimit -l unlimited (systemd: LimitMEMLOCK=infinity)"});
}

}  // namespace

bool is_wanted(const PciNic& nic, const MachineNeeds& needs) {
    return std::any_of(needs.pci_addresses.begin(), needs.pci_addresses.end(),
                       [&](const std::string& address) { return in_full(address) == nic.address; });
}

void look_at_iommu(Findings& out, const MachineState& machine, const MachineNeeds& needs) {
    const std::string topic = "IOMMU";
    if (machine.has_iommu) {
        out.push_back({FindingLevel::Ok, topic, "is on: a NIC reaches only the memory that it is given", ""});
        return;
    }
    const std::string off = machine.firmware_has_iommu ? "the firmware has one, and the kernel doesn't use it"
                                                       : "there is none, or it is off";
    const std::string mend = turning_iommu_on(machine) +
                             (machine.firmware_has_iommu ? "" : "; " + going_without_iommu(machine, needs));
    if (!needs_vfio(machine, needs)) {
        out.push_back({FindingLevel::Note, topic, off + "; this configuration needs none", ""});
    } else if (machine.vfio_takes_all) {
        out.push_back({FindingLevel::Warning, topic,
                       off + ", and vfio takes NICs nevertheless: they can read and write all memory", mend});
    } else {
        out.push_back({FindingLevel::Error, topic, off + ", and without it vfio-pci takes no NIC", mend});
    }
}

void look_at_vfio(Findings& out, const MachineState& machine, const MachineNeeds& needs) {
    if (machine.has_vfio_pci && machine.has_iommu && !machine.has_vfio_type1 && needs_vfio(machine, needs)) {
        out.push_back({FindingLevel::Error, "vfio-pci",
                       "is loaded, and vfio_iommu_type1, by which it maps memory, is not",
                       "modprobe vfio_iommu_type1"});
    } else if (machine.has_vfio_pci) {
        out.push_back({FindingLevel::Ok, "vfio-pci", "is loaded", ""});
    } else if (needs_vfio(machine, needs)) {
        out.push_back({FindingLevel::Error, "vfio-pci", "is not loaded", setup_host(machine, needs)});
    } else {
        out.push_back(
            {FindingLevel::Note, "vfio-pci", "is not loaded; this configuration needs it for no NIC", ""});
    }
}

void look_at_nics(Findings& out, const MachineState& machine, const MachineNeeds& needs) {
    for (const std::string& address : needs.pci_addresses) {
        const PciNic* nic = find(machine, address);
        out.push_back(nic != nullptr
                          ? wanted_nic(*nic, machine)
                          : Finding{FindingLevel::Error, "NIC " + in_full(address),
                                    "is not on this machine, or is no network controller",
                                    "name one of its NICs in the configuration: scripts/bind-nic --status"});
    }
    for (const PciNic& nic : machine.nics) {
        if (is_wanted(nic, needs)) continue;
        const std::string carries = default_routes_of(nic);
        out.push_back({FindingLevel::Note, "NIC " + nic.address,
                       described(nic) + (carries.empty() ? "" : ", carries " + carries) +
                           "; the configuration doesn't name it",
                       ""});
    }
    if (machine.nics.empty() && needs.pci_addresses.empty())
        out.push_back({FindingLevel::Note, "NICs", "this machine has none on the PCI bus", ""});
}

void look_at_default_routes(Findings& out, const MachineState& machine) {
    for (const bool is_ipv6 : {false, true}) {
        std::string by;
        for (const DefaultRoute& route : machine.default_routes) {
            if (route.is_ipv6 == is_ipv6) by += (by.empty() ? "leads by " : ", ") + route.interface;
        }
        for (const PciNic& nic : machine.nics) {
            if (is_ipv6 ? nic.carries_default_ipv6 : nic.carries_default_ipv4) by += ", NIC " + nic.address;
        }
        out.push_back({by.empty() ? FindingLevel::Note : FindingLevel::Ok,
                       std::string("default route of ") + (is_ipv6 ? "IPv6" : "IPv4"),
                       by.empty() ? "there is none" : by + "; bind-nic never takes that NIC", ""});
    }
}

void look_at_permissions(Findings& out, const MachineState& machine, const MachineNeeds& needs) {
    look_at_memlock(out, machine, needs);
    if (machine.is_root) {
        out.push_back({FindingLevel::Ok, "permission", "this process is root's", ""});
    } else {
        for (const std::string& address : needs.pci_addresses) {
            const PciNic* nic = find(machine, address);
            if (nic != nullptr && nic->driver == "vfio-pci") out.push_back(group_file(*nic));
        }
    }
    if (needs_uio(machine, needs) && !machine.may(CAP_SYS_ADMIN)) {
        out.push_back({FindingLevel::Error, "permission",
                       "a NIC on a uio driver needs physical addresses, which CAP_SYS_ADMIN alone may see",
                       "start as root, or bind it to vfio-pci: scripts/bind-nic NIC"});
    }
    if (needs.has_tap && !machine.has_tun)
        out.push_back({FindingLevel::Error, "TAP", "there is no /dev/net/tun", "modprobe tun"});
    if (needs.has_tap && !machine.may(CAP_NET_ADMIN)) {
        out.push_back({FindingLevel::Error, "TAP", "making an interface takes CAP_NET_ADMIN",
                       "start as root, or: setcap cap_net_admin+ep terminusd"});
    }
    if (needs.has_af_packet && !machine.may(CAP_NET_RAW)) {
        out.push_back({FindingLevel::Error, "AF_PACKET", "its sockets take CAP_NET_RAW",
                       "start as root, or: setcap cap_net_raw,cap_net_admin+ep terminusd"});
    }
}

}  // namespace terminus::control::checks
