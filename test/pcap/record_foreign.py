#!/usr/bin/python3
"""Records what real programs say to a real server: the captures foreign_*.pcap of test/pcap/in.

    record_foreign.py [NAME ...]        (as root: it makes network namespaces)

A client and nginx, each with the kernel's TCP in a namespace of its own, and tcpdump in front of the server. Each run gives
other numbers and times, so what is committed is a recording and not to be made again without need: the golden files belong
to it. Addresses are those of documentation, and nothing else tells of the machine.
"""

import contextlib
import http.client
import os
import pathlib
import random
import socket
import struct
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from harness.network import Namespace
from harness.process import run
from harness.waiting import wait_until

import frames

CLIENT, SERVER, CLOSED, SILENT = "192.0.2.1", "192.0.2.7", "192.0.2.8", "192.0.2.9"
CLIENT6, SERVER6 = "2001:db8::1", "2001:db8::7"
CONFIG = """
daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    server_tokens off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 192.0.2.7:80;
        listen [2001:db8::7]:80;
        root {folder}/files;
        location /put/ {{ dav_methods PUT; }}
    }}
}}
"""


class Network:
    """A client and a server on one link, with the offloads that a veth pair has by default."""

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
        (folder / "files/put").mkdir(parents=True)
        for size in (300, 24_000):
            file = folder / f"files/{size}"
            file.write_bytes(random.Random(size).randbytes(size))
            os.utime(file, (1_700_000_000, 1_700_000_000))
        (folder / "nginx.conf").write_text(CONFIG.format(folder=folder))
        self.nginx = self.server.start("nginx", "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf", log=folder / "output")
        wait_until(lambda: self.curl("/300").returncode == 0 and self.curl("/300", SERVER6).returncode == 0, "nginx answers")

    def close(self):
        self.nginx.stop()
        self.client.delete()
        self.server.delete()

    def curl(self, path, server=SERVER, *options):
        host = f"[{server}]" if ":" in server else server
        return self.client.run("curl", "-s", "-o", "/dev/null", *options, f"http://{host}{path}", check=False)

    def put(self, size, server=SERVER):
        self.curl(f"/put/{size}", server, "-T", self.folder / f"files/{size}", "-H", "Expect:")

    @contextlib.contextmanager
    def tcpdump(self, path, *options):
        """What the server's device sees meanwhile, at least until both ends have closed."""
        log = self.folder / f"tcpdump-{path.name}.log"
        log.unlink(missing_ok=True)
        program = self.server.start("tcpdump", "-n", "-i", "eth0", "--immediate-mode", "-U", "-w", path, *options, log=log)
        wait_until(lambda: "listening on" in program.text(), "tcpdump listens")
        yield
        wait_until(lambda: not self.live(), "the connections end")
        size = path.stat().st_size
        wait_until(lambda: path.stat().st_size == size, "tcpdump has written all")
        program.stop()

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


def offloads(network, path):
    """A download and an upload as the server's tcpdump sees them by default: super-frames, unfinished checksums."""
    with network.tcpdump(path):
        network.curl("/24000")
        network.put(24_000)


def loss(network, path):
    """The same without offloads, on a link that loses one frame in a hundred; at least one each way, and sent again."""
    network.lose(1)
    for _ in range(1000):
        with network.tcpdump(path):
            network.curl("/24000")
            network.put(24_000)
        if all(sent_again(path, port) for port in (True, False)):
            return
    raise AssertionError("nothing was lost in a thousand runs")


def snapped(network, path):
    """A snap length of 96 bytes: headers, and a little of the text."""
    with network.tcpdump(path, "-s", "96"):
        network.curl("/24000")
        network.put(24_000)


def midway(network, path):
    """tcpdump is started while a connection is open and its first request is answered."""
    made = network.client.socket()
    made.connect((SERVER, 80))
    connection = http.client.HTTPConnection(SERVER, 80)
    connection.sock = made

    def get(name):
        connection.request("GET", name, headers={"User-Agent": "midway"})
        connection.getresponse().read()

    get("/24000")
    with network.tcpdump(path):
        get("/300")
        get("/24000")
        connection.close()


def over_ipv6(network, path):
    """A download and an upload over IPv6."""
    with network.tcpdump(path):
        network.curl("/24000", SERVER6)
        network.put(24_000, SERVER6)


def failures(network, path):
    """A server that refuses, one that says nothing, and one that serves."""
    with network.tcpdump(path):
        network.curl("/300", CLOSED)
        network.curl("/300", SILENT, "--connect-timeout", "4")
        network.curl("/300")


def sent_again(path, from_server):
    """Whether the capture has text of one end's behind which text had been seen already."""
    highest = {}
    for _, frame in frames.read_pcap(path):
        if frame[12:14] != b"\x08\0" or frame[23] != 6:
            continue
        ends = frame[34:38]
        source, _, seq = struct.unpack_from("!HHI", frame, 34)
        text = struct.unpack_from("!H", frame, 16)[0] - 20 - (frame[46] >> 4) * 4
        if text > 0 and (source == 80) == from_server:
            if seq < highest.get(ends, 0):
                return True
            highest[ends] = seq + text
    return False


SCENES = {
    "foreign_offloads": offloads,
    "foreign_loss": loss,
    "foreign_snapped": snapped,
    "foreign_midway": midway,
    "foreign_ipv6": over_ipv6,
    "foreign_failures": failures,
}


def main():
    for name in sys.argv[1:] or SCENES:
        with tempfile.TemporaryDirectory() as folder:
            network = Network(pathlib.Path(folder))
            try:
                SCENES[name](network, HERE / f"in/{name}.pcap")
            finally:
                network.close()
        print(name, (HERE / f"in/{name}.pcap").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
