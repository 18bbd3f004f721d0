"""What is rehearsed, in the order in which it happens between a machine's boot and its end."""

import contextlib
import json
import re
import time

from harness import frames
from harness.nginx import sha256
from harness.peers import IPV4, IPV6, Backend, EchoServer, connect, echo, payload, receive_exactly, receive_to_end
from harness.waiting import wait_until

from . import wire
from .machine import MAC
from .report import Skip

KERNEL_DRIVERS = {"virtio": "virtio-pci", "e1000e": "e1000e", "vmxnet3": "vmxnet3"}
SECONDS = 60
CONNECTIONS, MANY = 200, 2000
SLEEPS, MISSED_MAX = 30, 10
IPERF_PORT, IPERF_BYTES = 7005, 24 << 20
# iperf3 ends an upload when all was written: tcp.rmem and tcp.wmem (6M, 4M) and two small socket buffers hold the rest.
IPERF_UNDERWAY = 12 << 20
CAP_NET_ADMIN = 1 << 12
WAKES, TURNS, MISSED = (f"terminus_worker_{name}_total" for name in ("wakes", "turns", "interrupts_missed"))


class Cases:
    """One machine's cases. Those of a family are asked for both."""

    def __init__(self, bed, server):
        self.bed, self.server, self.machine = bed, server, server.machine
        self.clients, self.servers = bed.network.clients, bed.network.servers

    def in_order(self):
        return in_order(self)

    # --- boot, NICs, life

    def has_iommu(self):
        for address in self.machine.addresses:
            self.machine.run(f"test -e /sys/bus/pci/devices/{address}/iommu_group")

    def bind(self):
        self.server.bind()
        for address in self.machine.addresses:
            assert self.server.driver(address) == "vfio-pci", self.server.driver(address)

    def unbind(self):
        self.server.unbind()
        for address in self.machine.addresses:
            driver = self.server.driver(address)
            assert driver == KERNEL_DRIVERS[self.machine.model], driver

    def start(self):
        self.server.start()

    def privileges(self):
        status = self.machine.run(f"cat /proc/{self.server.pid()}/status")
        effective = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), 16)
        assert effective & ~CAP_NET_ADMIN == 0, f"CapEff {effective:#x}"

    def stop(self):
        status = self.server.stop()
        assert status == 0, f"exit {status}"

    def restart(self):
        """The NICs were used before, and are as good as new."""
        self.server.start("two" if self.machine.model == "virtio" else "one")
        self.curl(IPV4)
        self.curl(IPV6)

    # --- traffic

    def curl(self, family):
        answer = self.clients.run("curl", "-sS", "--max-time", SECONDS, family.url()).stdout
        assert answer in (f"{host} to {family.source}\n" for host in (family.server, family.second_server)), answer

    def asked(self):
        assert self.server.ctl("stats").strip(), "terminusctl has nothing to say"
        opens = self.server.metrics("terminus_received_frames_total").sum("terminus_received_frames_total")
        assert opens > 0, "no frame is counted"

    def bulk(self, family):
        got = self.bed.folder / "got"
        self.clients.run("curl", "-sS", "--max-time", SECONDS, "-o", got, family.url("/bulk"), timeout=SECONDS + 5)
        assert sha256(got) == self.bed.file_hash, "a download came out otherwise"
        self.clients.run("curl", "-sSf", "--max-time", SECONDS, "-T", got, family.url("/put/bulk"), timeout=SECONDS + 5)
        assert sha256(self.bed.nginx.files / "put" / "bulk") == self.bed.file_hash, "an upload came out otherwise"

    def iperf3(self, family, *direction):
        """Up, or down with -R. What is in the bytes, and that none is missing, is seen by bulk()."""
        server = self.servers.start("iperf3", "-s", "-1", "-B", family.server, "-p", IPERF_PORT, log=self.bed.folder / "iperf3.log")
        try:
            wait_until(lambda: self.servers.run("ss", "-Htln", f"sport = :{IPERF_PORT}").stdout, "iperf3 listens")
            words = ("-c", family.vip, "-p", IPERF_PORT, "-n", IPERF_BYTES, "-w", "128K", "-J", *direction)
            told = json.loads(self.clients.run("iperf3", *words, timeout=2 * SECONDS).stdout)
            server.wait(SECONDS)
        finally:
            server.stop()
        assert "error" not in told, told["error"]
        sent, received = (told["end"][name]["bytes"] for name in ("sum_sent", "sum_received"))
        wanted = IPERF_BYTES if direction else IPERF_BYTES - IPERF_UNDERWAY
        assert sent >= IPERF_BYTES and received >= wanted, f"{sent} bytes were sent, {received} received"

    def crowd(self, family):
        """Clients of nginx: all have their connection before the first one asks."""
        request = f"GET / HTTP/1.1\r\nHost: {family.host(family.vip)}\r\nConnection: close\r\n\r\n".encode()
        bodies = [f"{host} to {family.source}\n".encode() for host in (family.server, family.second_server)]
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(connect(self.clients, family, family.vip, 80)) for _ in range(CONNECTIONS)]
            for peer in peers:
                peer.sendall(request)
            answers = [receive_to_end(peer) for peer in peers]
        for number, answer in enumerate(answers):
            assert answer.startswith(b"HTTP/1.1 200 ") and answer.partition(b"\r\n\r\n")[2] in bodies, f"connection {number}: {answer!r}"

    def connections(self, family):
        with contextlib.ExitStack() as stack:
            stack.enter_context(EchoServer(self.servers, family, family.server, 7000))
            peers = [stack.enter_context(connect(self.clients, family, family.vip, 7000)) for _ in range(MANY)]
            for number, peer in enumerate(peers):
                peer.sendall(payload(200, number))
            for number, peer in enumerate(peers):
                assert receive_exactly(peer, 200) == payload(200, number), f"connection {number} echoes otherwise"

    def rss(self, family):
        if self.machine.model != "virtio":
            raise Skip(f"QEMU's {self.machine.model} does not spread over queues")
        names = "terminus_hand_overs_total", "terminus_received_frames_total"
        before = self.server.metrics(*names)
        self.connections(family)
        after = self.server.metrics(*names)
        for worker in ("0", "1"):
            frames_seen = after.sum(names[1], worker=worker) - before.sum(names[1], worker=worker)
            assert frames_seen > MANY, f"worker {worker} received {frames_seen} frames: the NIC does not spread"
        handed = after.sum(names[0]) - before.sum(names[0])
        assert handed == 0, f"{handed} frames were at the wrong worker: legs of a connection are apart"

    def idle_by_interrupt(self):
        """Nobody turns while nothing comes, and the first frame that does is told by the NIC."""
        self.server.start("interrupt")
        assert "no receive interrupts" not in self.server.log(200), "DPDK's driver has none"
        if self.machine.model == "e1000e":
            return self.interrupts_that_do_not_come()
        self.curl(IPV4)
        before, began = self.server.metrics(WAKES, TURNS), time.monotonic()
        wait_until(lambda: self.server.metrics(WAKES).sum(WAKES) >= before.sum(WAKES) + SLEEPS, f"{SLEEPS} sleeps", every=1)
        after, seconds = self.server.metrics(WAKES, TURNS), time.monotonic() - began
        slept, turned = (after.sum(name) - before.sum(name) for name in (WAKES, TURNS))
        assert slept / seconds < 100, f"{slept} sleeps in {seconds:.1f} s: those are naps"
        assert turned < 400 * slept, f"{turned} turns in {slept} sleeps"
        for family in (IPV4, IPV6):
            self.curl(family)
        now = self.server.metrics(WAKES, MISSED)
        assert now.sum(WAKES, cause="frame") > after.sum(WAKES, cause="frame"), "no frame was told of"
        assert now.sum(MISSED) < 3, f"{now.sum(MISSED)} frames were not told of"

    def interrupts_that_do_not_come(self):
        """DPDK's driver of e1000e leaves the NIC's table of MSI-X vectors empty. The worker finds that out, and serves."""
        missed = lambda: self.server.metrics(MISSED).sum(MISSED)

        def given_up():
            before = missed()
            for family in (IPV4, IPV6, IPV4, IPV6):
                self.curl(family)
            return MISSED_MAX <= before == missed()

        wait_until(given_up, "the worker gives them up")
        now = self.server.metrics(WAKES, MISSED)
        assert now.sum(MISSED) < 2 * MISSED_MAX, f"{now.sum(MISSED)} sleeps missed a frame: ten of a port are enough"
        assert now.sum(WAKES, cause="frame") == 0, "they do come: it is to be rehearsed like the others"

    # --- checksums

    def wire_checksums(self, family):
        with wire.Capture(self.clients) as front, wire.Capture(self.servers) as back:
            self.bulk(family)
            for name, capture in (("front", front), ("back", back)):
                judged = [wire.wrong(frame) for frame in capture.frames()]
                good, bad = judged.count(None), [what for what in judged if what not in (None, "other")]
                assert good > 100, f"only {good} segments came by {name}"
                assert not bad, f"{len(bad)} of {len(judged)} frames at {name}: {set(bad)}"

    def offloads(self, asked):
        """What of them is used is what was asked for, what the NIC offers, and what of its words can be trusted."""
        name = "terminus_port_offload"
        told = self.server.metrics(name)
        for offload in ("rx_checksum", "tx_chains", "tx_ipv4_checksum", "tx_tcp_checksum", "tso"):
            found = {state: told.sum(name, port="front", offload=offload, state=state) for state in ("asked", "offered", "used")}
            wanted = 1 if asked or offload == "tx_chains" else 0
            trusted = 0 if offload == "rx_checksum" and self.machine.model != "e1000e" else 1
            assert found["asked"] == wanted, f"{offload}: {found}"
            assert found["used"] == wanted * found["offered"] * trusted, f"{offload}: {found}"
        offered = told.sum(name, port="front", offload="tso", state="offered")
        assert offered == (0 if self.machine.model == "e1000e" else 1), "TSO is offered by other NICs than it was"
        names = "terminus_tso_frames_total", "terminus_tso_segments_total"
        cut = self.server.metrics(*names)
        frames, segments = (cut.sum(name) for name in names)
        if asked and offered:
            assert segments > 2 * frames > 0, f"{segments} segments were cut from {frames} frames"
        else:
            assert frames == segments == 0, f"{segments} segments were cut from {frames} frames"

    def own_offloads(self, family):
        self.wire_checksums(family)
        self.offloads(asked=False)

    def start_own(self):
        self.server.start("own")

    def bad_checksums(self, family):
        before = self.server.drops("tcp_checksum")
        with frames.Wire(self.clients) as out:
            segment = frames.tcp(family.client, family.vip, 80, sum_delta=1)
            packet = frames.ip(family.client, family.vip, frames.TCP, segment)
            kind = wire.IPV4 if family is IPV4 else wire.IPV6
            for _ in range(3):
                out.send(frames.ethernet(MAC.format(1), out.mac, kind, packet))
        wait_until(lambda: self.server.drops("tcp_checksum") == before + 3, "three wrong checksums are counted", every=0.5)

    def bad_header_checksum(self):
        before = self.server.drops("ip_checksum")
        with frames.Wire(self.clients) as out:
            segment = frames.tcp(IPV4.client, IPV4.vip, 80)
            out.send(frames.ethernet(MAC.format(1), out.mac, wire.IPV4, frames.ipv4(IPV4.client, IPV4.vip, frames.TCP, segment, sum_delta=1)))
        wait_until(lambda: self.server.drops("ip_checksum") == before + 1, "a wrong header checksum is counted", every=0.5)

    # --- trouble

    def link(self, family, port):
        """terminusd sees the wire go and come; what is sent meanwhile arrives when it is back."""
        with Backend(self.servers, family, family.server, 7001, echo):
            with connect(self.clients, family, family.vip, 7001) as peer:
                peer.sendall(b"before")
                assert receive_exactly(peer, 6) == b"before"
                assert self.link_is_up(port)
                self.machine.link(port, up=False)
                try:
                    peer.sendall(payload(20000, 1))
                    wait_until(lambda: not self.link_is_up(port), "the metrics show the link down", every=0.5)
                    wait_until(lambda: self.link_words(port)[-1:] == ["down"], "the log says that the link is down", every=0.5)
                finally:
                    self.machine.link(port, up=True)
                wait_until(lambda: self.link_is_up(port), "the metrics show the link up", every=0.5)
                wait_until(lambda: self.link_words(port)[-1:] == ["up"], "the log says that the link is up", every=0.5)
                assert receive_exactly(peer, 20000) == payload(20000, 1)

    def link_is_up(self, port):
        name = "terminus_port_up"
        other = {"front": "back", "back": "front"}[port]
        told = self.server.metrics(name)
        assert told.sum(name, port=other) == 1, f"the link of {other} is down as well"
        return told.sum(name, port=port) == 1

    def link_words(self, port):
        """"up" and "down", as the log says them of a port, in order."""
        return re.findall(rf" port {port}: the link is (up|down)", self.server.log(200))

    def reload(self):
        """Another configuration is taken, and connections live on."""
        with Backend(self.servers, IPV4, IPV4.server, 7001, echo), connect(self.clients, IPV4, IPV4.vip, 7001) as peer:
            peer.sendall(b"before")
            assert receive_exactly(peer, 6) == b"before"
            self.server.reload("second")
            only = f"{IPV4.second_server} to {IPV4.source}\n"
            answers = lambda: {self.clients.run("curl", "-sS", "--max-time", SECONDS, IPV4.url()).stdout for _ in range(3)}
            wait_until(lambda: answers() == {only}, "only the second backend answers")
            peer.sendall(b"after")
            assert receive_exactly(peer, 5) == b"after"

    # --- NICs that go

    def start_again(self):
        """With two workers that sleep: each has its queue of a NIC with two, and one goes through the other where there is one."""
        self.bind()
        self.server.start("told")

    def removed(self, port):
        """The kernel has the NIC back, the reason is in the log, and the numbers say so."""
        address = self.machine.addresses[("front", "back").index(port)]
        wait_until(lambda: not self.server.has(address), f"the NIC of {port} is gone", every=0.5)
        asked = self.server.said(f"port {port}: the kernel wants its device {address} back")
        assert len(asked) == 1 and " error port " in asked[0] and "restart terminusd" in asked[0], asked
        given = lambda: self.server.said(f"port {port}: device {address} is given back to the kernel")
        wait_until(lambda: len(given()) == 1, "the log says so", every=0.5)
        told = self.server.metrics("terminus_port_up", "terminus_port_removed", "terminus_ready")
        assert told.sum("terminus_port_up", port=port) == 0 and told.sum("terminus_port_removed", port=port) == 1, told.text
        assert told.sum("terminus_ready") == 0 and not self.server.is_ready(), "it says that it is ready"
        assert self.server.is_alive() and self.server.ctl("version").strip(), "it does not answer"
        return told

    def unplug(self):
        """The clients' NIC goes during a transfer; the backends' side lives on."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(Backend(self.servers, IPV4, IPV4.server, 7001, echo))
            peer = stack.enter_context(connect(self.clients, IPV4, IPV4.vip, 7001))
            peer.sendall(b"before")
            assert receive_exactly(peer, 6) == b"before"
            peer.sendall(payload(20000, 1))
            self.machine.unplug("front")
            told = self.removed("front")
            assert told.sum("terminus_port_up", port="back") == 1 and told.sum("terminus_port_removed", port="back") == 0, told.text
            wait_until(lambda: self.server.drops("port_gone") > 0, "what is sent to the clients is counted", every=0.5)
        for family in (IPV4, IPV6):
            self.servers.run("ping", "-c", "3", "-W", "5", family.source)

    def reload_without(self):
        """A reload is taken with a port less, and makes nothing ready that isn't."""
        self.server.reload("second")
        applied = lambda: self.server.metrics("terminus_config_reloads_total").sum("terminus_config_reloads_total", result="applied")
        wait_until(lambda: applied() == 1, "the reload is in force", every=0.5)
        assert not self.server.is_ready(), "it says that it is ready"
        self.servers.run("ping", "-c", "3", "-W", "5", IPV4.source)

    def remove_last(self):
        """The other NIC by hand: who writes into /sys does not wait for terminusd's end."""
        self.server.remove(self.machine.addresses[1])
        self.removed("back")


