"""scripts/bind-nic gives NICs away and takes them back, and not the one that the machine is reached by.

It runs on a machine of files (made_up_machine.py), on which the stand-ins of a few programs play the kernel.
"""

import unittest

from made_up_machine import MadeUpMachine

NIC, OTHER, OWN = "0000:3b:00.0", "0000:3b:00.1", "0000:01:00.0"


class BindNic(MadeUpMachine):
    def setUp(self):
        super().setUp()
        self.add_nic(NIC, "i40e", "ens1f0", group="12")
        self.add_nic(OTHER, "i40e", "ens1f1", group="13")
        self.add_nic(OWN, "igb", "eno1", group="14")
        self.add_driver("vfio-pci")
        self.write("routes4", "default via 192.0.2.1 dev eno1 proto dhcp\n192.0.2.0/24 dev eno1 proto kernel\nlocal 192.0.2.7 dev eno1 table local\n")
        self.write("routes6", "fe80::/64 dev ens1f0 proto kernel\nunreachable default dev lo metric 4294967295\nmulticast ff00::/8 dev ens1f0 table local\n")
        self.write("address-eno1", "2: eno1    inet 192.0.2.7/24 scope global eno1\n")

    def bind_nic(self, *options):
        return self.call("bind-nic", *options)

    def check_refused(self, nic, *reasons, options=()):
        before = self.snapshot()
        code, out, err = self.bind_nic(*options, nic)
        self.assertEqual((code, out), (1, ""))
        for reason in reasons:
            self.assertIn(reason, err)
        self.assertEqual(self.snapshot(), before)
        self.assertFalse((self.state / "bind-nic").exists())

    # --- there and back

    def test_binds_and_gives_back_to_the_driver_of_before(self):
        before = self.snapshot()
        self.assertEqual(self.bind_nic(NIC), (0, f"changed: {NIC} is bound to vfio-pci; i40e had it\n", ""))
        self.assertEqual(self.driver_of(NIC), "vfio-pci")
        self.assertEqual(self.driver_of(OTHER), "i40e")
        self.assertEqual(self.read(f"state/bind-nic/{NIC}"), "i40e\n")
        self.assertEqual(self.bind_nic("--unbind", NIC), (0, f"changed: {NIC} is bound to i40e: ens1f0\n", ""))
        self.assertEqual(self.snapshot(), before)
        self.assertFalse((self.state / "bind-nic" / NIC).exists())

    def test_the_kernel_looks_for_the_wanted_driver_only(self):
        self.bind_nic(NIC)
        device = f"/bus/pci/devices/{NIC}"
        wanted = [f"vfio-pci > {device}/driver_override", f"{NIC} > {device}/driver/unbind", f"{NIC} > /bus/pci/drivers_probe"]
        self.assertEqual(self.read("writes").splitlines(), wanted)

    def test_takes_interfaces_short_addresses_and_several(self):
        code, out, err = self.bind_nic("ens1f0", "3b:00.1")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual((self.driver_of(NIC), self.driver_of(OTHER)), ("vfio-pci", "vfio-pci"))
        self.assertEqual(len(out.splitlines()), 2)

    def test_a_second_time_changes_nothing(self):
        self.bind_nic(NIC)
        writes = self.read("writes")
        self.assertEqual(self.bind_nic(NIC), (0, f"already so: {NIC} is bound to vfio-pci\n", ""))
        self.assertEqual(self.bind_nic("--unbind", OTHER), (0, f"already so: {OTHER} is bound to i40e, the kernel's\n", ""))
        self.assertEqual(self.read("writes"), writes)

    def test_from_one_user_driver_to_another_the_kernel_s_stays_remembered(self):
        self.add_driver("uio_pci_generic")
        self.bind_nic(NIC)
        self.assertEqual(self.bind_nic("--driver", "uio_pci_generic", NIC)[0], 0)
        self.assertEqual(self.driver_of(NIC), "uio_pci_generic")
        self.bind_nic("--unbind", NIC)
        self.assertEqual(self.driver_of(NIC), "i40e")

    def test_without_a_memory_the_kernel_chooses_the_driver(self):
        self.bind_nic(NIC)
        (self.state / "bind-nic" / NIC).unlink()
        self.assertEqual(self.bind_nic("--unbind", NIC), (0, f"changed: {NIC} is bound to i40e: ens1f0\n", ""))

    def test_a_remembered_driver_that_is_not_loaded_any_more_is_loaded(self):
        self.bind_nic(NIC)
        (self.sys / "bus/pci/drivers/i40e").rmdir()
        self.assertEqual(self.bind_nic("--unbind", NIC)[0], 0)
        self.assertEqual(self.read("commands"), "modprobe i40e\n")

    def test_a_nic_that_vfio_does_not_take_goes_back(self):
        self.write("refuses/vfio-pci", "")
        code, out, err = self.bind_nic(NIC)
        self.assertEqual(code, 1)
        self.assertIn(f"{NIC} could not be bound to vfio-pci", err)
        self.assertEqual(out, f"changed: {NIC} is bound to i40e: ens1f0\n")
        self.assertEqual(self.driver_of(NIC), "i40e")

    def test_a_nic_that_no_driver_takes_back_is_told(self):
        self.bind_nic(NIC)
        self.write("refuses/i40e", "")
        code, _, err = self.bind_nic("--unbind", NIC)
        self.assertEqual(code, 1)
        self.assertIn(f"{NIC} has no driver now: i40e did not take it", err)
        self.assertTrue((self.state / "bind-nic" / NIC).exists())

    def test_a_dry_run_only_says_what_would_be(self):
        before = self.snapshot()
        self.assertEqual(self.bind_nic("--dry-run", NIC), (0, f"would change: {NIC} is bound to vfio-pci, not to i40e\n", ""))
        self.assertEqual(self.snapshot(), before)
        self.bind_nic(NIC)
        self.assertEqual(self.bind_nic("--dry-run", "--unbind", NIC), (0, f"would change: {NIC} is bound to i40e\n", ""))
        self.assertEqual(self.driver_of(NIC), "vfio-pci")

    # --- what is refused

    def test_the_nic_of_the_default_route_is_refused_also_by_force(self):
        for options in ((), ("--force",)):
            self.check_refused(OWN, "eno1 carries the default route (IPv4) by eno1", "cut off", options=options)
        self.check_refused("eno1", f"{OWN} is refused", options=("--force",))

    def test_the_nic_of_the_ipv6_default_route_is_refused(self):
        self.write("routes4", "")
        self.write("routes6", "default via fe80::1 dev eno1 proto ra metric 1024\n")
        self.check_refused(OWN, "the default route (IPv6) by eno1", options=("--force",))

    def test_a_default_route_of_several_next_hops_or_another_table_counts(self):
        self.write("routes4", "default \\\tnexthop via 192.0.2.1 dev eno1 weight 1 \\\tnexthop via 198.51.100.1 dev ens1f1 weight 1\n")
        self.check_refused(OTHER, "the default route (IPv4) by ens1f1", options=("--force",))
        self.write("routes4", "default via 198.51.100.1 dev ens1f1 table 100\n")
        self.check_refused(OTHER, "the default route (IPv4) by ens1f1", options=("--force",))

    def test_the_nic_below_a_vlan_of_a_bridge_of_a_bond_with_the_default_route_is_refused(self):
        self.add_interface("bond0", "ens1f0", "ens1f1")
        self.add_interface("br0", "bond0")
        self.add_interface("br0.5", "br0")
        self.write("routes4", "default via 192.0.2.1 dev br0.5\n")
        for nic in (NIC, OTHER):
            self.check_refused(nic, "carries the default route (IPv4) by br0.5", options=("--force",))

    def test_a_virtio_nic_s_interface_is_found_below_its_device(self):
        self.add_nic("0000:02:00.0", "virtio-pci", "eth0", group="15", below="virtio2")
        self.write("routes4", "default via 192.0.2.1 dev eth0\n")
        self.check_refused("eth0", "0000:02:00.0 is refused: eth0 carries the default route", options=("--force",))

    def test_a_nic_in_use_is_refused_but_by_force(self):
        uses = [
            ("address-ens1f0", "3: ens1f0    inet 10.0.0.1/24 scope global ens1f0\n", "ens1f0 has addresses"),
            ("routes6", "fd00:1::/64 dev ens1f0 proto static\n", "ens1f0 has routes"),
        ]
        for name, text, reason in uses:
            with self.subTest(reason):
                before = self.read(name) if (self.root / name).exists() else ""
                self.write(name, text)
                self.check_refused(NIC, f"in use: {reason}", "--force")
                self.write(name, before)
        self.add_interface("bond0", "ens1f0")
        self.check_refused(NIC, "in use: ens1f0 belongs to bond0", "--force")
        self.assertEqual(self.bind_nic("--force", NIC)[0], 0)
        self.assertEqual(self.driver_of(NIC), "vfio-pci")

    def test_a_nic_whose_interface_is_elsewhere_is_refused_but_by_force(self):
        self.add_nic("0000:02:00.0", "ixgbe", None, group="15")
        self.check_refused("0000:02:00.0", "another network namespace may use it")
        self.assertEqual(self.bind_nic("--force", "0000:02:00.0")[0], 0)

    def test_a_nic_that_dpdk_uses_beside_its_driver_is_refused(self):
        self.add_nic("0000:02:00.0", "mlx5_core", "ib0", group="15")
        self.check_refused("0000:02:00.0", "mlx5_core", "bind nothing", options=("--force",))

    def test_what_is_no_nic_is_refused(self):
        self.add_nic("0000:02:00.0", "nvme", None, kind="0x010802")
        self.check_refused("0000:02:00.0", "is no network controller", options=("--force",))
        self.check_refused("0000:77:00.0", "there is no NIC 0000:77:00.0")
        self.check_refused("eth7", "there is no NIC eth7")
        self.check_refused("../../etc", "there is no NIC ../../etc")

    def test_without_an_iommu_vfio_is_refused_unless_it_is_told_to_do_without(self):
        self.add_nic("0000:02:00.0", "virtio-pci", "eth0")
        self.check_refused("eth0", "there is no IOMMU", "--unsafe-no-iommu", options=("--force",))
        self.write("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n")
        self.assertEqual(self.bind_nic("eth0")[0], 0)

    def test_a_machine_whose_routes_cannot_be_read_is_left_alone(self):
        (self.root / "routes6").unlink()
        self.check_refused(NIC, "the routes of IPv6 can't be read", options=("--force",))

    def test_one_refused_nic_does_not_keep_the_others(self):
        code, out, err = self.bind_nic(OWN, NIC)
        self.assertEqual(code, 1)
        self.assertIn(OWN, err)
        self.assertEqual(self.driver_of(NIC), "vfio-pci")
        self.assertEqual(self.driver_of(OWN), "igb")

    def test_a_nic_that_a_process_has_open_is_not_taken_away(self):
        self.bind_nic(NIC)
        self.write("proc/4711/comm", "terminusd\n")
        (self.proc / "4711/fd").mkdir()
        (self.proc / "4711/fd/9").symlink_to("/dev/vfio/12")
        code, out, err = self.bind_nic("--unbind", NIC)
        self.assertEqual((code, out), (1, ""))
        self.assertIn(f"{NIC} is refused: process 4711 (terminusd) uses it", err)
        self.assertEqual(self.driver_of(NIC), "vfio-pci")

    # --- what is said

    def test_others_of_the_iommu_group_are_told_but_bridges(self):
        self.add_nic("0000:02:00.0", "ixgbe", "p0", group="15")
        self.add_nic("0000:02:00.1", "ixgbe", "p1", group="15")
        self.add_nic("0000:02:01.0", "pcieport", None, group="15", kind="0x060400")
        code, out, _ = self.bind_nic("p0")
        self.assertEqual(code, 0)
        self.assertIn("its IOMMU group has others: 0000:02:00.1 (ixgbe).", out)
        self.assertNotIn("note:", self.bind_nic("p1")[1])

    def test_the_status_names_drivers_interfaces_and_uses(self):
        self.bind_nic(NIC)
        self.add_interface("bond0", "ens1f1")
        code, out, err = self.bind_nic("--status")
        self.assertEqual((code, err), (0, ""))
        rows = [" ".join(line.split()) for line in out.splitlines()[1:]]
        self.assertEqual(
            rows,
            [
                f"{OWN} 8086:1572 igb 0 14 eno1 carries the default route (IPv4) by eno1",
                f"{NIC} 8086:1572 vfio-pci 0 12 - the kernel's driver is i40e",
                f"{OTHER} 8086:1572 i40e 0 13 ens1f1 ens1f1 belongs to bond0",
            ],
        )

    def test_a_driver_that_is_not_loaded_is_told(self):
        (self.sys / "bus/pci/drivers/vfio-pci").rmdir()
        self.check_refused(NIC, "vfio-pci is not loaded: scripts/setup-host loads vfio-pci")

    def test_wrong_options_show_how_to_use_it(self):
        for options in (("--bind", NIC), (), ("--driver", "i40e", NIC), ("--driver",)):
            code, out, err = self.bind_nic(*options)
            self.assertEqual((code, out), (2, ""))
            self.assertIn("scripts/bind-nic --status", err)
        code, out, err = self.bind_nic("--help")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("scripts/bind-nic --status", out)

    def test_only_root_may(self):
        code, out, err = self.call_as_nobody("bind-nic", NIC)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("only root can do this", err)
        self.assertEqual(self.driver_of(NIC), "i40e")


if __name__ == "__main__":
    unittest.main()
