"""The captures of scripts/bench-replay: made by what terminus-replay answers, of any size.

Time is a row of slots with a packet each. When a packet is due follows from its number alone, and what it acknowledges
from the initial sequence numbers and ports that Terminus chooses, which a few replays of what there is so far tell.
"""

import pathlib
import random
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "test/pcap"))
import frames
from frames import ACK, FIN, PSH, SYN

BEGIN = 1_700_000_000 * 10**9
SLOT = 4_000  # nanoseconds: longer than a turn, which takes one microsecond of virtual time
RAMP = 64  # slots before the first session
MSS = 1448
ROUTER, SERVICE, OURS = "192.0.2.1", "192.0.2.80", "192.0.2.2"
BACKENDS = [f"192.0.2.{10 + number}" for number in range(4)]
REQUEST, RESPONSE = bytes(100), bytes(1000)

CONFIG = """
ports:
  - {name: front, device: net_pcap0, addresses: [192.0.2.2/24]}
routes: [{to: 0.0.0.0/0, via: 192.0.2.1}]
pools:
  - name: web
    backends: [%s]
services:
  - {name: www, listen: [192.0.2.80:80], pool: web}
limits: {connections: 65536}
tcp: {max_syn_backlog: %d}
"""
POOL = ", ".join(f'{{name: b{number}, address: "{address}:8080"}}' for number, address in enumerate(BACKENDS))


def sum_of(data):
    """The sum of 16-bit words that checksums are made of, but for its carries; the length is even."""
    return int.from_bytes(data, "big") % 0xFFFF


TEXT_SUMS = {text: sum_of(text + b"\0" * (len(text) % 2)) for text in (b"", REQUEST, RESPONSE, bytes(MSS))}


