"""The emulated server: QEMU without KVM, its console, its monitor, and a shell in it that commands are given to."""

import base64
import contextlib
import dataclasses
import re
import socket
import time

from harness.waiting import wait_until

BOOT_SECONDS = 240  # thirty on a machine with nothing else to do
# no_timer_check: a kernel whose emulated CPU waits for a real one misses the timer's first ticks, and gives up.
KERNEL_OPTIONS = "console=ttyS0 no_timer_check panic=-1 quiet"
MAC = "52:54:00:00:00:0{}"
ADDRESSES = ["0000:01:00.0", "0000:02:00.0"]  # of the NICs of front and back: each below a slot of its own
# Models as QEMU's -device wants them. A virtio NIC is behind the IOMMU only when told so. Its receive ring has 256 places
# unless told otherwise; once a burst has filled them, QEMU stops delivering (docs/testing.md).
MODELS = {
    "virtio": "virtio-net-pci,disable-legacy=on,iommu_platform=on,mq=on,rss=on,vectors=8,rx_queue_size=1024",
    "e1000e": "e1000e",
    "vmxnet3": "vmxnet3",
}


@dataclasses.dataclass(frozen=True)
class Boot:
    """How a server is before anybody looks after it."""

    name: str
    words: str  # of the kernel's command line
    has_iommu: bool = True


READY = Boot("ready", "intel_iommu=on iommu=pt hugepagesz=2M hugepages=256")
BARE = Boot("bare", "intel_iommu=on iommu=pt isolcpus=1 nohz_full=1 rcu_nocbs=1 without=vfio")
IOMMU_UNUSED = Boot("its IOMMU unused", "intel_iommu=off hugepagesz=2M hugepages=256")
WITHOUT_IOMMU = Boot("without an IOMMU", "hugepagesz=2M hugepages=256", has_iommu=False)


def taps_of(model):
    """How many queues the TAP below a NIC has."""
    return 2 if model == "virtio" else 1


class Machine:
    """A booted guest with a NIC of `model` at each of ADDRESSES."""

    def __init__(self, bed, model, kernel, initramfs, boot=READY):
        self.model, self._taps = model, bed.taps
        self.boot = boot
        self.addresses = ADDRESSES
        self.folder = bed.folder
        command = ["qemu-system-x86_64", *self._options(kernel, initramfs)]
        self._program = bed.start_machine(command)
        self._agent = self._monitor = None
        try:
            self._monitor = self._connect("monitor")
            self._read_monitor()
            self._agent = self._connect("agent")
            self._received = b""
            self._read_to(rb"@@ready\r?\n", BOOT_SECONDS)
        except BaseException:
            self.close()
            raise

    def _options(self, kernel, initramfs):
        yield from ("-machine", "q35,kernel-irqchip=split", "-accel", "tcg,thread=multi", "-cpu", "max,vendor=GenuineIntel", "-smp", "3", "-m", "1024")
        if self.boot.has_iommu:
            yield from ("-device", "intel-iommu,intremap=on,caching-mode=on,aw-bits=48")
        yield from ("-nodefaults", "-display", "none", "-no-reboot")
        yield from ("-kernel", kernel, "-initrd", initramfs, "-append", f"{KERNEL_OPTIONS} {self.boot.words}")
        for name in ("console", "agent"):
            log = f",logfile={self.folder}/{name}.log"
            yield from ("-chardev", f"socket,id={name},path={self.folder}/{name},server=on,wait=off{log}", "-serial", f"chardev:{name}")
        yield from ("-chardev", f"socket,id=monitor,path={self.folder}/monitor,server=on,wait=off", "-mon", "chardev=monitor,mode=readline")
        for number, tap in enumerate(self._taps, 1):
            queues = f",queues={taps_of(self.model)}" if taps_of(self.model) > 1 else ""
            yield from ("-device", f"pcie-root-port,id=slot{number},chassis={number},addr={number + 1}")
            yield from ("-netdev", f"tap,id={tap},ifname={tap},script=no,downscript=no,vhost=off{queues}")
            yield from ("-device", f"{MODELS[self.model]},id=nic-{tap},netdev={tap},mac={MAC.format(number)},bus=slot{number}")

    def _connect(self, name):
        made = socket.socket(socket.AF_UNIX)

        def connected():
            assert self._program.alive(), f"QEMU has ended\n{self._program.tail()}"
            with contextlib.suppress(OSError):
                made.connect(str(self.folder / name))
                return True

        wait_until(connected, f"QEMU has its {name}")
        return made

    # --- the shell in it

    def run(self, command, check=True, seconds=60):
        """What a command of the guest's shell writes. Fails when it fails, unless told not to; then (output, status)."""
        assert self._program.alive(), f"QEMU has ended\n{self._program.tail()}"
        self._agent.sendall(base64.b64encode(command.encode()) + b"\n")
        output, found = self._read_to(rb"\r?\n@@done (\d+)\r?\n", seconds)
        text, status = output.decode(errors="replace").replace("\r\n", "\n"), int(found.group(1))
        if not check:
            return text, status
        assert status == 0, f"{command}: exit {status}\n{text}"
        return text

    def _read_to(self, pattern, seconds):
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self._received)):
            left = end - time.monotonic()
            assert left > 0, f"the guest did not answer within {seconds} s\n{self._received[-2000:]!r}\n{self.console()}"
            self._agent.settimeout(left)
            with contextlib.suppress(TimeoutError):
                piece = self._agent.recv(1 << 16)
                assert piece, f"QEMU has ended\n{self._program.tail()}\n{self.console()}"
                self._received += piece
        output, self._received = self._received[: found.start()], self._received[found.end() :]
        return output, found

    def console(self, lines=30):
        """The last that the kernel and the start scripts had to say."""
        log = self.folder / "console.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

    # --- the machine itself

    def monitor(self, command):
        """Gives QEMU's monitor a command; its answer."""
        self._monitor.sendall(command.encode() + b"\n")
        return self._read_monitor()

    def _read_monitor(self):
        text = b""
        self._monitor.settimeout(30)
        while not text.endswith(b"(qemu) "):
            text += self._monitor.recv(4096)
        return text.decode(errors="replace")

    def link(self, port, up):
        self.monitor(f"set_link nic-{port} {'on' if up else 'off'}")

    def unplug(self, port):
        """Asks the guest for a NIC, as its slot's button does; gone it is when the guest has let it go."""
        self.monitor(f"device_del nic-{port}")

    def close(self):
        for end in (self._agent, self._monitor):
            if end is not None:
                end.close()
        self._program.kill()
