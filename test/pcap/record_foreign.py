#!/usr/bin/python3
"""Records what real programs say to a real server: the captures foreign_*.pcap of test/pcap/in.

    record_foreign.py [NAME ...]        (as root: it makes network namespaces)

A client and a server, each with the kernel's TCP in a namespace of its own, and tcpdump in front of the server: curl and wrk
with nginx, iperf3 with itself, redis-benchmark with redis-server. Each run gives other numbers and times, so what is committed
is a recording and not to be made again without need: the golden files belong to it. Addresses are those of documentation, and
nothing else tells of the machine. Needs `scripts/install-packages run test bench record`.
"""

import http.client
import pathlib
import struct
import sys
import tempfile

import frames
from foreign_network import CLOSED, SERVER, SERVER6, SILENT, Network

HERE = pathlib.Path(__file__).resolve().parent


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


# Lua: four requests at a time on each connection, and an end when 36 have been answered.
PIPELINED = """
local answered = 0
function init() four = wrk.format("GET", "/300"):rep(4) end
function request() return four end
function response()
    answered = answered + 1
    if answered == 36 then wrk.thread:stop() end
end
"""


def wrk(network, path):
    """wrk: three kept-alive connections to nginx, four requests at a time on each"""
    script = network.folder / "pipelined.lua"
    script.write_text(PIPELINED)
    with network.tcpdump(path):
        network.client.run("wrk", "-t", "1", "-c", "3", "-d", "1s", "-s", script, f"http://{SERVER}/300")


def iperf(network, *options):
    network.client.run("iperf3", "-c", SERVER, *options)


def iperf3(network, path):
    """iperf3: 256 kB each way over two streams, with its control connections; a snap length of 96 bytes, text is filled"""
    network.serve("iperf3", "-s", "-B", SERVER, port=5201)
    with network.tcpdump(path, "-s", "96"):
        iperf(network, "-n", "256K", "-P", "2")
        iperf(network, "-n", "256K", "-P", "2", "-R")


def iperf3_any(network, path):
    """iperf3 on a host whose bridge has the server's address, by `tcpdump -i any`: super-frames, all twice"""
    network.bridge()
    network.serve("iperf3", "-s", "-B", SERVER, port=5201)
    with network.tcpdump(path, interface="any"):
        iperf(network, "-n", "16K", "-l", "16K")
        iperf(network, "-n", "16K", "-l", "16K", "-R")


def redis(network, path):
    """redis-benchmark: SETs and GETs of three connections, ten at a time on each, after a connection that asks for the configuration"""
    network.serve("redis-server", "--bind", SERVER, "--protected-mode", "no", "--save", "", "--dir", network.folder, port=6379)
    with network.tcpdump(path):
        network.client.run("redis-benchmark", "-h", SERVER, "-t", "set,get", "-n", "60", "-c", "3", "-P", "10", "-d", "100", "-q")


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
    "foreign_wrk": wrk,
    "foreign_iperf3": iperf3,
    "foreign_iperf3_any": iperf3_any,
    "foreign_redis": redis,
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
