#include "control/machine_state.hpp"

#include <linux/capability.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "control/support.hpp"

using namespace terminus;
using control::MachineState;
using control::read_machine_state;

namespace {

namespace fs = std::filesystem;

/// A machine's /proc, /sys and /dev in a directory.
class Machine {
 public:
    void write(const std::string& path, const std::string& text) const {
        const fs::path file = at(path);
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    void link(const std::string& path, const std::string& to) const {
        fs::create_directories(at(path).parent_path());
        fs::create_directory_symlink(to, at(path));
    }
    /// A device of a class ("0x020000" is an Ethernet controller) in an IOMMU group.
    void add_device(const std::string& address, const std::string& kind, const std::string& driver,
                    const std::string& group) const {
        const std::string device = "sys/bus/pci/devices/" + address;
        write(device + "/class", kind + "\n");
        write("sys/kernel/iommu_groups/" + group + "/devices/" + address, "");
        link(device + "/iommu_group", at("sys/kernel/iommu_groups/" + group));
        if (!driver.empty()) link(device + "/driver", at("sys/bus/pci/drivers/" + driver));
    }
    [[nodiscard]] fs::path at(const std::string& path) const { return fs::path(directory_.path()) / path; }
    [[nodiscard]] MachineState read() const { return read_machine_state(directory_.path()); }

 private:
    test::TempDirectory directory_;
};

constexpr const char* kRoutesHead =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

}  // namespace

TEST_CASE("a machine that shows nothing has nothing") {
    const MachineState state = Machine().read();
    CHECK_FALSE(state.has_iommu);
    CHECK_FALSE(state.has_vfio_pci);
    CHECK(state.nics.empty());
    CHECK(state.hugepages.empty());
    CHECK(state.default_routes.empty());
    CHECK_FALSE(state.memlock_bytes);
}

TEST_CASE("NICs are the network controllers, with drivers, interfaces, groups and nodes") {
    Machine machine;
    machine.add_device("0000:3b:00.0", "0x020000", "vfio-pci", "12");
    machine.add_device("0000:3b:00.1", "0x020000", "ixgbe", "12");
    machine.add_device("0000:3a:00.0", "0x060400", "pcieport", "12");
    machine.add_device("0000:00:1f.2", "0x010601", "ahci", "3");
    machine.write("sys/bus/pci/devices/0000:3b:00.0/numa_node", "1\n");
    machine.write("sys/bus/pci/devices/0000:3b:00.1/numa_node", "-1\n");
    machine.write("sys/bus/pci/devices/0000:3b:00.1/net/ens1f1/mtu", "1500\n");
    machine.write("dev/vfio/12", "");
    const MachineState state = machine.read();
    CHECK(state.has_iommu);
    REQUIRE(state.nics.size() == 2);
    CHECK(state.nics[0].address == "0000:3b:00.0");
    CHECK(state.nics[0].driver == "vfio-pci");
    CHECK(state.nics[0].node == 1);
    CHECK(state.nics[0].iommu_group == "12");
    CHECK(state.nics[0].group_mates == std::vector<std::string>{"0000:3b:00.1 (ixgbe)"});
    CHECK(state.nics[0].may_open_group);
    CHECK(state.nics[1].node == -1);
    CHECK(state.nics[1].interfaces == std::vector<std::string>{"ens1f1"});
    CHECK(state.nics[1].group_mates.empty());
}

TEST_CASE("a virtio NIC's interface is below its virtio device") {
    Machine machine;
    machine.add_device("0000:00:03.0", "0x020000", "virtio-pci", "1");
    machine.write("sys/bus/pci/devices/0000:00:03.0/virtio0/net/eth0/mtu", "1500\n");
    CHECK(machine.read().nics.at(0).interfaces == std::vector<std::string>{"eth0"});
}

TEST_CASE("the default routes of both families are found, also through a bond and a VLAN on the NIC") {
    Machine machine;
    machine.add_device("0000:5e:00.0", "0x020000", "igb", "13");
    machine.write("sys/bus/pci/devices/0000:5e:00.0/net/eno1/mtu", "1500\n");
    machine.write("sys/class/net/eno1/upper_bond0/mtu", "1500\n");
    machine.write("sys/class/net/bond0/upper_bond0.7/mtu", "1500\n");
    machine.write("proc/net/route", std::string(kRoutesHead) +
                                        "bond0.7\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
                                        "bond0.7\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
    const std::string zeros(32, '0');
    machine.write("proc/net/ipv6_route", zeros + " 00 " + zeros + " 00 " + zeros +
                                             " ffffffff 00000001 00000000 00200200       lo\n");
    MachineState state = machine.read();
    REQUIRE(state.default_routes.size() == 1);
    CHECK(state.default_routes[0].interface == "bond0.7");
    CHECK(state.nics.at(0).carries_default_ipv4);
    CHECK_FALSE(state.nics.at(0).carries_default_ipv6);

    machine.write("proc/net/route", kRoutesHead);
    machine.write("proc/net/ipv6_route", zeros + " 00 " + zeros + " 00 fe80" + std::string(28, '0') +
                                             " 00000400 00000001 00000000 00000003    bond0\n");
    state = machine.read();
    REQUIRE(state.default_routes.size() == 1);
    CHECK(state.default_routes[0].is_ipv6);
    CHECK_FALSE(state.nics.at(0).carries_default_ipv4);
    CHECK(state.nics.at(0).carries_default_ipv6);
}

TEST_CASE("vfio's mode without an IOMMU makes groups, and is not taken for one") {
    Machine machine;
    machine.add_device("0000:00:03.0", "0x020000", "vfio-pci", "0");
    machine.write("sys/bus/pci/drivers/vfio-pci/module/name", "");
    machine.write("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
    machine.write("dev/vfio/noiommu-0", "");
    MachineState state = machine.read();
    CHECK(state.has_vfio_pci);
    CHECK(state.vfio_takes_all);
    CHECK_FALSE(state.has_iommu);
    CHECK(state.nics.at(0).may_open_group);
    machine.write("sys/class/iommu/dmar0/name", "");
    CHECK(machine.read().has_iommu);
}

TEST_CASE("the firmware's tables tell of an IOMMU that is not used, Intel's and AMD's") {
    for (const char* table : {"DMAR", "IVRS"}) {
        Machine machine;
        machine.write("sys/firmware/acpi/tables/FACP", "");
        CHECK_FALSE(machine.read().firmware_has_iommu);
        machine.write(std::string("sys/firmware/acpi/tables/") + table, "");
        CHECK(machine.read().firmware_has_iommu);
        CHECK_FALSE(machine.read().has_iommu);
    }
}

TEST_CASE("what vfio maps memory by is known when it is loaded") {
    Machine machine;
    CHECK_FALSE(machine.read().has_vfio_type1);
    machine.write("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
    CHECK(machine.read().has_vfio_type1);
}

TEST_CASE("vfio without its unsafe mode is known once it is loaded") {
    Machine machine;
    CHECK_FALSE(machine.read().vfio_lacks_mode);
    machine.write("sys/module/vfio/refcnt", "0\n");
    CHECK(machine.read().vfio_lacks_mode);
    machine.write("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
    CHECK_FALSE(machine.read().vfio_lacks_mode);
}

TEST_CASE("hugepages are counted by node and size, or without nodes") {
    Machine machine;
    machine.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8\n");
    machine.write("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "5\n");
    MachineState state = machine.read();
    REQUIRE(state.hugepages.size() == 1);
    CHECK(state.hugepages[0].node == -1);
    CHECK(state.hugepages[0].pages == 8);
    CHECK(state.hugepages[0].free == 5);

    for (const char* node : {"node1", "node0"}) {
        const std::string folder = "sys/devices/system/node/" + std::string(node) + "/hugepages/";
        machine.write(folder + "hugepages-2048kB/nr_hugepages", "4\n");
        machine.write(folder + "hugepages-2048kB/free_hugepages", "3\n");
        machine.write(folder + "hugepages-1048576kB/nr_hugepages", "0\n");
    }
    state = machine.read();
    REQUIRE(state.hugepages.size() == 4);
    CHECK(state.hugepages[0].node == 0);
    CHECK(state.hugepages[0].page_kibibytes == 2048);
    CHECK(state.hugepages[0].free == 3);
    CHECK(state.hugepages[3].node == 1);
    CHECK(state.hugepages[3].page_kibibytes == 1048576);
}

TEST_CASE("isolated CPUs and governors are read from the kernel's lists") {
    Machine machine;
    machine.write("sys/devices/system/cpu/isolated", "2-4,7\n");
    machine.write("sys/devices/system/cpu/cpu10/cpufreq/scaling_governor", "performance\n");
    machine.write("sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n");
    machine.write("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "powersave\n");
    const MachineState state = machine.read();
    CHECK(state.isolated_cpus == std::vector<std::uint16_t>{2, 3, 4, 7});
    REQUIRE(state.governors.size() == 2);
    CHECK(state.governors[0].cpu == 2);
    CHECK(state.governors[1].governor == "performance");
    machine.write("sys/devices/system/cpu/isolated", "\n");
    CHECK(machine.read().isolated_cpus.empty());
}

TEST_CASE("the process's user, capabilities and limit are the effective ones") {
    Machine machine;
    machine.write("proc/self/status", "Name:\tterminusd\nUid:\t0\t1000\t0\t0\nCapEff:\t0000000000001000\n");
    machine.write("proc/self/limits",
                  "Limit                     Soft Limit           Hard Limit           Units     \n"
                  "Max locked memory         8388608              16777216             bytes     \n");
    machine.write("proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\n");
    machine.write("dev/net/tun", "");
    MachineState state = machine.read();
    CHECK_FALSE(state.is_root);
    CHECK(state.may(CAP_NET_ADMIN));
    CHECK_FALSE(state.may(CAP_SYS_ADMIN));
    CHECK(state.memlock_bytes == 8388608u);
    CHECK(state.is_intel);
    CHECK(state.has_tun);
    machine.write("proc/self/limits",
                  "Max locked memory         unlimited            unlimited            bytes\n");
    machine.write("proc/self/status", "Uid:\t1000\t0\t0\t0\n");
    state = machine.read();
    CHECK_FALSE(state.memlock_bytes);
    CHECK(state.is_root);
}