class End:
    """One end of a connection with Terminus: makes its segments."""

    def __init__(self, mac, address, port, peer, peer_port, isn):
        self.ethernet = frames.OURS + frames.mac(mac) + b"\x08\0"
        self.addresses = frames.packed(address) + frames.packed(peer)
        self.address_sum = sum_of(self.addresses)
        self.port, self.peer_port, self.isn = port, peer_port, isn
        self.peer_isn = self.peer_stamp = 0

    def segment(self, stamp, flags, said=0, heard=0, text=b""):
        """`said` and `heard` are sequence numbers from the SYN's on; `stamp` is the time in nanoseconds."""
        clock = stamp // 10**6 & 0xFFFFFFFF
        if flags & SYN:
            options = b"\2\4\x05\xb4\4\2\x08\x0a" + struct.pack("!II", clock, self.peer_stamp) + b"\1\3\3\7"
        else:
            options = b"\1\1\x08\x0a" + struct.pack("!II", clock, self.peer_stamp)
        ack = self.peer_isn + heard if flags & ACK else 0
        length = 20 + len(options) + len(text)
        tcp = struct.pack("!HHIIBBHHH", self.port, self.peer_port, self.isn + said & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                          (5 + len(options) // 4) << 4, flags, 65535, 0, 0)
        tcp_sum = 0xFFFF - (sum_of(tcp + options) + self.address_sum + 6 + length + TEXT_SUMS[text]) % 0xFFFF
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0x4000, 64, 6, 0)
        ip_sum = 0xFFFF - (sum_of(ip) + self.address_sum) % 0xFFFF
        return b"".join((self.ethernet, ip[:10], struct.pack("!H", ip_sum), self.addresses, tcp[:16],
                         struct.pack("!H", tcp_sum), tcp[18:], options, text))

    def learn(self, isn, stamp):
        self.peer_isn, self.peer_stamp = isn, stamp


def client(number):
    return End(1, f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 40000 + number % 10000, SERVICE, 80, number)


def openings(frames_sent):
    """Of what Terminus sent: by client (address and port) the SYN-ACK, and the backends' SYNs in their order. Each is
    (address, port, sequence number, timestamp)."""
    accepted, opened = {}, {}
    for _, frame in frames_sent:
        if frame[12:14] != b"\x08\0" or not frame[47] & SYN:
            continue
        source_port, port, isn = struct.unpack_from("!HHI", frame, 34)
        stamp = int.from_bytes(frame[62:66], "big")
        if frame[47] & ACK:
            accepted.setdefault((frame[30:34], port), (isn, stamp))
        else:
            opened.setdefault((frame[30:34], source_port, isn), stamp)
    return accepted, [(*key, stamp) for key, stamp in opened.items()]


class Program:
    """terminus-replay, and the folder that its files are in."""

    def __init__(self, path, folder, backlog, burst):
        self.path, self.folder, self.burst = path, folder, burst
        self.config = folder / f"backlog-{backlog}.yaml"
        self.config.write_text(CONFIG % (POOL, backlog))

    def answers(self, packets):
        """What is sent when these come, as records."""
        given, made = self.folder / "so-far.pcap", self.folder / "answers.pcap"
        write(given, packets, self.burst)
        subprocess.run(self.command(given, made), check=True, stdout=subprocess.DEVNULL)
        return frames.read_pcap(made)

    def command(self, given, made, *options):
        return [self.path, f"--vdev=net_pcap0,rx_pcap={given},tx_pcap={made}", "--", "-c", self.config, "--limit=0", *options]


def arp():
    """Everybody asks for the address of ours that it needs, and Terminus knows its own from then on."""
    for number, address in [(1, ROUTER)] + [(10 + number, address) for number, address in enumerate(BACKENDS)]:
        asked = SERVICE if number == 1 else OURS
        yield number, frames.ethernet(frames.mac(number), 0x0806, frames.arp(1, frames.mac(number), address, bytes(6), asked), b"\xff" * 6)


def write(path, packets, burst=1):
    """`packets` are (slot, frame); those of `burst` slots come at once."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
        for slot, frame in sorted(packets, key=lambda one: one[0]):
            stamp = time_of(slot // burst * burst)
            out.write(struct.pack("<IIII", stamp // 10**9, stamp % 10**9, len(frame), len(frame)) + frame)


def time_of(slot):
    return BEGIN + slot * SLOT


class Sessions:
    """Clients that connect, ask, are answered and close: the eleven packets of each session, from both sides. Ten thousand are
    open at a time."""

    BACKLOG = 262144  # a replay of SYNs alone leaves all of them half-open
    BACKLOG = 262144  # a replay of SYNs alone leaves all of them half-open
    PACKETS = 11
    PHASE = 1600 * PACKETS  # slots from one answer to the next: 70 ms

    def __init__(self, count):
        self.count = count // self.PACKETS
        self.clients = [client(number) for number in range(self.count)]
        self.backends = []

    def slot(self, session, packet, phase):
        return RAMP + session * self.PACKETS + packet + phase * self.PHASE

    def make(self, program):
        """The packets. Where a backend's peer is depends on the sessions that were closed before, so it is looked for until
        it stays the same."""
        begun = list(arp()) + [self.at(i, 0, 0, one, SYN) for i, one in enumerate(self.clients)]
        accepted, _ = openings(program.answers(begun))
        for one in self.clients:
            one.learn(*accepted[one.addresses[:4], one.port])
        begun += [packet for i in range(self.count) for packet in self.asked(i)]
        known = []
        while True:
            packets = begun + [packet for i in range(len(known)) for packet in self.answered(i)]
            _, opened = openings(program.answers(packets))
            if opened == known:
                return packets
            known = opened[: self.count]
            self.backends = [self.backend(*one) for one in known]

    @staticmethod
    def backend(address, port, isn, stamp):
        one = End(address[3], f"192.0.2.{address[3]}", 8080, OURS, port, 7)
        one.learn(isn, stamp)
        return one

    def at(self, session, packet, phase, end, *segment):
        slot = self.slot(session, packet, phase)
        return slot, end.segment(time_of(slot), *segment)

    def asked(self, i):
        one = self.clients[i]
        yield self.at(i, 1, 1, one, ACK, 1, 1)
        yield self.at(i, 2, 1, one, ACK | PSH, 1, 1, REQUEST)

    def answered(self, i):
        one, other = self.clients[i], self.backends[i]
        said, answered = 1 + len(REQUEST), 1 + len(RESPONSE)
        yield self.at(i, 3, 2, other, SYN | ACK, 0, 1)
        yield self.at(i, 4, 3, other, ACK, 1, said)
        yield self.at(i, 5, 3, other, ACK | PSH, 1, said, RESPONSE)
        yield self.at(i, 6, 4, one, ACK, said, answered)
        yield self.at(i, 7, 4, one, ACK | FIN, said, answered)
        yield self.at(i, 8, 5, other, ACK, answered, said + 1)
        yield self.at(i, 9, 5, other, ACK | FIN, answered, said + 1)
        yield self.at(i, 10, 6, one, ACK, said + 1, answered + 1)


class Bulk(Sessions):
    """Sixteen long responses: two segments of a backend, the client's ACK of the two before, and so on in turn."""

    CONNECTIONS = 16

    def __init__(self, count):
        super().__init__(self.CONNECTIONS * self.PACKETS)
        self.rounds = count // (3 * self.CONNECTIONS)

    def answered(self, i):
        one, other = self.clients[i], self.backends[i]
        said = 1 + len(REQUEST)
        yield self.at(i, 3, 2, other, SYN | ACK, 0, 1)
        yield self.at(i, 4, 3, other, ACK, 1, said)
        begin = self.slot(0, 0, 4) + 3 * i
        for number in range(self.rounds):
            slot, sent = begin + number * 3 * self.CONNECTIONS, 1 + 2 * number * MSS
            for piece in range(2):
                yield slot + piece, other.segment(time_of(slot + piece), ACK, sent + piece * MSS, said, bytes(MSS))
            yield slot + 2, one.segment(time_of(slot + 2), ACK, said, sent)


class Flood:
    """SYNs from everywhere, none of which is followed by an ACK: most are answered with SYN cookies."""

    BACKLOG = 4096

    BACKLOG = 4096

    def __init__(self, count):
        self.count = count

    def make(self, program):
        chance = random.Random(1)
        packets = list(arp())
        for number in range(self.count):
            one = End(1, f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}",
                      chance.randrange(1024, 65536), SERVICE, 80, chance.randrange(2**32))
            packets.append((RAMP + number, one.segment(time_of(RAMP + number), SYN)))
        return packets


KINDS = {"sessions": Sessions, "bulk": Bulk, "flood": Flood}