def both(name, function, *more):
    """A case for each family."""
    for family, label in ((IPV4, "IPv4"), (IPV6, "IPv6")):
        yield f"{name}, {label}", lambda family=family: function(family, *more)


def in_order(cases):
    """(name, function, whether all that follow need it) of each case."""
    yield "boots with its NICs behind an IOMMU", cases.has_iommu, True
    yield "bind-nic gives the NICs to vfio-pci", cases.bind, True
    yield "terminusd starts on them", cases.start, True
    yield "it has no capability but CAP_NET_ADMIN", cases.privileges, False
    served = [
        *both("curl through it to nginx", cases.curl),
        ("terminusctl and /metrics answer", cases.asked),
        *both("bulk down and up, hashed; each checksum on the wire is right", cases.wire_checksums),
        *both("iperf3 up", cases.iperf3),
        *both("iperf3 down", cases.iperf3, "-R"),
        ("what NICs offer is used, segments are cut by those that can", lambda: cases.offloads(asked=True)),
        *both(f"{CONNECTIONS} connections to nginx at once", cases.crowd),
        *both("segments with a wrong checksum are dropped", cases.bad_checksums),
        ("a packet with a wrong header checksum is dropped", cases.bad_header_checksum),
        *both("a connection outlives its clients' link being down", cases.link, "front"),
        *both("a connection outlives its backends' link being down", cases.link, "back"),
        ("a reload is taken, connections live on", cases.reload),
        ("SIGTERM: it ends, exit 0", cases.stop),
        ("started with all offloads off", cases.start_own),
        *both("bulk with checksums and segments of our own, each right on the wire", cases.own_offloads),
        *both("segments with a wrong checksum are dropped, offloads off", cases.bad_checksums),
        ("SIGTERM, offloads off", cases.stop),
        ("started again, it serves", cases.restart),
        *both(f"two queues, {MANY} connections, both legs on one worker", cases.rss),
        ("SIGTERM again", cases.stop),
        ("idle by receive interrupt", cases.idle_by_interrupt),
        ("SIGTERM to one that sleeps", cases.stop),
        ("bind-nic gives the NICs back to the kernel's driver", cases.unbind),
        ("bound and started once more", cases.start_again),
        ("the clients' NIC is unplugged: it is let go, the other port goes on", cases.unplug),
        ("a reload is taken without it", cases.reload_without),
        ("the other NIC is removed through /sys: it is let go", cases.remove_last),
        ("SIGTERM without a port: it ends, exit 0", cases.stop),
    ]
    for name, function in served:
        yield name, function, False
