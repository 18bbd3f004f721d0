"""The test bed: a client, a place for one proxy, and a backend, each a namespace.

    clients  eth0 ══════════ front   proxy   back ══════════ eth0  servers
             10.0.1.1                                        10.0.2.11

Both wires are veth pairs with all offloads off: nobody is spared a checksum or a cut into segments. A kernel proxy has the
addresses of `front` and `back`; while terminusd or testpmd has the ports, the kernel there has none. TAP is a device of its
own; nftables passes each frame between it and the wire.
"""

import pathlib
import shutil
import tempfile

from harness.network import Namespace
from harness.nginx import Nginx
from harness.waiting import wait_until

VDEVS = ("af_packet", "af_xdp", "tap")
CLIENT, SERVER = "10.0.1.1", "10.0.2.11"
HTTP, BULK, IDLE = 80, 5201, 7000  # what a proxy listens on
HTTP_SERVER = 8080  # bulk and idle connections go to the same port of the backend
OFFLOADS_OFF = [word for name in ("rx", "tx", "sg", "tso", "gso", "gro") for word in (name, "off")]
# Connections in TIME_WAIT outlive the proxy that they were with, and don't let another TCP's timestamps go back: each turn has
# addresses of its own, for longer than a minute.
FIRST_TURN, TURNS_MAX = 100, 150


class Wire:
    """A veth pair between a peer's eth0 and the proxy's namespace, and on demand a TAP port at its end."""

    def __init__(self, proxy, name, peer, address):
        self.name, self.peer, self._proxy = name, peer, proxy
        add_pair(proxy, name, "eth0", peer)
        peer.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")

    def vdev(self, kind, number):
        """The device string of a port at the wire's end. `kind` may bring options: af_packet,framecnt=4096."""
        name, *options = kind.split(",")
        return ",".join([f"net_{name}{number},iface={self._port(kind)}", *options])

    def _port(self, kind):
        return f"tap-{self.name}" if is_tap(kind) else self.name

    def open(self, kind):
        """Makes what terminusd and testpmd open."""
        if not is_tap(kind):
            return
        tap = self._port(kind)
        self._proxy.run("ip", "tuntap", "add", "dev", tap, "mode", "tap", "multi_queue")
        self._proxy.run("ip", "link", "set", tap, "up")
        self._proxy.nft(
            f"table netdev {self.name} {{\n"
            f' chain out {{ type filter hook ingress device "{tap}" priority 0; fwd to "{self.name}"; }}\n'
            f' chain in {{ type filter hook ingress device "{self.name}" priority 0; fwd to "{tap}"; }}\n'
            "}\n"
        )

    def close(self, kind):
        """Takes away what open() made, and what a device that was killed has left on the interface."""
        if is_tap(kind):
            self._proxy.run("nft", "delete", "table", "netdev", self.name)
            self._proxy.run("ip", "link", "del", self._port(kind))
        self._proxy.run("ip", "link", "set", self.name, "xdp", "off", check=False)

    def frames(self):
        """(received, sent) at the peer's end so far."""
        text = self.peer.call(pathlib.Path("/proc/thread-self/net/dev").read_text)
        fields = next(line for line in text.splitlines() if line.lstrip().startswith("eth0:")).split(":")[1].split()
        return int(fields[1]), int(fields[9])


def add_pair(namespace, name, other, other_namespace=None):
    """A veth pair with all offloads off, its other end in another namespace or the same."""
    other_namespace = other_namespace or namespace
    namespace.run("ip", "link", "add", name, "type", "veth", "peer", "name", other, "netns", other_namespace.name)
    for place, end in ((namespace, name), (other_namespace, other)):
        place.run("ethtool", "-K", end, *OFFLOADS_OFF)
        place.run("ip", "link", "set", end, "up")


def is_tap(kind):
    return kind.split(",")[0] == "tap"


class Bed:
    """The namespaces and the backend's servers of one run; all of it ends and goes with it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="terminus-bench-"))
        self._namespaces, self._programs, self._turns = [], [], 0
        try:
            self.clients, self.proxy, self.servers = (self._namespace(role) for role in ("clients", "proxy", "servers"))
            self.dut = self.proxy  # as harness.dut calls it
            self.front = Wire(self.proxy, "front", self.clients, CLIENT)
            self.back = Wire(self.proxy, "back", self.servers, SERVER)
            self.clients.run("ip", "route", "add", "10.0.2.0/24", "via", "10.0.1.254")
            self.servers.run("ip", "route", "add", "10.0.1.0/24", "via", "10.0.2.254")
            self._serve()
        except BaseException:
            self.close()
            raise

    def _namespace(self, role):
        made = Namespace(role)
        self._namespaces.append(made)
        for key, value in (
            ("net.ipv6.conf.all.disable_ipv6", 1),
            ("net.ipv6.conf.default.disable_ipv6", 1),
            ("net.core.somaxconn", 8192),
            ("net.ipv4.tcp_max_syn_backlog", 8192),
            ("net.ipv4.ip_local_port_range", "1024 65535"),
            ("net.ipv4.tcp_no_metrics_save", 1),
        ):
            made.set(key, value)
        return made

    def _serve(self):
        self.http = Nginx(self.servers, self.folder / "http", [SERVER], HTTP_SERVER)
        self._programs.append(self.http.program)
        self.bulk = self.start(self.servers, "iperf3", "-s", "-B", SERVER, "-p", BULK, log=self.folder / "iperf3.log")
        wait_until(lambda: f":{BULK} " in self.servers.run("ss", "-Hltn").stdout, "iperf3 listens")

    def start(self, namespace, *command, log, env=None):
        """Starts a program that is stopped when the bed goes."""
        program = namespace.start(*command, log=log, env=env)
        self._programs.append(program)
        return program

    def servers_dead(self):
        """The names of the backend's servers that have ended."""
        return [name for name, program in (("backend nginx", self.http.program), ("iperf3 server", self.bulk)) if not program.alive()]

    # --- whose turn it is

    def next_turn(self):
        """The last number of the addresses that the next turn has for itself on both sides."""
        self._turns += 1
        return FIRST_TURN + (self._turns - 1) % TURNS_MAX

    def kernel_takes(self, host):
        """The proxy's kernel has the addresses: it routes between the wires, and a proxy's sockets can be bound to `host`."""
        self._forget()
        self.proxy.set("net.ipv4.ip_forward", 1)
        for wire, network in ((self.front, "10.0.1"), (self.back, "10.0.2")):
            # Connections are made from the first one that is added.
            for last in (host, 254):
                self.proxy.run("ip", "addr", "add", f"{network}.{last}/24", "dev", wire.name)

    def ports_take(self, kind):
        """The kernel is only a wire: the ports' program has the addresses."""
        self._forget()
        self.proxy.set("net.ipv4.ip_forward", 0)
        for wire in (self.front, self.back):
            wire.open(kind)

    def ports_leave(self, kind):
        for wire in (self.front, self.back):
            wire.close(kind)

    def _forget(self):
        for wire in (self.front, self.back):
            self.proxy.run("ip", "addr", "flush", "dev", wire.name)
            wire.peer.run("ip", "neigh", "flush", "dev", "eth0")

    def close(self):
        for program in reversed(self._programs):
            program.stop(3)
        for namespace in reversed(self._namespaces):
            namespace.delete()
        self._namespaces, self._programs = [], []
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


