"""What the emulated server is connected to: namespaces, TAPs, nginx; all of it ends and goes with it.

    clients  eth0 ══ wire-front ─ front   QEMU   back ─ wire-back ══ eth0  servers

`front` and `back` are TAPs that QEMU opens in its own namespace. A TAP hands on what a NIC with offloads would still have to
finish: checksums and segments. The outer ends of the wires have no offloads, so the kernel finishes them there, and what
arrives at eth0 is what a real wire would carry.
"""

import pathlib
import shutil
import tempfile

from harness.network import Network
from harness.nginx import Nginx, random_file

from .machine import taps_of

FILE_BYTES = 4 << 20
OFF = [word for name in ("tx", "tso", "gso", "gro") for word in (name, "off")]


class Bed:
    """Namespaces, wires and backends for one machine with NICs of `model`."""

    def __init__(self, model):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="terminus-rehearse-"))
        self.taps = ["front", "back"]
        self._machine = None
        try:
            self.network = Network()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        try:
            for link in self.network.links():
                self._open(link, taps_of(model))
            self.nginx = Nginx(self.network.servers, self.folder / "nginx", [f"{net}{host}" for net in ("10.0.2.", "fd00:2::") for host in ("11", "12")])
            self.file_hash = random_file(self.nginx.files / "bulk", FILE_BYTES)
        except BaseException:
            self.close()
            raise

    def _open(self, link, queues):
        """QEMU opens a TAP with several queues in one way and one with a single queue in another."""
        dut = self.network.dut
        dut.run("ip", "link", "del", link.name)
        dut.run("ip", "tuntap", "add", "dev", link.name, "mode", "tap", "vnet_hdr", *(["multi_queue"] if queues > 1 else []))
        dut.run("ip", "link", "set", link.name, "up")
        dut.run("ethtool", "-K", f"wire-{link.name}", *OFF)
        link.connect()

    def start_machine(self, command):
        self._machine = self.network.start(self.network.dut, *command, log=self.folder / "qemu.log")
        return self._machine

    def close(self):
        if self._machine is not None:
            self._machine.kill()
        if hasattr(self, "nginx"):
            self.nginx.stop()
        self.network.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
