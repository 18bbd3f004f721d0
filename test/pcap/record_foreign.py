#!/usr/bin/python3
"""Records what real programs say to a real server: the captures foreign_*.pcap of test/pcap/in.

    record_foreign.py [NAME ...]        (as root: it makes network namespaces)

A client and nginx, each with the kernel's TCP in a namespace of its own, and tcpdump in front of the server. Each run gives
other numbers and times, so what is committed is a recording and not to be made again without need: the golden files belong
to it. Addresses are those of documentation, and nothing else tells of the machine. Needs `scripts/install-packages run record`.
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
