#include "control/doctor.hpp"

#include <linux/capability.h>

#include <catch2/catch.hpp>

using namespace terminus::control;

namespace {

constexpr const char* kNic = "0000:3b:00.0";

/// A server with nothing to complain about: an IOMMU, hugepages on the NIC's node, the NIC on vfio-pci.
MachineState good_server() {
    MachineState machine;
    machine.has_iommu = true;
    machine.is_intel = true;
    machine.has_vfio_pci = true;
    machine.has_vfio_type1 = true;
    machine.hugepages = {{.node = 0, .page_kibibytes = 2048, .pages = 1024, .free = 1024},
                         {.node = 1, .page_kibibytes = 2048, .pages = 1024, .free = 1024}};
    machine.nics = {{.address = kNic, .driver = "vfio-pci", .node = 0, .iommu_group = "12"},
                    {.address = "0000:5e:00.0",
                     .driver = "igb",
                     .node = 0,
                     .iommu_group = "13",
                     .interfaces = {"eno1"},
                     .carries_default_ipv4 = true,
                     .carries_default_ipv6 = true}};
    machine.default_routes = {{.is_ipv6 = false, .interface = "eno1"},
                              {.is_ipv6 = true, .interface = "eno1"}};
    machine.isolated_cpus = {2, 3};
    machine.governors = {{0, "powersave"}, {2, "performance"}, {3, "performance"}};
    machine.is_root = true;
    machine.capabilities = ~0ull;
    machine.has_tun = true;
    return machine;
}

MachineNeeds nic_needs() {
    return {.pci_addresses = {kNic}, .dpdk_megabytes = 500, .worker_cpus = {2, 3}};
}

MachineNeeds tap_needs() {
    return {.has_tap = true, .dpdk_megabytes = 500};
}

/// The gravest finding of a topic; an empty one where there is none.
Finding worst(const std::vector<Finding>& findings, const std::string& topic) {
    Finding found;
    for (const Finding& finding : findings) {
        if (finding.topic == topic && finding.level >= found.level) found = finding;
    }
    return found;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a server that is ready has nothing above a note") {
    for (const Finding& finding : examine(good_server(), nic_needs())) {
        CAPTURE(finding.topic, finding.what);
        CHECK(finding.level <= FindingLevel::Note);
    }
}

TEST_CASE("every warning and error says what mends it") {
    MachineState bare;
    bare.nics = {{.address = kNic, .driver = "ixgbe", .node = 0}};
    bare.governors = {{2, "powersave"}};
    bare.memlock_bytes = 1 << 20;
    const auto findings = examine(bare, nic_needs());
    CHECK(has_errors(findings));
    for (const Finding& finding : findings) {
        CAPTURE(finding.topic, finding.what);
        if (finding.level >= FindingLevel::Warning) CHECK_FALSE(finding.mend.empty());
    }
}

TEST_CASE("a configuration of TAPs needs no IOMMU, vfio, hugepages, isolation or governor") {
    MachineState bare;
    bare.governors = {{0, "powersave"}};
    bare.memlock_bytes = 64 << 10;
    bare.capabilities = 1ull << CAP_NET_ADMIN;
    bare.has_tun = true;
    MachineNeeds needs = tap_needs();
    needs.worker_cpus = {0};
    for (const Finding& finding : examine(bare, needs)) {
        CAPTURE(finding.topic, finding.what);
        CHECK(finding.level <= FindingLevel::Note);
    }
}

TEST_CASE("a TAP needs the right to make interfaces, and its device") {
    MachineState machine = good_server();
    machine.capabilities = 0;
    CHECK(worst(examine(machine, tap_needs()), "TAP").level == FindingLevel::Error);
    machine.capabilities = 1ull << CAP_NET_ADMIN;
    CHECK_FALSE(has_errors(examine(machine, tap_needs())));
    machine.has_tun = false;
    CHECK(worst(examine(machine, tap_needs()), "TAP").mend == "modprobe tun");
}

TEST_CASE("AF_PACKET needs its capability") {
    MachineState machine = good_server();
    machine.capabilities = 1ull << CAP_NET_RAW;
    const MachineNeeds needs{.has_af_packet = true};
    CHECK_FALSE(has_errors(examine(machine, needs)));
    machine.capabilities = 0;
    CHECK(worst(examine(machine, needs), "AF_PACKET").level == FindingLevel::Error);
}

TEST_CASE("without an IOMMU a NIC on vfio can't start; the line for the kernel is the processor's") {
    MachineState machine = good_server();
    machine.has_iommu = false;
    Finding iommu = worst(examine(machine, nic_needs()), "IOMMU");
    CHECK(iommu.level == FindingLevel::Error);
    CHECK(has(iommu.mend, "VT-d"));
    CHECK(has(iommu.mend, "intel_iommu=on"));
    CHECK(has(iommu.mend, "scripts/setup-host --pages 250 --unsafe-no-iommu"));
    machine.is_intel = false;
    iommu = worst(examine(machine, nic_needs()), "IOMMU");
    CHECK(has(iommu.mend, "AMD-Vi"));
    CHECK_FALSE(has(iommu.mend, "intel_iommu"));
    machine.vfio_takes_all = true;
    iommu = worst(examine(machine, nic_needs()), "IOMMU");
    CHECK(iommu.level == FindingLevel::Warning);
    CHECK(has(iommu.what, "all memory"));
}

TEST_CASE("an IOMMU that the firmware describes is turned on on the kernel's command line alone") {
    MachineState machine = good_server();
    machine.has_iommu = false;
    machine.firmware_has_iommu = true;
    Finding iommu = worst(examine(machine, nic_needs()), "IOMMU");
    CHECK(iommu.level == FindingLevel::Error);
    CHECK(has(iommu.what, "the firmware has one"));
    CHECK(iommu.mend == "on the kernel's command line: intel_iommu=on iommu=pt");
    machine.is_intel = false;
    iommu = worst(examine(machine, nic_needs()), "IOMMU");
    CHECK(iommu.mend == "on the kernel's command line: iommu=pt");
}

TEST_CASE("where vfio has no mode without an IOMMU, uio_pci_generic is named with the NICs") {
    MachineState machine = good_server();
    machine.has_iommu = false;
    machine.vfio_lacks_mode = true;
    const Finding iommu = worst(examine(machine, nic_needs()), "IOMMU");
    CHECK_FALSE(has(iommu.mend, "--unsafe-no-iommu"));
    CHECK(has(iommu.mend, "modprobe uio_pci_generic; scripts/bind-nic --driver uio_pci_generic 0000:"));
    CHECK(has(worst(examine(machine, {}), "IOMMU").what, "there is none"));
}

TEST_CASE("vfio-pci that is not loaded is loaded by setup-host") {
    MachineState machine = good_server();
    machine.has_vfio_pci = false;
    const Finding vfio = worst(examine(machine, nic_needs()), "vfio-pci");
    CHECK(vfio.level == FindingLevel::Error);
    CHECK(vfio.mend == "scripts/setup-host --pages 250");
    MachineNeeds needs = nic_needs();
    needs.dpdk_megabytes = 0;  // no configuration
    CHECK(worst(examine(machine, needs), "vfio-pci").mend == "scripts/setup-host");
}

TEST_CASE(
    "vfio-pci without vfio_iommu_type1 maps no memory through an IOMMU, and needs it for nothing else") {
    MachineState machine = good_server();
    machine.has_vfio_type1 = false;
    const Finding vfio = worst(examine(machine, nic_needs()), "vfio-pci");
    CHECK(vfio.level == FindingLevel::Error);
    CHECK(vfio.mend == "modprobe vfio_iommu_type1");
    CHECK(worst(examine(machine, tap_needs()), "vfio-pci").level == FindingLevel::Ok);
    machine.has_iommu = false;
    machine.vfio_takes_all = true;
    CHECK(worst(examine(machine, nic_needs()), "vfio-pci").level == FindingLevel::Ok);
}

TEST_CASE("a NIC on its kernel driver is to be bound, however its address is written") {
    MachineState machine = good_server();
    machine.nics[0].driver = "ice";
    machine.nics[0].interfaces = {"ens1f0"};
    for (const char* written : {"0000:3b:00.0", "3b:00.0", "3B:00.0", "0000:3b:00.0,safe-mode-support=1"}) {
        MachineNeeds needs = nic_needs();
        needs.pci_addresses = {written};
        const Finding nic = worst(examine(machine, needs), "NIC 0000:3b:00.0");
        CAPTURE(written);
        CHECK(nic.level == FindingLevel::Error);
        CHECK(has(nic.what, "is bound to ice, interface ens1f0"));
        CHECK(nic.mend == "scripts/bind-nic 0000:3b:00.0");
    }
}

TEST_CASE("a NIC without a driver is to be bound, one that isn't there to be named otherwise") {
    MachineState machine = good_server();
    machine.nics[0].driver = "";
    CHECK(worst(examine(machine, nic_needs()), "NIC 0000:3b:00.0").mend == "scripts/bind-nic 0000:3b:00.0");
    MachineNeeds needs = nic_needs();
    needs.pci_addresses = {"ff:1f.7"};
    const Finding missing = worst(examine(machine, needs), "NIC 0000:ff:1f.7");
    CHECK(missing.level == FindingLevel::Error);
    CHECK(has(missing.mend, "bind-nic --status"));
    machine.has_vfio_pci = false;
    CHECK(worst(examine(machine, needs), "vfio-pci").level == FindingLevel::Error);
}

TEST_CASE("the NIC of a default route is refused, of either family") {
    MachineState machine = good_server();
    MachineNeeds needs = nic_needs();
    needs.pci_addresses = {"0000:5e:00.0"};
    CHECK(
        has(worst(examine(machine, needs), "NIC 0000:5e:00.0").what, "the default routes of IPv4 and IPv6"));
    machine.nics[1].carries_default_ipv4 = false;
    const Finding nic = worst(examine(machine, needs), "NIC 0000:5e:00.0");
    CHECK(nic.level == FindingLevel::Error);
    CHECK(has(nic.what, "the default route of IPv6"));
    CHECK_FALSE(has(nic.mend, "bind-nic 0000"));
}

TEST_CASE("Mellanox's NICs stay with their kernel driver and need neither vfio nor an IOMMU") {
    MachineState machine = good_server();
    machine.nics[0].driver = "mlx5_core";
    machine.nics[0].carries_default_ipv4 = true;
    machine.has_vfio_pci = false;
    const auto findings = examine(machine, nic_needs());
    CHECK(worst(findings, "NIC 0000:3b:00.0").level == FindingLevel::Ok);
    CHECK_FALSE(has_errors(findings));
}

TEST_CASE("a NIC on a uio driver works, unsafely, and wants physical addresses") {
    MachineState machine = good_server();
    machine.nics[0].driver = "uio_pci_generic";
    CHECK(worst(examine(machine, nic_needs()), "NIC 0000:3b:00.0").level == FindingLevel::Warning);
    CHECK_FALSE(has_errors(examine(machine, nic_needs())));
    machine.capabilities = 0;
    CHECK(worst(examine(machine, nic_needs()), "permission").level == FindingLevel::Error);
}

TEST_CASE("others of the NIC's IOMMU group keep vfio from giving it out") {
    MachineState machine = good_server();
    machine.nics[0].group_mates = {"0000:3b:00.1 (ixgbe)"};
    const Finding nic = worst(examine(machine, nic_needs()), "NIC 0000:3b:00.0");
    CHECK(nic.level == FindingLevel::Error);
    CHECK(has(nic.mend, "scripts/bind-nic 0000:3b:00.1"));
}

TEST_CASE("too few hugepages: a warning with an IOMMU, an error without one or where they are asked for") {
    MachineState machine = good_server();
    for (NodeHugepages& pages : machine.hugepages)
        pages.free = 10;
    Finding pages = worst(examine(machine, nic_needs()), "hugepages");
    CHECK(pages.level == FindingLevel::Warning);
    CHECK(has(pages.what, "500 MiB, and 40 MiB are free"));
    // 1014 of each node's are others': as many again have to be there before ours are free.
    CHECK(has(pages.mend, "scripts/setup-host --pages 1264 (for each node"));
    CHECK(has(pages.mend, "hugepages=1264"));
    MachineNeeds needs = nic_needs();
    needs.pages = DpdkPages::Huge;
    CHECK(worst(examine(machine, needs), "hugepages").level == FindingLevel::Error);
    needs.pages = DpdkPages::Ordinary;
    CHECK(worst(examine(machine, needs), "hugepages").level <= FindingLevel::Note);
    machine.has_iommu = false;
    CHECK(worst(examine(machine, nic_needs()), "hugepages").level == FindingLevel::Error);
}

TEST_CASE("exactly as much as is needed is enough") {
    MachineState machine = good_server();
    machine.hugepages = {{.node = 0, .page_kibibytes = 2048, .pages = 250, .free = 250}};
    CHECK(worst(examine(machine, nic_needs()), "hugepages").level == FindingLevel::Ok);
    machine.hugepages[0].free = 249;
    CHECK(worst(examine(machine, nic_needs()), "hugepages").level == FindingLevel::Warning);
}

TEST_CASE("hugepages on other nodes than the NIC's are warned about") {
    MachineState machine = good_server();
    machine.hugepages[0].free = 0;
    const Finding pages = worst(examine(machine, nic_needs()), "hugepages");
    CHECK(pages.level == FindingLevel::Warning);
    CHECK(pages.mend == "scripts/setup-host --pages 1274 --node 0");
}

TEST_CASE("a user other than root needs the group's file and enough locked memory") {
    MachineState machine = good_server();
    machine.is_root = false;
    machine.capabilities = 0;
    machine.memlock_bytes = 499ull << 20;
    auto findings = examine(machine, nic_needs());
    CHECK(worst(findings, "memlock").level == FindingLevel::Error);
    CHECK(has(worst(findings, "memlock").mend, "LimitMEMLOCK=infinity"));
    CHECK(worst(findings, "permission").level == FindingLevel::Error);
    CHECK(has(worst(findings, "permission").mend, "/dev/vfio/12"));
    machine.memlock_bytes = 500ull << 20;
    machine.nics[0].may_open_group = true;
    findings = examine(machine, nic_needs());
    CHECK_FALSE(has_errors(findings));
}

TEST_CASE("CAP_IPC_LOCK lifts the limit of locked memory") {
    MachineState machine = good_server();
    machine.memlock_bytes = 64 << 10;
    CHECK(worst(examine(machine, nic_needs()), "memlock").level == FindingLevel::Ok);
}

TEST_CASE("workers' CPUs that aren't isolated are named, with the line for the kernel") {
    MachineState machine = good_server();
    machine.isolated_cpus = {2};
    const Finding cpus = worst(examine(machine, nic_needs()), "isolated CPUs");
    CHECK(cpus.level == FindingLevel::Warning);
    CHECK(has(cpus.what, "CPU 3:"));
    CHECK(has(cpus.mend, "isolcpus=2,3 nohz_full=2,3 rcu_nocbs=2,3"));
    MachineNeeds chosen = nic_needs();
    chosen.worker_cpus = {};
    CHECK(has(worst(examine(machine, chosen), "isolated CPUs").mend, "lcores: [2]"));
}

TEST_CASE("only the workers' CPUs need the performance governor") {
    MachineState machine = good_server();
    CHECK(worst(examine(machine, nic_needs()), "frequency").level == FindingLevel::Ok);
    machine.governors[1].governor = "schedutil";
    const Finding frequency = worst(examine(machine, nic_needs()), "frequency");
    CHECK(frequency.level == FindingLevel::Warning);
    CHECK(frequency.mend == "cpupower -c 2 frequency-set -g performance");
}

TEST_CASE("the default routes' NICs are told, or that there are none") {
    const auto findings = examine(good_server(), nic_needs());
    CHECK(has(worst(findings, "default route of IPv4").what, "leads by eno1, NIC 0000:5e:00.0"));
    CHECK(has(worst(findings, "default route of IPv6").what, "leads by eno1, NIC 0000:5e:00.0"));
    CHECK(worst(examine({}, {}), "default route of IPv4").what == "there is none");
}

TEST_CASE("a machine without a configuration has no errors: nothing is needed") {
    CHECK_FALSE(has_errors(examine({}, {})));
}

TEST_CASE("the table has a line for each finding and one for what mends it") {
    const std::string text =
        to_table({{FindingLevel::Ok, "IOMMU", "is on", ""},
                  {FindingLevel::Error, "vfio-pci", "is not loaded", "scripts/setup-host"}});
    CHECK(text ==
          "ok       IOMMU     is on\n"
          "error    vfio-pci  is not loaded\n"
          "                   -> scripts/setup-host\n");
}
