"""terminusd --doctor on servers that lack something: each finding, the same behind a failed start, and gone when mended."""

import re

from . import findings
from .image import TERMINUS
from .server import CONFIG

USER = 1000
# As a service manager may start it: another user, no capability. By its path, for busybox's shell takes its own setpriv otherwise.
AS_USER = f"/usr/bin/setpriv --reuid={USER} --regid={USER} --clear-groups --inh-caps=-all"
COMMAND_LINE = "on the kernel's command line: intel_iommu=on iommu=pt"


class Doctor:
    """A machine's findings, and what mends them."""

    def __init__(self, bed, server):
        self.bed, self.server, self.machine = bed, server, server.machine
        self.clients = bed.network.clients

    def examine(self, config="one", around="{}"):
        """(the findings, the exit status)."""
        command = around.format(f"terminusd --doctor -c {CONFIG.format(config)}")
        text, status = self.machine.run(command, check=False)
        found = findings.parse(text)
        assert found, f"no findings: exit {status}\n{text}"
        return found, status

    def finding(self, topic, config="one", around="{}", level=None):
        """The only finding of a topic, and of a level if one is given."""
        found = [one for one in self.examine(config, around)[0] if one.topic == topic and level in (None, one.level)]
        assert len(found) == 1, f"{topic}: {found}"
        return found[0]

    def expect(self, topic, level, what, mend="", **more):
        found = self.finding(topic, **more)
        assert (found.level, mend) == (level, found.mend) and what in found.what, found
        return found

    def follow(self, found):
        """Does what a finding says: the command before whatever is in brackets behind it."""
        command = found.mend.split(" (")[0]
        assert command.startswith("scripts/"), found
        return self.machine.run(f"{TERMINUS}/{command}")

    def fails_to_start(self, *errors, config="one", around="{}"):
        """A start, which fails and says all of this as errors of ours."""
        status, log = self.server.try_start(config, around)
        assert status != 0, f"terminusd started\n{log}"
        ours = [line for line in log.splitlines() if " error " in line]
        assert "not started: " in log.rstrip().splitlines()[-1], f"EAL has the last word\n{log}"
        for text in errors:
            assert any(text in line for line in ours), f"{text!r} is not among the errors\n{log}"

    def nic(self, port):
        return f"NIC {self.machine.addresses[port]}"

    def interface(self, port):
        return self.machine.run(f"ls /sys/bus/pci/devices/{self.machine.addresses[port]}/virtio*/net").strip()

    def group(self, port):
        return self.machine.run(f"basename $(readlink /sys/bus/pci/devices/{self.machine.addresses[port]}/iommu_group)").strip()


