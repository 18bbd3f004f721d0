"""scripts/setup-host says what it changes, changes nothing twice, and takes back what it has changed and nothing else.

It runs on a machine of files (made_up_machine.py), on which the stand-ins of a few programs play the kernel.
"""

import unittest

from made_up_machine import MadeUpMachine

GIB = 1048576
NOIOMMU = "sys/module/vfio/parameters/enable_unsafe_noiommu_mode"


class SetupHost(MadeUpMachine):
    def setUp(self):
        super().setUp()
        self.add_node(0)
        self.add_node(1, pages=100)
        self.add_node(2, memory=0)
        (self.sys / "class/iommu/dmar0").mkdir()

    def setup_host(self, *options):
        return self.call("setup-host", *options)

    def said(self, *options):
        """The lines that tell of changes and what was so already; it succeeds."""
        code, out, err = self.setup_host(*options)
        self.assertEqual((code, err), (0, ""))
        return [line for line in out.splitlines() if line.startswith(("changed:", "already so:", "would change:"))]

    # --- what it does

    def test_reserves_mounts_and_loads_and_says_so(self):
        wanted = [
            "changed: node 0 has 512 hugepages of 2M, where 0 were",
            "changed: node 1 has 512 hugepages of 2M, where 100 were",
            f"changed: hugetlbfs with pages of 2M is mounted at {self.root}/dev/hugepages",
            "changed: vfio-pci is loaded",
            "already so: there is an IOMMU: a NIC reaches only the memory that it is given",
        ]
        self.assertEqual(self.said(), wanted)
        self.assertEqual((self.pages(0), self.pages(1), self.pages(2)), (512, 512, 0))
        mount = f"mount -t hugetlbfs -o pagesize=2M hugetlbfs {self.root}/dev/hugepages"
        self.assertEqual(self.read("commands").splitlines(), [mount, "modprobe vfio-pci"])

    def test_a_second_run_changes_nothing(self):
        self.said()
        before, writes, commands = self.snapshot(), self.read("writes"), self.read("commands")
        second = self.said()
        self.assertEqual(len(second), 5)
        self.assertEqual([line for line in second if not line.startswith("already so:")], [])
        self.assertEqual((self.snapshot(), self.read("writes"), self.read("commands")), (before, writes, commands))

    def test_it_never_lowers_what_others_have_reserved(self):
        self.assertIn("already so: node 1 has 100 hugepages of 2M, 100 of them free", self.said("--pages", "64"))
        self.assertEqual((self.pages(0), self.pages(1)), (64, 100))

    def test_nodes_can_be_named(self):
        self.said("--node", "1", "--pages", "200")
        self.assertEqual((self.pages(0), self.pages(1)), (0, 200))
        code, _, err = self.setup_host("--node", "7")
        self.assertEqual(code, 1)
        self.assertIn("there is no NUMA node 7 with pages of 2M; nodes with memory: 0 1", err)

    def test_pages_of_another_size_have_a_mount_of_their_own(self):
        for node in (0, 1, 2):
            self.add_node(node, kilobytes=GIB, memory=0 if node == 2 else 1000)
        said = self.said("--size", "1G", "--pages", "4")
        self.assertIn("changed: node 0 has 4 hugepages of 1G, where 0 were", said)
        self.assertIn(f"changed: hugetlbfs with pages of 1G is mounted at {self.root}/dev/hugepages-1G", said)
        self.assertEqual((self.pages(0), self.pages(0, GIB)), (0, 4))

    def test_a_size_that_the_kernel_does_not_have_is_told(self):
        code, out, err = self.setup_host("--size", "1G")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("this kernel has no hugepages of 1G; it has: 2048kB", err)

    def test_a_mount_that_is_there_is_found_whatever_the_kernel_calls_its_size(self):
        self.add_node(0, kilobytes=GIB)
        self.write("proc/mounts", "hugetlbfs /mnt/big hugetlbfs rw,pagesize=1024M 0 0\nhugetlbfs /mnt/usual hugetlbfs rw 0 0\n")
        self.assertIn("already so: hugetlbfs with pages of 1G is mounted at /mnt/big", self.said("--size", "1G", "--node", "0"))
        self.assertIn("already so: hugetlbfs with pages of 2M is mounted at /mnt/usual", self.said())

    def test_no_vfio_leaves_modules_alone(self):
        self.assertEqual([line for line in self.said("--no-vfio") if "vfio" in line or "IOMMU" in line], [])
        self.assertNotIn("modprobe", self.read("commands"))

    def test_a_dry_run_changes_nothing_and_needs_no_root(self):
        before = self.snapshot()
        wanted = self.said("--dry-run")
        self.assertIn("would change: node 1 has 512 hugepages of 2M, where 100 are", wanted)
        self.assertEqual((self.snapshot(), self.read("writes"), self.read("commands")), (before, "", ""))
        self.assertFalse(self.state.exists())
        self.assertEqual(self.call_as_nobody("setup-host", "--dry-run")[0], 0)

    def test_how_to_keep_it_is_told(self):
        _, out, _ = self.setup_host("--pages", "300")
        self.assertIn("hugepagesz=2M hugepages=600", out)
        self.assertIn("/etc/modules-load.d/terminus.conf", out)

    # --- what goes wrong

    def test_too_little_memory_in_one_piece_is_told_with_both_numbers(self):
        self.write("most-pages", "300\n")
        code, out, err = self.setup_host("--node", "0")
        self.assertEqual(code, 1)
        self.assertIn("node 0: asked for 512 hugepages of 2M, got 300", err)
        self.assertIn("changed: node 0 has 300 hugepages of 2M, where 0 were", out)
        self.assertIn("changed: vfio-pci is loaded", out)
        self.said("--undo")
        self.assertEqual(self.pages(0), 0)

    def test_a_module_that_cannot_be_loaded_is_told(self):
        self.write("no-module/vfio-pci", "")
        code, out, err = self.setup_host()
        self.assertEqual(code, 1)
        self.assertIn("vfio-pci could not be loaded", err)
        self.assertNotIn("changed: vfio-pci", out)
        self.assertEqual(self.pages(0), 512)

    def test_what_no_iommu_means_is_told(self):
        (self.sys / "class/iommu/dmar0").rmdir()
        self.write(NOIOMMU, "N\n")
        _, out, _ = self.setup_host()
        self.assertIn("note: there is no IOMMU, or it is off.", out)
        self.assertIn("--unsafe-no-iommu", out)
        self.assertEqual(self.read(NOIOMMU), "N\n")

    def test_vfio_does_without_an_iommu_when_it_is_told_to(self):
        (self.sys / "class/iommu/dmar0").rmdir()
        self.write(NOIOMMU, "N\n")
        change = "vfio-pci takes NICs without an IOMMU; they can read and write all memory"
        self.assertIn(f"changed: {change}", self.said("--unsafe-no-iommu"))
        self.assertEqual(self.read(NOIOMMU), "Y\n")
        self.assertEqual(len([line for line in self.said("--unsafe-no-iommu") if line.startswith("changed")]), 0)
        self.said("--undo")
        self.assertEqual(self.read(NOIOMMU), "N\n")

    def test_a_kernel_without_that_mode_is_told(self):
        (self.sys / "class/iommu/dmar0").rmdir()
        code, _, err = self.setup_host("--unsafe-no-iommu")
        self.assertEqual(code, 1)
        self.assertIn("CONFIG_VFIO_NOIOMMU", err)

    def test_only_root_may(self):
        code, out, err = self.call_as_nobody("setup-host")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("only root can do this", err)
        self.assertEqual(self.pages(0), 0)

    def test_wrong_options_show_how_to_use_it(self):
        for options in (("--bogus",), ("--pages",), ("--pages", "many"), ("--size", "2")):
            code, out, err = self.setup_host(*options)
            self.assertEqual((code, out), (2, ""), options)
            self.assertIn("scripts/setup-host --undo", err)
        code, out, err = self.setup_host("--help")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("--unsafe-no-iommu", out)

    # --- taking it back

    def test_undo_takes_back_everything_of_several_runs_and_no_more(self):
        before, mounts = self.snapshot(), self.read("proc/mounts")
        self.said("--pages", "200")
        self.said("--pages", "400")
        wanted = [
            "changed: node1 has 200 hugepages-2048kB, where 400 were",
            "changed: node0 has 200 hugepages-2048kB, where 400 were",
            "changed: vfio-pci is not loaded",
            f"changed: {self.root}/dev/hugepages is not mounted",
            "changed: node1 has 100 hugepages-2048kB, where 200 were",
            "changed: node0 has 0 hugepages-2048kB, where 200 were",
        ]
        self.assertEqual(self.said("--undo"), wanted)
        self.assertEqual((self.snapshot(), self.read("proc/mounts")), (before, mounts))
        self.assertEqual(self.said("--undo"), ["already so: nothing is changed that would have to be taken back"])

    def test_undo_leaves_what_was_there_before(self):
        self.add_driver("vfio-pci")
        self.write("proc/mounts", "hugetlbfs /mnt/usual hugetlbfs rw 0 0\n")
        self.said("--pages", "50", "--node", "1")
        self.said("--undo")
        self.assertEqual(self.pages(1), 100)
        self.assertEqual(self.read("commands"), "")

    def test_undo_leaves_what_others_have_reserved_since(self):
        self.said("--pages", "300", "--node", "1")
        self.write(self.pages_file(1), "1000\n")
        self.said("--undo")
        self.assertEqual(self.pages(1), 800)

    def test_pages_in_use_are_told_and_taken_back_later(self):
        self.said("--node", "0")
        self.write("pages-in-use", "30\n")
        code, out, err = self.setup_host("--undo")
        self.assertEqual(code, 1)
        self.assertIn("changed: node0 has 30 hugepages-2048kB, where 512 were", out)
        self.assertIn("node0 still has 30 hugepages-2048kB, not 0: they are in use", err)
        self.write("pages-in-use", "0\n")
        self.assertEqual(self.said("--undo"), ["changed: node0 has 0 hugepages-2048kB, where 30 were"])

    def test_a_dry_undo_changes_nothing(self):
        self.said()
        before, commands = self.snapshot(), self.read("commands")
        self.assertIn("would change: node0 has 0 hugepages-2048kB, where 512 are", self.said("--undo", "--dry-run"))
        self.assertEqual((self.snapshot(), self.read("commands")), (before, commands))
        self.assertEqual(len(self.said("--undo")), 4)


if __name__ == "__main__":
    unittest.main()
