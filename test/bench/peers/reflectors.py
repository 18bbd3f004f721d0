"""What the ports carry: testpmd and Terminus before the same generator (flood.py), and counted where the frames arrive.

testpmd `io` passes each frame from front to back untouched, `macswap` sends it back on front with its addresses swapped. Terminus
answers each SYN with a SYN cookie: one frame in and one out on the same port, as macswap's, and a TCP's work between them.
"""

import contextlib
import os
import pathlib
import re
import time

from harness.waiting import wait_until

from . import figures, flood, processes
from .bed import HTTP, add_pair
from .proxies import BUSY_SECONDS, RECEIVED, Terminusd

FLOOD = pathlib.Path(flood.__file__)
MEGABYTES = 256
CYCLES = re.compile(r"CPU cycles/packet=([\d.]+) .* at (\d+) MHz Clock")
TOPOLOGIES = {"io": "chained", "macswap": "loop"}
BURST = 64  # frames at most that Terminus takes at once, packet::Batch::kCapacity; testpmd's own default is half of it
SMALL, LARGE = 74, 1514  # bytes of a SYN as it is, and of a full frame
TESTPMD = {"testpmd io": ("io", SMALL), "testpmd io, full frames": ("io", LARGE), "testpmd macswap": ("macswap", SMALL)}
NAMES = (*TESTPMD, "terminusd")
# A frame that is sent takes the kernel longer than one that testpmd passes on, a copy of it doesn't: each is sent this often.
COPIES = 8
MULTIPLY = f"""table netdev multiply {{
    chain in {{
        type filter hook ingress device "copies" priority 0;
        {"; ".join(['dup to "eth0"'] * (COPIES - 1))}
        fwd to "eth0"
    }}
}}
"""
# Frames that have arrived are counted, and then not worth the receiving kernel's time.
DROP = f"""table netdev flood {{
    chain in {{
        type filter hook ingress device "eth0" priority 0;
        ip saddr {flood.SOURCES} drop
        ip daddr {flood.SOURCES} drop
    }}
}}
"""


class Testpmd:
    """DPDK's testpmd on the same ports, as one of TESTPMD; its forwarding thread is on the last CPU, as terminusd's worker."""

    def __init__(self, bed, name, vdev):
        self.bed, self.vdev = bed, vdev
        self.mode, self.frame_bytes = TESTPMD[name]
        self._program, self._has_told = None, False

    def __enter__(self):
        self.bed.ports_take(self.vdev)
        try:
            wires = [self.bed.front, self.bed.back] if self.mode == "io" else [self.bed.front]
            cpus = sorted(os.sched_getaffinity(0))
            eal = ["--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", MEGABYTES, "--lcores", f"0@{cpus[0]},1@{cpus[-1]}"]
            devices = [f"--vdev={wire.vdev(self.vdev, number)}" for number, wire in enumerate(wires)]
            own = ["--no-mlockall", "--total-num-mbufs=16384", f"--burst={BURST}", f"--forward-mode={self.mode}", f"--port-topology={TOPOLOGIES[self.mode]}"]
            told = ["--stats-period=3600", "--record-core-cycles"]  # with a period it asks nobody for an Enter
            log = self.bed.folder / f"testpmd-{self.bed.next_turn()}.log"
            self._program = self.bed.start(self.bed.proxy, "dpdk-testpmd", *eal, *devices, "--", *own, *told, log=log)
            wait_until(lambda: "Port statistics" in self._program.text() or not self._program.alive(), "testpmd forwards")
            assert self._program.alive(), f"testpmd ended at its start\n{self._program.tail()}"
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if self._program is not None:
                self._program.stop(5)
        finally:
            self.bed.ports_leave(self.vdev)

    def arrives_at(self):
        return self.bed.back if self.mode == "io" else self.bed.front

    def addresses(self):
        return "02:00:00:00:00:01", "198.19.255.1"  # nobody looks at them

    def pids(self):
        return processes.tree(self._program.pid)

    def dead(self):
        return not self._has_told and not self._program.alive()

    def log_tail(self):
        return self._program.tail(15)

    def counters(self):
        return None

    def busy_ns_per_frame(self, _before, _after, ran, waited):
        """By its own cycles, of turns that found frames, since its start; it tells them at its end.

        It polls all the time, so that others ran in its busy turns as much as in the idle ones.
        """
        self._has_told = True
        self._program.stop(5)
        busy = cycles_to_ns(self._program.text())
        return figures.without_waiting(busy, ran, waited) if busy is not None else None


def cycles_to_ns(text):
    """Nanoseconds a packet from testpmd's --record-core-cycles; None where it has forwarded nothing."""
    found = CYCLES.search(text)
    return float(found.group(1)) * 1e3 / float(found.group(2)) if found else None


class Answering(Terminusd):
    """terminusd that answers every SYN with a cookie."""

    frame_bytes = SMALL

    def __init__(self, bed, vdev):
        super().__init__(bed, 0, vdev, {"syncookies": 2}, [{"to": flood.SOURCES, "via": "10.0.1.1", "port": "front"}])

    def arrives_at(self):
        return self.bed.front

    def addresses(self):
        return self._dut.mac(), self.target(HTTP)[0]

    def busy_ns_per_frame(self, before, after, ran, _waited):
        """By its own busy time between two looks at its counters; no more than it ran, for it also waits when it wakes."""
        busy, frames = (after.sum(name) - before.sum(name) for name in (BUSY_SECONDS, RECEIVED))
        return 1e9 * (min(busy, ran) if ran else busy) / frames if frames else None


def make(name, bed, vdev):
    """One of them by its name, for one turn."""
    return Answering(bed, vdev) if name == "terminusd" else Testpmd(bed, name, vdev)




def measure(reflector, seconds):
    """(figures, errors) of one that has its turn: frames offered and arrived a second, and its busy time for one."""
    with _generator(reflector) as program:
        before, begin = _counted(reflector), time.perf_counter()
        time.sleep(seconds)
        took = time.perf_counter() - begin
        assert not reflector.dead(), "has ended"
        after = _counted(reflector)
        arrived, sent = (now - then for now, then in zip(after[:2], before))
        ran, waited = processes.busiest(before[2], after[2])
        assert program.alive(), f"the generator ended: {program.tail(3)}"
    busy = reflector.busy_ns_per_frame(before[3], after[3], ran, waited)
    rates = {"frames_per_second": arrived / took, "offered_per_second": sent / took}
    return rates | {"waited": waited / took, "busy_ns_per_frame": busy}, {}


@contextlib.contextmanager
def _generator(reflector):
    """The program that sends, while it sends."""
    bed = reflector.bed
    addresses = reflector.addresses()
    log = bed.folder / "flood.log"
    log.unlink(missing_ok=True)
    add_pair(bed.clients, "flood", "copies")
    for peer in (bed.clients, bed.servers):
        peer.nft(DROP)
    bed.clients.nft(MULTIPLY)
    command = ["/usr/bin/python3", "-B", FLOOD, "flood", *addresses, reflector.frame_bytes]
    program = bed.start(bed.clients, *command, log=log)
    try:
        wait_until(lambda: "ready" in program.text() or not program.alive(), "the generator sends")
        yield program
    finally:
        program.stop(5)
        for peer in (bed.clients, bed.servers):
            peer.run("nft", "flush", "ruleset")
        bed.clients.run("ip", "link", "del", "flood")


def _counted(reflector):
    frames = reflector.arrives_at().frames()[0], reflector.bed.front.frames()[1]
    return *frames, processes.schedules(reflector.pids()), reflector.counters()
