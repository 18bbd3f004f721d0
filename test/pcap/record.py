#!/usr/bin/python3
"""Records the captures of test/pcap/in that a real host makes: `tcpdump -i any` beside a bridge, of the kernel's TCP.

    test/pcap/record.py [NAME...]

Needs root and `scripts/install-packages run test bench record`. A scene is a function; its docstring is the capture's line in
README.md. Each run records other numbers: replay_test.py --update follows it.
"""

import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness.network import Namespace

from tcpdump import recorded

HERE = pathlib.Path(__file__).resolve().parent
CLIENT, SERVICE = "192.0.2.1", "192.0.2.80"
REQUEST, RESPONSE = b"GET / HTTP/1.0\r\n\r\n", b"x" * 4000


class Host:
    """A namespace with a bridge, and others that are plugged into it."""

    def __init__(self):
        self.namespaces = []
        self.host = self.namespace("host")
        self.host.run("ip", "link", "add", "br0", "type", "bridge")
        self.host.run("ip", "link", "set", "br0", "up")

    def namespace(self, role):
        made = Namespace(role)
        self.namespaces.append(made)
        made.set("net.ipv6.conf.all.disable_ipv6", 1)
        made.set("net.ipv6.conf.default.disable_ipv6", 1)
        return made

    def plug(self, name, address):
        """A namespace whose eth0 is on the bridge, by its port `name`."""
        made = self.namespace(name)
        self.host.run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", made.name)
        self.host.run("ip", "link", "set", name, "master", "br0", "up")
        made.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        made.run("ip", "link", "set", "eth0", "up")
        return made

    def record(self, name, link_type, happens):
        """What `happens` as tcpdump has it."""
        with recorded(self.host, HERE / "in" / f"{name}.pcap", "any", "-y", link_type, end_to="127.0.0.1"):
            happens()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.namespaces:
            one.delete()


def served(server, client):
    """A connection of the kernels' from its SYN to the last ACK."""
    listener = server.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((SERVICE, 80))
    listener.listen()
    ours = client.socket()
    ours.connect((SERVICE, 80))
    theirs, _ = listener.accept()
    ours.sendall(REQUEST)
    assert theirs.recv(4096) == REQUEST
    theirs.sendall(RESPONSE)
    assert ours.recv(len(RESPONSE), socket.MSG_WAITALL) == RESPONSE
    ours.shutdown(socket.SHUT_WR)
    assert theirs.recv(1) == b""
    theirs.close()
    assert ours.recv(1) == b""
    ours.close()
    listener.close()


def any_bridge_host(name):
    """`tcpdump -i any` on a host whose bridge has the service's address: all twice, with unfinished checksums, which are repaired"""
    with Host() as made:
        client = made.plug("client", CLIENT)
        made.host.run("ip", "addr", "add", f"{SERVICE}/24", "dev", "br0")
        made.record(name, "LINUX_SLL2", lambda: served(made.host, client))


def any_bridge_ports(name):
    """The same of tcpdump before 4.99, on a host whose bridge connects client and server; what the client sent is dropped for its checksums"""
    with Host() as made:
        client, server = made.plug("client", CLIENT), made.plug("server", SERVICE)
        made.record(name, "LINUX_SLL", lambda: served(server, client))


SCENES = {scene.__name__: scene for scene in (any_bridge_host, any_bridge_ports)}

if __name__ == "__main__":
    for chosen in sys.argv[1:] or SCENES:
        SCENES[chosen](chosen)
        print(f"{chosen}: {SCENES[chosen].__doc__}")
