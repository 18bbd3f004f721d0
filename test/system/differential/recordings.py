"""Captures of clients with some server: read, put together, moved to ports of their own."""

import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "test/pcap"))

import frames  # noqa: E402
from harness.frames import checksum  # noqa: E402

BEGIN = 1_700_000_000 * 10**9
SERVICE, SERVICE6, PORT = "192.0.2.80", "2001:db8::80", 80
FIRST_LEAD, STAGGER = 500 * 10**6, 7 * 10**6  # nanoseconds
FIRST_PORT = 45000  # of the clients that are moved; those of the scenes are below


class Ip:
    """Where the parts of a TCP packet are in its frame; `l4` is None for all other frames."""

    def __init__(self, frame):
        self.l4 = None
        kind = frame[12:14]
        if kind == b"\x08\x00" and len(frame) >= 34 and frame[23] == 6 and not struct.unpack_from("!H", frame, 20)[0] & 0x3FFF:
            self.l4 = 14 + (frame[14] & 15) * 4
            self.source, self.destination = frame[26:30], frame[30:34]
            self.end = 14 + struct.unpack_from("!H", frame, 16)[0]
        elif kind == b"\x86\xdd" and len(frame) >= 54 and frame[20] == 6:
            self.l4 = 54
            self.source, self.destination = frame[22:38], frame[38:54]
            self.end = 54 + struct.unpack_from("!H", frame, 18)[0]
        if self.l4 is not None and len(frame) < self.l4 + 20:
            self.l4 = None
        if self.l4 is not None:
            self.source_port, self.destination_port = struct.unpack_from("!HH", frame, self.l4)

    def pseudo(self, length):
        if len(self.source) == 16:
            return self.source + self.destination + struct.pack("!I3xB", length, 6)
        return self.source + self.destination + struct.pack("!xBH", 6, length)


def is_of(ip, address, port):
    ours = (frames.packed(address), port)
    return ip.l4 is not None and ours in ((ip.source, ip.source_port), (ip.destination, ip.destination_port))


def moved(frame, ip, server_port, port):
    """The frame with another client's port; a wrong checksum stays wrong."""
    before = frame[ip.l4 : ip.end]
    wrong = checksum(ip.pseudo(len(before)) + before)
    segment = bytearray(before)
    struct.pack_into("!H", segment, 2 if ip.source_port == server_port else 0, port)
    struct.pack_into("!H", segment, 16, 0)
    struct.pack_into("!H", segment, 16, checksum(ip.pseudo(len(segment)) + bytes(segment)) ^ wrong)
    return frame[: ip.l4] + bytes(segment) + frame[ip.end :]


def of_replay(name, port):
    """Both directions of the clients' side of test/pcap's capture `name`, its client moved to `port`."""
    both = [*frames.read_pcap(ROOT / f"test/pcap/in/{name}.pcap"), *frames.read_pcap(ROOT / f"test/pcap/golden/{name}.pcap")]
    chosen = []
    for stamp, frame in sorted(both, key=lambda record: record[0]):
        ip = Ip(frame)
        if is_of(ip, SERVICE, PORT) or is_of(ip, SERVICE6, PORT):
            chosen.append((stamp, moved(frame, ip, PORT, port)))
    return chosen


def ends(records):
    """The pairs of ends, the lesser first, that talk TCP in a capture."""
    found = set()
    for _, frame in records:
        ip = Ip(frame)
        if ip.l4 is not None:
            found.add(tuple(sorted([(ip.source, ip.source_port), (ip.destination, ip.destination_port)])))
    return found


class Batch:
    """Captures of one conversation each that are played at once, as one: no two of them have its ends in common."""

    def __init__(self):
        self.records = []
        self.names = {}  # by pair of ends

    def takes(self, records):
        return not ends(records) & self.names.keys()

    def add(self, name, records):
        """Behind the first, for whom the link address is asked that all the others need, and not quite at once."""
        begin = BEGIN + (FIRST_LEAD + len(self.names) * STAGGER if self.names else 0)
        self.records += [(stamp + begin - records[0][0], frame) for stamp, frame in records]
        self.names.update(dict.fromkeys(ends(records), name))

    def write(self, path):
        self.records.sort(key=lambda record: record[0])
        frames.write_pcap(path, self.records)
        return path


def batches(captures):
    """As few as it takes for {name: records}."""
    made = []
    for name, records in captures.items():
        batch = next((one for one in made if one.takes(records)), None)
        if batch is None:
            made.append(batch := Batch())
        batch.add(name, records)
    return made