class Bare(Doctor):
    """IOMMU and isolated CPU 1, and nothing else: no hugepages, no vfio, the NICs with the kernel. Mended step by step."""

    def what_is(self):
        """All findings at once, before anything is done."""
        self.expect("IOMMU", "ok", "is on")
        vfio, pages = self.finding("vfio-pci"), self.finding("hugepages", level="warning")
        assert vfio.level == "error" and re.fullmatch(r"scripts/setup-host --pages \d+", vfio.mend), vfio
        assert "ordinary pages are taken, and are slower" in pages.what and pages.mend.startswith(f"{vfio.mend} (for each node"), pages
        for port in (0, 1):
            text = f"is bound to virtio-pci, interface {self.interface(port)}, and DPDK needs it on vfio-pci"
            self.expect(self.nic(port), "error", text, f"scripts/bind-nic {self.machine.addresses[port]}")
        self.expect("frequency", "ok", "the kernel doesn't govern frequencies here")
        assert self.examine()[1] == 1

    def start_fails(self):
        nics = [f"{self.nic(port)}: is bound to virtio-pci" for port in (0, 1)]
        self.fails_to_start("can't be opened", "vfio-pci: is not loaded -> scripts/setup-host --pages ", *nics)

    def vfio(self):
        """busybox's modprobe doesn't load vfio_iommu_type1 along, as kmod does: the doctor tells."""
        self.follow(self.finding("vfio-pci"))
        half = self.expect("vfio-pci", "error", "vfio_iommu_type1, by which it maps memory, is not", "modprobe vfio_iommu_type1")
        self.machine.run(half.mend)
        self.expect("vfio-pci", "ok", "is loaded")
        self.has_hugepages()

    def hugepages(self):
        """Taken away again, they come by their own finding's command."""
        self.machine.run("echo 0 >/proc/sys/vm/nr_hugepages")
        self.follow(self.finding("hugepages", level="warning"))
        self.has_hugepages()

    def has_hugepages(self):
        found = [one for one in self.examine()[0] if one.topic == "hugepages"]
        assert {one.level for one in found} == {"ok"}, found

    def isolation(self):
        topic = "isolated CPUs"
        self.expect(topic, "note", "1, and workers.lcores doesn't name them", "workers: {lcores: [1]}")
        self.expect(topic, "ok", "the workers' 1 are", config="on-1")
        self.expect(
            topic,
            "warning",
            "the scheduler runs other programs on the workers' CPU 2",
            "on the kernel's command line: isolcpus=2 nohz_full=2 rcu_nocbs=2",
            config="on-2",
        )

    def default_route(self):
        """The NIC that leads out of the machine is nobody's to take; a configuration without it has no such error."""
        name = self.interface(0)
        self.machine.run(f"ip link set {name} up && ip addr add 10.9.9.1/24 dev {name} && ip route add default via 10.9.9.2 dev {name}")
        found = self.finding(self.nic(0))
        assert found.level == "error" and "carries the default route of IPv4" in found.what, found
        assert found.mend == "name another NIC in the configuration: scripts/bind-nic --status", found
        refusal, status = self.machine.run(f"{TERMINUS}/scripts/bind-nic {self.machine.addresses[0]}", check=False)
        assert status != 0 and "cut off" in refusal, refusal
        assert "the default route (IPv4)" in self.machine.run(f"{TERMINUS}/{found.mend.split(': ')[1]}")
        self.expect(self.nic(0), "note", "the configuration doesn't name it", config="back")
        self.fails_to_start("and carries the default route of IPv4: without it this machine would be cut off")
        self.machine.run(f"ip route del default && ip addr flush dev {name} && ip link set {name} down")

    def binding(self):
        for port in (0, 1):
            self.follow(self.finding(self.nic(port)))
            self.expect(self.nic(port), "ok", "is bound to vfio-pci")
        assert self.examine()[1] == 0, self.examine()

    def no_such_nic(self):
        topic = "NIC 0000:0e:00.0"
        mend = "name one of its NICs in the configuration: scripts/bind-nic --status"
        self.expect(topic, "error", "is not on this machine", mend, config="nowhere")
        self.fails_to_start(f"{topic}: is not on this machine", config="nowhere")

    def locked_memory(self):
        little = f"ulimit -l 64; {AS_USER} {{}}"
        text, mend = "this process may lock 0 MiB, and vfio locks DPDK's", "ulimit -l unlimited (systemd: LimitMEMLOCK=infinity)"
        self.expect("memlock", "error", text, mend, around=little)
        self.expect("memlock", "ok", "", around=f"{mend.split(' (')[0]}; {AS_USER} {{}}")

    def permission(self):
        """Another user's: refused, allowed, and then terminusd serves as that user."""
        usual = f"ulimit -l unlimited; {AS_USER} {{}}"
        refused = [one for one in self.examine(around=usual)[0] if one.topic == "permission"]
        assert len(refused) == 2, refused
        for port, found in enumerate(refused):
            assert found.level == "error" and f"/dev/vfio/{self.group(port)} of {self.machine.addresses[port]}" in found.what, found
        self.fails_to_start(*(f"permission: {found.what}" for found in refused), around=usual)
        for found in refused:
            self.machine.run(found.mend.split(" (")[0].replace("USER", str(USER)))
        now, status = self.examine(around=usual)
        assert {one.level for one in now if one.topic == "permission"} == {"ok"} and status == 0, now

    def without_root(self):
        usual = f"ulimit -l unlimited; {AS_USER} {{}}"
        self.machine.run(f"mkdir -p /run/terminus && chown {USER} /run/terminus")
        self.server.start(around=usual)
        assert f"Uid:\t{USER}" in self.machine.run(f"cat /proc/{self.server.pid()}/status")
        self.clients.run("curl", "-sSf", "--max-time", 60, "http://10.0.1.80/")
        assert self.server.stop() == 0

    def in_order(self):
        """(name, function, whether all that follow need it)."""
        yield "doctor: no vfio-pci, no hugepages, NICs with the kernel", self.what_is, False
        yield "a start there fails with the same findings", self.start_fails, False
        yield "doctor: isolated CPUs, and workers that are not on them", self.isolation, False
        yield "doctor: setup-host loads vfio-pci, and reserves hugepages", self.vfio, True
        yield "doctor: setup-host reserves hugepages again", self.hugepages, False
        yield "doctor: the default route's NIC is not to be taken", self.default_route, False
        yield "doctor: bind-nic binds the NICs, and nothing is left", self.binding, True
        yield "doctor: a NIC that isn't there", self.no_such_nic, False
        yield "doctor: locked memory", self.locked_memory, False
        yield "doctor: another user may not open the NICs, and then may", self.permission, False
        yield "that user's terminusd serves", self.without_root, False


