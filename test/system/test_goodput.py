"""Terminus between kernel peers over an impaired wire: every byte by its hash, and goodput beside the kernel's.

The wire to the clients delays, loses and reorders; the one to the servers is clean. A download shows Terminus's
sender against the kernel's, an upload its receiver. The kernel-to-kernel figure is taken over the same relay with
the same seed. Goodput is printed and never asserted: these machines are noisy. It runs on the release build, as
test_bulk.py does and for the same reason. CUBIC meets every path and the others one; with TERMINUS_GOODPUT=all, which
is what scripts/soak --goodput runs, each of them meets all.
"""

import contextlib
import dataclasses
import json
import os
import socket
import time

import pytest

from harness.dut import ROOT, Dut, configuration
from harness.network import Network
from harness.peers import IPV4, CHUNK, Background, accept, connect, digest, listen, payload
from harness.relay import Relay, impaired

DIRECTIONS = ["download", "upload"]
CONTROLS = ["cubic", "reno", "bbr"]
PORT = 7000


@dataclasses.dataclass(frozen=True)
class Path:
    """An impaired wire and as many bytes as its worst sender moves in some seconds."""

    name: str
    size: int
    settings: dict


PATHS = [
    Path("20 ms", 8 << 20, {"delay_us": 10_000}),
    Path("100 ms", 8 << 20, {"delay_us": 50_000}),
    Path("20 ms, 1 % lost", 4 << 20, {"delay_us": 10_000, "loss": 10}),
    Path("100 ms, 0.1 % lost", 4 << 20, {"delay_us": 50_000, "loss": 1}),
    Path("20 ms, 2 % late by 5 ms", 8 << 20, {"delay_us": 10_000, "reorder": 20, "reorder_delay_us": 5_000}),
    Path("10 ms, 10 % lost", 1 << 18, {"delay_us": 5_000, "loss": 100}),
]
CASES = [
    (control, path)
    for control in CONTROLS
    for path in PATHS
    if os.environ.get("TERMINUS_GOODPUT") == "all" or control == "cubic" or path.name == "20 ms, 1 % lost"
]
COMMON = {"rate_kbps": 50_000, "queue": 200, "seed": 3}


class Twins:
    """Two kernels with nothing but the relay between them, addressed as the clients and servers of a Network."""

    def __init__(self, network):
        self._network = network
        self.wire, self.clients, self.servers = (network.namespace(role) for role in ("wire", "left", "right"))
        self.wire.set("net.ipv6.conf.default.disable_ipv6", 1)
        for name, peer, address in (("left", self.clients, "10.0.1.1/24"), ("right", self.servers, "10.0.1.80/24")):
            self.wire.run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", peer.name)
            self.wire.run("ip", "link", "set", name, "up")
            peer.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off", "gro", "off")
            peer.run("ip", "addr", "add", address, "dev", "eth0")
            peer.run("ip", "link", "set", "eth0", "up")

    def relay(self, settings):
        return Relay(self._network, self.wire, ("left", "right"), **settings)


@pytest.fixture(scope="module")
def rig():
    with Network() as network:
        for peer in (network.clients, network.servers):
            peer.set("net.ipv4.tcp_no_metrics_save", 1)
        twins = Twins(network)
        for peer in (twins.clients, twins.servers):
            peer.set("net.ipv4.tcp_no_metrics_save", 1)
        yield network, twins


@pytest.fixture(scope="module")
def table():
    """What was measured, printed at the end and kept beside the other results."""
    rows = []
    yield rows
    (ROOT / "build-test" / "goodput.json").write_text(json.dumps(rows, indent=1))


def transfer(clients, servers, address, control, direction, data):
    """Sends `data` over one connection to `address` and returns (digest of what came, seconds to the last byte)."""
    with listen(servers, IPV4, address, PORT) as listener:
        with connect(clients, IPV4, IPV4.vip, PORT) as client:
            backend, _ = accept(listener)
            # By socket: the kernel lets only the first namespace choose for all.
            for peer in (client, backend):
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control.encode())
            with backend:
                sender, receiver = (backend, client) if direction == "download" else (client, backend)
                began = time.monotonic()
                sending = Background(sender.sendall, data)
                got = bytearray()
                while len(got) < len(data):
                    piece = receiver.recv(CHUNK)
                    assert piece, f"the stream ended after {len(got)} of {len(data)} bytes"
                    got += piece
                took = time.monotonic() - began
                sending.result()
    return digest(got), took


@pytest.fixture(scope="module")
def dut_with(rig):
    """A function that gives a terminusd with a congestion control: the running one, or a new one in its place."""
    network, _ = rig
    running = contextlib.ExitStack()
    chosen = {}

    def get(control):
        if control not in chosen:
            running.close()
            chosen.clear()
            changed = configuration(network, tcp={"congestion_control": control})
            chosen[control] = running.enter_context(Dut(network, build="release", config=changed))
        return chosen[control]

    with running:
        yield get


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("control,path", CASES, ids=[f"{control}, {path.name}" for control, path in CASES])
def test_every_byte_arrives_and_goodput_stands_beside_the_kernels(rig, dut_with, table, control, path, direction):
    network, twins = rig
    dut = dut_with(control)
    data = payload(path.size, f"{path.name} {direction}")
    settings = {**COMMON, **path.settings}
    with twins.relay(settings):
        came, kernel = transfer(twins.clients, twins.servers, "10.0.1.80", control, direction, data)
    assert came == digest(data), "from kernel to kernel"
    with impaired(network, network.front, **settings) as relay:
        came, ours = transfer(network.clients, network.servers, IPV4.server, control, direction, data)
    assert came == digest(data), "through Terminus"
    impairments = sum(way["lost"] + way["reordered"] for way in relay.counters.values())
    # Thousands of segments, each as likely as the other: where few are to be lost, now and then none is.
    due = path.size / 1448 * (path.settings.get("loss", 0) + path.settings.get("reorder", 0)) / 1000
    assert impairments > 0 or due < 10, "the relay did impair something"
    dut.check_healthy()
    rates = [path.size * 8 / seconds / 1e6 for seconds in (kernel, ours)]
    table.append({"control": control, "path": path.name, "direction": direction, "kernel": rates[0], "terminus": rates[1]})
    print(f"\n  {control}, {path.name}, {direction}: kernel {rates[0]:.1f} Mbit/s, "
          f"Terminus {rates[1]:.1f} Mbit/s, ratio {rates[1] / rates[0]:.2f}")
