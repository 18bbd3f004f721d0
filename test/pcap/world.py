"""What generate.py's scenes are made of: a wire with hosts that answer what terminus-replay sends.

A replay gives the same bytes each time, so a scene finds out what its hosts must answer by replaying what it has so
far: the input grows until nothing is left to be answered.
"""

import ipaddress
import pathlib
import struct
import subprocess
import tempfile

import frames
from frames import ACK, FIN, PSH, RST, SYN

BEGIN = 1_700_000_000 * 10**9
MILLISECOND = 10**6
ROUND_TRIP = 200_000  # nanoseconds until a host answers
HORIZON = MILLISECOND  # what comes later than this after the last packet is not waited for
HOSTS = {
    "192.0.2.1": frames.mac(1),
    "192.0.2.10": frames.mac(10),
    "2001:db8::1": frames.mac(1),
    "2001:db8::10": frames.mac(10),
}


class Segment:
    """A TCP segment that was sent by Terminus."""

    def __init__(self, stamp, frame):
        self.stamp = stamp
        is_v6 = frame[12:14] == b"\x86\xdd"
        at = 14 + (40 if is_v6 else 20)
        self.destination = frame[38:54] if is_v6 else frame[30:34]
        length = struct.unpack_from("!H", frame, 18)[0] if is_v6 else struct.unpack_from("!H", frame, 16)[0] - 20
        self.source_port, self.destination_port, self.seq, self.ack = struct.unpack_from("!HHII", frame, at)
        self.flags = frame[at + 13]
        self.options = frame[at + 20 : at + (frame[at + 12] >> 4) * 4]
        self.text = frame[at + (frame[at + 12] >> 4) * 4 : 14 + (40 if is_v6 else 20) + length]
        self.next_seq = self.seq + len(self.text) + bool(self.flags & SYN) + bool(self.flags & FIN)


class World:
    def __init__(self, program, config, silent=()):
        self.program, self.config = program, config
        self.hosts = {address: mac for address, mac in HOSTS.items() if address not in silent}
        self.clock = BEGIN
        self.records = []
        self.answered = set()

    def send(self, frame, after=10 * MILLISECOND):
        """`frame` goes out `after` nanoseconds after what was sent last."""
        self.clock += after
        self.records.append((self.clock, frame))

    def send_all(self, *all_frames, after=MILLISECOND):
        for frame in all_frames:
            self.send(frame, after)

    def wait(self, seconds):
        self.clock += int(seconds * 10**9)

    def outcome(self, until=None):
        """What Terminus sends until then, or ever, with each question for a host's address answered in its turn: an answer
        changes what comes after it."""
        while True:
            out = self.replay(1 if until else 300)
            if until:
                out = [(stamp, frame) for stamp, frame in out if stamp <= until]
            question = next((one for one in out if self.is_question(one[1]) and one not in self.answered), None)
            if question is None:
                return out
            self.answered.add(question)
            self.records.append((question[0] + ROUND_TRIP, self.answer(question[1])))
            self.records.sort(key=lambda record: record[0])

    def replay(self, limit):
        with tempfile.TemporaryDirectory() as folder:
            given, made = pathlib.Path(folder, "in.pcap"), pathlib.Path(folder, "out.pcap")
            frames.write_pcap(given, self.records)
            subprocess.run(
                [self.program, f"--vdev=net_pcap0,rx_pcap={given},tx_pcap={made}", "--", "-c", self.config, f"--limit={limit}"],
                check=True, stdout=subprocess.DEVNULL)
            return frames.read_pcap(made)

    def is_question(self, frame):
        return self.asked_for(frame) in {frames.packed(address) for address in self.hosts}

    @staticmethod
    def asked_for(frame):
        if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1" and frame[28:32] != frame[38:42]:
            return frame[38:42]
        if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 135:
            return frame[62:78]
        return None

    def answer(self, frame):
        asked = self.asked_for(frame)
        host = next(address for address in self.hosts if frames.packed(address) == asked)
        link = self.hosts[host]
        if ":" in host:
            asker = str(ipaddress.ip_address(frame[22:38]))
            return frames.ethernet(link, 0x86DD, frames.neighbour(136, host, asker, host, link, flags=0x60))
        asker = str(ipaddress.ip_address(frame[28:32]))
        return frames.ethernet(link, 0x0806, frames.arp(2, link, host, frames.OURS, asker))


class Host:
    """One end of a TCP connection with Terminus. What it acknowledges it has learnt from a replay."""

    def __init__(self, world, address, port, peer, peer_port, isn=1000):
        self.world, self.address, self.port, self.peer, self.peer_port = world, address, port, peer, peer_port
        self.seq, self.ack = isn, 0
        self.mac = HOSTS[address]
        self.window = 65535

    def segments(self):
        """What came for this end so far."""
        made = [Segment(*record) for record in self.world.outcome(self.world.clock + HORIZON) if is_tcp(record[1])]
        mine = [one for one in made if one.destination == frames.packed(self.address)]
        return [one for one in mine if one.destination_port == self.port and self.peer_port in (None, one.source_port)]

    def learn(self):
        """Everything that came in order will be acknowledged; a backend learns who its peer is."""
        for one in self.segments():
            if self.peer_port is None:
                self.peer_port = one.source_port
            if one.flags & SYN or one.seq == self.ack:
                self.ack = one.next_seq
                self.last = one
        self.world.clock = max(self.world.clock, self.last.stamp)

    def segment(self, flags, text=b"", options=b"", **changes):
        seq, ack = changes.pop("seq", self.seq), changes.pop("ack", self.ack if flags & ACK else 0)
        window = changes.pop("window", self.window)
        tos = changes.pop("tos", 0)
        segment = frames.tcp(self.address, self.port, self.peer, self.peer_port, flags, seq, ack, window, options, text, **changes)
        kind = 0x86DD if ":" in self.address else 0x0800
        return frames.ethernet(self.mac, kind, frames.ip(self.address, self.peer, 6, segment, tos=tos))

    def option(self, kind):
        """The value of an option of what was learnt last."""
        at, options = 0, self.last.options
        while options[at] != kind:
            at += 1 if options[at] == 1 else options[at + 1]
        return options[at + 2 : at + options[at + 1]]

    def send(self, flags, text=b"", options=b"", after=10 * MILLISECOND, **changes):
        self.world.send(self.segment(flags, text, options, **changes), after)
        if "seq" not in changes:
            self.seq += len(text) + bool(flags & SYN) + bool(flags & FIN)

    def open(self, options=b"", **changes):
        """The client's handshake."""
        self.send(SYN, options=options or frames.mss(1460) + frames.SACK_PERMITTED, **changes)
        self.learn()
        self.send(ACK, after=ROUND_TRIP)

    def accept(self, options=b""):
        """The backend's."""
        self.learn()
        self.send(SYN | ACK, options=options or frames.mss(1460) + frames.SACK_PERMITTED, after=ROUND_TRIP)

    def say(self, text, after=10 * MILLISECOND):
        self.learn()
        self.send(PSH | ACK, text, after=after)

    def acknowledge(self, after=ROUND_TRIP):
        self.learn()
        self.send(ACK, after=after)

    def finish(self, after=10 * MILLISECOND):
        self.learn()
        self.send(FIN | ACK, after=after)

    def reset(self, after=10 * MILLISECOND):
        self.learn()
        self.send(RST | ACK, after=after)


def is_tcp(frame):
    return frame[12:14] == b"\x08\0" and frame[23] == 6 or frame[12:14] == b"\x86\xdd" and frame[20] == 6