class WithoutIommu(Doctor):
    """Hugepages, vfio, no IOMMU: as most virtual machines are."""

    def what_is(self):
        found = self.finding("IOMMU")
        assert found.level == "error" and "without it vfio-pci takes no NIC" in found.what, found
        assert f"turn on VT-d in the firmware, and {COMMAND_LINE}; " in found.mend, found
        assert "this kernel's vfio has no mode without one" in found.mend, found
        refusal, status = self.machine.run(f"{TERMINUS}/scripts/bind-nic {self.machine.addresses[0]}", check=False)
        assert status != 0 and "there is no IOMMU" in refusal, refusal

    def start_fails(self):
        self.fails_to_start("can't be opened", "IOMMU: there is none, or it is off, and without it vfio-pci takes no NIC -> turn on VT-d")

    def uio(self):
        """The way that is left, as the finding says it."""
        mend = self.finding("IOMMU").mend
        commands = mend.split(": ")[-1]
        assert commands.startswith("modprobe uio_pci_generic; scripts/bind-nic --driver uio_pci_generic "), mend
        self.machine.run(f"cd {TERMINUS} && " + commands.replace(";", " &&", 1))
        self.expect("IOMMU", "note", "this configuration needs none")
        for port in (0, 1):
            self.expect(self.nic(port), "warning", "it can read and write all memory of this machine")
        assert self.examine()[1] == 0, self.examine()

    def serves(self):
        self.server.start()
        self.clients.run("curl", "-sSf", "--max-time", 60, "http://10.0.1.80/")
        assert self.server.stop() == 0

    def in_order(self):
        yield "doctor: no IOMMU; bind-nic takes no NIC", self.what_is, False
        yield "a start without an IOMMU fails with that finding", self.start_fails, False
        yield "doctor: what is left without an IOMMU is uio_pci_generic", self.uio, True
        yield "terminusd serves by uio_pci_generic", self.serves, False


class UnusedIommu(Doctor):
    """An IOMMU that the firmware shows and the kernel leaves alone."""

    def what_is(self):
        self.expect("IOMMU", "error", "the firmware has one, and the kernel doesn't use it", COMMAND_LINE)
        self.fails_to_start(f"and without it vfio-pci takes no NIC -> {COMMAND_LINE}")

    def in_order(self):
        yield "doctor: an IOMMU that the kernel doesn't use", self.what_is, False
