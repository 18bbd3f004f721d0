"""Network namespaces with unique names, the wires between them, and what a wire may do to frames.

    clients  eth0 ══ wire-front ─ front   terminusd   back ─ wire-back ══ eth0  servers
             peer's namespace   └────────── dut's namespace ──────────┘

`front` and `back` are persistent TAP ports that terminusd opens; nftables passes each frame from a port to its
veth pair and back, and can lose some on the way. Other devices need a third namespace for the wire.
"""

import concurrent.futures
import contextlib
import ctypes
import itertools
import os
import pathlib
import signal
import socket

from .process import Program, run
from .waiting import wait_until

PREFIX = "tt-"
_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_numbers = itertools.count()


class Namespace:
    """A network namespace. Sockets are made by a thread that lives in it; they stay in it wherever they are used."""

    def __init__(self, role):
        self.name = f"{PREFIX}{os.getpid()}-{next(_numbers)}-{role}"
        run("ip", "netns", "add", self.name)
        self._handle = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        self._inside = concurrent.futures.ThreadPoolExecutor(1, initializer=self._enter)
        self.run("ip", "link", "set", "lo", "up")

    def _enter(self):
        if _libc.setns(self._handle, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns to {self.name}")

    def call(self, function, *arguments):
        """Calls a function in a thread that is in the namespace."""
        return self._inside.submit(function, *arguments).result()

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        return self.call(socket.socket, family, kind, protocol)

    def run(self, *command, **options):
        return run("ip", "netns", "exec", self.name, *command, **options)

    def start(self, *command, log, env=None):
        return Program(["ip", "netns", "exec", self.name, *command], log, env)

    def set(self, key, value):
        """Sets a sysctl of the namespace."""
        self.run("sysctl", "-qw", f"{key}={value}")

    def nft(self, rules):
        self.run("nft", "-f", "-", input=rules)

    def pids(self):
        return [int(pid) for pid in run("ip", "netns", "pids", self.name, check=False).stdout.split()]

    def delete(self):
        self._inside.shutdown()
        os.close(self._handle)
        delete_namespace(self.name)


def delete_namespace(name):
    """Ends what runs in a namespace and removes it."""

    def pids():
        return [int(pid) for pid in run("ip", "netns", "pids", name, check=False).stdout.split()]

    for pid in pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not pids(), f"the processes in {name} end")
    run("ip", "netns", "del", name, check=False)


def has_xdp_sockets(namespace):
    """Whether the kernel knows AF_XDP."""
    af_xdp = 44  # Python has no name for it
    try:
        namespace.socket(af_xdp, socket.SOCK_RAW).close()
        return True
    except OSError:
        return False


def sweep():
    """Removes namespaces of earlier runs that were killed."""
    for line in run("ip", "netns", "list").stdout.splitlines():
        name = line.split()[0]
        if name.startswith(PREFIX) and not pathlib.Path(f"/proc/{name.split('-')[1]}").exists():
            delete_namespace(name)


class Link:
    """What is between one port of terminusd and its kernel peer."""

    def __init__(self, network, name, peer, device):
        self.name = name
        self.peer = peer
        self.device = device
        self.wire = network.dut if device == "tap" else network.namespace(f"wire-{name}")
        # The kernel is only the wire there and must not speak on it.
        self.wire.set("net.ipv6.conf.default.disable_ipv6", 1)
        self._outer, self._inner = f"wire-{name}", name
        self.wire.run("ip", "link", "add", self._outer, "type", "veth", "peer", "name", "eth0", "netns", peer.name)
        if device == "tap":
            self.wire.run("ip", "tuntap", "add", "dev", name, "mode", "tap", "multi_queue")
        else:
            self._inner = f"dut-{name}"
            self.wire.run("ip", "link", "add", self._inner, "type", "veth", "peer", "name", name, "netns", network.dut.name)
            network.dut.run("ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
            network.dut.run("ip", "link", "set", name, "up")
        for end in (self._outer, self._inner):
            self.wire.run("ip", "link", "set", end, "up")
        peer.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        # The addresses are usable at once: nobody else can have them here.
        peer.set("net.ipv6.conf.eth0.accept_dad", 0)
        peer.run("ip", "link", "set", "eth0", "up")
        self.connect()

    def vdev(self, number):
        """The device string for terminusd's configuration."""
        return f"net_{self.device}{number},iface={self.name}"

    def connect(self, to_peer="", from_peer=""):
        """(Re)makes the wire; the arguments are nftables statements that frames pass on their way."""
        table = f"netdev {self.name}"
        self.wire.nft(
            f"add table {table}\ndelete table {table}\ntable {table} {{\n"
            f' chain to_peer {{ type filter hook ingress device "{self._inner}" priority 0; {to_peer} fwd to "{self._outer}"; }}\n'
            f' chain from_peer {{ type filter hook ingress device "{self._outer}" priority 0; {from_peer} fwd to "{self._inner}"; }}\n'
            "}\n"
        )

    def disconnect(self):
        """Takes the wire away, for a relay to take its place; connect() puts it back."""
        self.wire.nft(f"add table netdev {self.name}\ndelete table netdev {self.name}\n")

    def ends(self):
        """The interfaces in `wire` that the wire joins."""
        return self._outer, self._inner

    def cut(self):
        """Loses every frame, both ways."""
        self.connect("drop;", "drop;")

    def lose(self, per_mille):
        """Loses frames at random, both ways."""
        drop = f"numgen random mod 1000 < {per_mille} drop;"
        self.connect(drop, drop)


class Network:
    """The namespaces of one test (or one file of tests), gone when it ends."""

    def __init__(self, device="tap", one_arm=False):
        self._namespaces = []
        self._processes = []
        try:
            self.dut = self.namespace("dut")
            self.dut.set("net.ipv6.conf.default.disable_ipv6", 1)
            self.clients = self.namespace("clients")
            self.front = Link(self, "front", self.clients, device)
            self.clients.run("ip", "addr", "add", "10.0.1.1/24", "dev", "eth0")
            self.clients.run("ip", "addr", "add", "fd00:1::1/64", "dev", "eth0")
            self.servers = self.clients if one_arm else self.namespace("servers")
            self.back = None if one_arm else Link(self, "back", self.servers, device)
            for host in ("11", "12"):
                self.servers.run("ip", "addr", "add", f"{'10.0.1' if one_arm else '10.0.2'}.{host}/24", "dev", "eth0")
                self.servers.run("ip", "addr", "add", f"{'fd00:1' if one_arm else 'fd00:2'}::{host}/64", "dev", "eth0")
            for peer in {self.clients, self.servers}:
                # Thousands of connections at once are the tests' point, not the peers' limit.
                peer.set("net.core.somaxconn", 8192)
                peer.set("net.ipv4.tcp_max_syn_backlog", 8192)
                peer.set("net.ipv4.ip_local_port_range", "10000 65000")
        except BaseException:
            self.close()
            raise

    def namespace(self, role):
        made = Namespace(role)
        self._namespaces.append(made)
        return made

    def links(self):
        return [link for link in (self.front, self.back) if link is not None]

    def start(self, namespace, *command, log, env=None):
        """Starts a program that is stopped when the network goes."""
        program = namespace.start(*command, log=log, env=env)
        self._processes.append(program)
        return program

    def close(self):
        for program in reversed(self._processes):
            program.stop()
        for namespace in reversed(self._namespaces):
            namespace.delete()
        self._namespaces = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
