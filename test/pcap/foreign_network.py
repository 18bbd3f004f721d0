"""What record_foreign.py records in: a client and servers, each end with the kernel's TCP in a namespace of its own."""

import contextlib
import os
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness.network import Namespace
from harness.nginx import Nginx
from harness.waiting import wait_until

from tcpdump import recorded

CLIENT, SERVER, CLOSED, SILENT = "192.0.2.1", "192.0.2.7", "192.0.2.8", "192.0.2.9"
CLIENT6, SERVER6 = "2001:db8::1", "2001:db8::7"


class Network:
    """A client and a server on one link, with the offloads that a veth pair has by default, and an nginx."""

    def __init__(self, folder):
        self.folder = folder
        self.client, self.server = Namespace("client"), Namespace("server")
        self.client.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.server.name)
        for host, number, addresses in ((self.client, 1, (CLIENT, CLIENT6)), (self.server, 7, (SERVER, CLOSED, SILENT, SERVER6))):
            host.run("ip", "link", "set", "eth0", "address", f"02:00:00:00:00:{number:02x}")
            host.set("net.ipv6.conf.eth0.accept_dad", 0)
            host.set("net.ipv4.tcp_no_metrics_save", 1)
            for address in addresses:
                host.run("ip", "address", "add", f"{address}/{64 if ':' in address else 24}", "dev", "eth0")
            host.run("ip", "link", "set", "eth0", "up")
        self.server.nft(f"table ip silent {{ chain input {{ type filter hook input priority 0; ip daddr {SILENT} drop; }}\n}}\n")
        self.nginx = Nginx(self.server, folder, [SERVER, SERVER6], port=80)
        for size in (300, 24_000):
            file = self.nginx.files / str(size)
            file.write_bytes(random.Random(size).randbytes(size))
            os.utime(file, (1_700_000_000, 1_700_000_000))
        # Both ends know each other's link address from here on.
        wait_until(lambda: self.curl("/300").returncode == 0 and self.curl("/300", SERVER6).returncode == 0, "nginx answers the client")

    def close(self):
        self.client.delete()
        self.server.delete()

    def serve(self, *command, port):
        """Starts another server, and waits until it listens."""
        program = self.server.start(*command, log=self.folder / f"{command[0]}.log")
        wait_until(lambda: self.server.run("ss", "-Hntl", f"sport = :{port}").stdout, f"{command[0]} listens")
        return program

    def curl(self, path, server=SERVER, *options):
        host = f"[{server}]" if ":" in server else server
        return self.client.run("curl", "-sf", "-o", "/dev/null", *options, f"http://{host}{path}", check=False)

    def put(self, size, server=SERVER):
        self.curl(f"/put/{size}", server, "-T", self.nginx.files / f"{size}", "-H", "Expect:")

    @contextlib.contextmanager
    def tcpdump(self, path, *options, interface="eth0"):
        """What the server's device sees meanwhile, at least until both ends have closed."""
        with recorded(self.server, path, interface, *options, end_to=CLIENT):
            yield
            wait_until(lambda: not self.live(), "the connections end")

    def live(self):
        """Connections of the client's end that are not over."""
        lines = self.client.run("ss", "-Hnt").stdout.splitlines()
        return [line for line in lines if not line.startswith("TIME-WAIT")]

    def lose(self, per_cent):
        """Loses frames on their way into both devices, which the server's tcpdump sees: behind it, or before the client."""
        for host in (self.client, self.server):
            host.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off", "gro", "off")
            host.run("ip", "link", "set", "eth0", "gso_max_segs", "1")
            host.nft(f'table netdev loss {{ chain lose {{ type filter hook ingress device "eth0" priority 0; '
                     f"meta l4proto tcp numgen random mod 100 < {per_cent} drop; }}\n}}\n")

    def bridge(self):
        """Puts the server's IPv4 address on a bridge, whose port its device becomes: there each packet passes two interfaces."""
        self.server.run("ip", "link", "add", "br0", "type", "bridge")
        self.server.run("ip", "link", "set", "br0", "up")
        self.server.run("ip", "address", "del", f"{SERVER}/24", "dev", "eth0")
        self.server.run("ip", "link", "set", "eth0", "master", "br0")
        self.server.run("ip", "address", "add", f"{SERVER}/24", "dev", "br0")
