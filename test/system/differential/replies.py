"""What a server answered to each packet of a client, in words that leave out what may be either way.

A reply is its kind, its numbers counted from the ISNs, the options it has, whether its window is closed, and where a timer
decides, a class of time. PSH, the segments that text is cut into, and timestamps' values are left out.
"""

import dataclasses
import ipaddress
import struct

from .recordings import Ip, frames

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
LETTERS = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (URG, "URG"), (ECE, "ECE"), (CWR, "CWR"))
MILLISECOND = 10**6
# A delayed ACK takes 40 ms at least, a time-out 200, and the third of them in a row 800.
CLASSES = (
    (25 * MILLISECOND, "at once"), (120 * MILLISECOND, "delayed"), (700 * MILLISECOND, "after a fraction of a second"),
    (float("inf"), "after a second"))
TAIL = 2300 * MILLISECOND  # behind the time-outs of 0.2, 0.4 and 0.8 s, one after the other, and before the next one
NEW = {"data", "FIN", "data and FIN", "SYN-ACK"}
OPTIONS = {2: "mss", 3: "ws", 4: "sackOK", 5: "sack", 8: "ts", 34: "tfo"}


@dataclasses.dataclass
class Packet:
    stamp: int
    is_client: bool
    flags: int
    seq: int
    ack: int
    window: int
    length: int
    options: list
    sack: list

    @property
    def end(self):
        return self.seq + self.length + bool(self.flags & SYN) + bool(self.flags & FIN)


def read_options(data):
    names, sack, at = [], [], 0
    while at < len(data):
        kind = data[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        if at + 1 >= len(data) or data[at + 1] < 2 or at + data[at + 1] > len(data):
            names.append("broken")
            break
        body = data[at + 2 : at + data[at + 1]]
        names.append(OPTIONS.get(kind, f"option {kind}"))
        if kind == 5:
            edges = struct.unpack(f"!{len(body) // 4}I", body[: len(body) // 4 * 4])
            sack += list(zip(edges[::2], edges[1::2]))
        at += data[at + 1]
    return sorted(names), sack


def read_packet(stamp, frame, ip, is_client):
    _, _, seq, ack, words, flags, window = struct.unpack_from("!HHIIBBH", frame, ip.l4)
    text = ip.l4 + (words >> 4) * 4
    names, sack = read_options(frame[ip.l4 + 20 : text])
    return Packet(stamp, is_client, flags, seq, ack if flags & ACK else 0, window, max(0, ip.end - text), names, sack)


def conversations(records, servers):
    """{pair of ends: packets of both directions}; `servers` are (address, port)s, packed."""
    found = {}
    for stamp, frame in records:
        ip = Ip(frame)
        if ip.l4 is None:
            continue
        source, destination = (ip.source, ip.source_port), (ip.destination, ip.destination_port)
        if source in servers or destination in servers:
            found.setdefault(tuple(sorted([source, destination])), []).append(read_packet(stamp, frame, ip, destination in servers))
    return found


def name_of(end):
    address = ipaddress.ip_address(end[0])
    return f"[{address}]:{end[1]}" if address.version == 6 else f"{address}:{end[1]}"


def signed(number):
    return (number + 2**31) % 2**32 - 2**31


@dataclasses.dataclass
class Slot:
    """A client's packet and what the server sent before the next one."""

    packet: str
    replies: list


class Account:
    """Turns a conversation's packets into words, one after the other."""

    def __init__(self, packets):
        first = next(p for p in packets if p.is_client)
        self._client_isn = first.seq if first.flags & SYN else (first.seq - 1) % 2**32
        answer = next((p for p in packets if not p.is_client and p.flags & SYN), None)
        self._server_isn = answer.seq if answer else None
        self._cause = None  # the client's last packet
        self._last_sent = 0  # when the server did
        self._forget()

    def _forget(self):
        self._sent = 0  # the server's next number
        self._acknowledged = -1  # the client's next number, as the server said
        self._offered = 0  # the server's window, as in the header
        self._accepted = False

    def _begin_anew(self, syn_ack):
        """Another connection between the same ends."""
        self._client_isn, self._server_isn = (syn_ack.ack - 1) % 2**32, syn_ack.seq
        self._forget()

    def _of_client(self, number):
        return signed(number - self._client_isn)

    def _of_server(self, number):
        return None if self._server_isn is None else signed(number - self._server_isn)

    def of_client(self, packet):
        """The client's packet in words."""
        self._cause = packet
        flags = [letters for bit, letters in LETTERS if packet.flags & bit]
        seq = self._of_client(packet.seq)
        made = ["|".join(flags) or ("data" if packet.length else "ACK" if packet.flags & ACK else "no flags")]
        made.append(f"{seq}-{seq + packet.length}" if packet.length else str(seq))
        if packet.flags & ACK:
            ack = self._of_server(packet.ack)
            made.append(f"ack {'?' if ack is None else ack}")
        elif not packet.flags & (SYN | RST):
            made.append("without ACK")
        if packet.window == 0 and not packet.flags & (RST | SYN):
            made.append("window 0")
        made += [name for name in packet.options if packet.flags & SYN or name == "broken"]
        made += [f"sack {self._of_server(left)}-{self._of_server(right)}" for left, right in packet.sack]
        return " ".join(made)

    def of_server(self, packet):
        """The server's in a list of words, its kind first."""
        if packet.flags & SYN and packet.seq != self._server_isn:
            self._begin_anew(packet)
        kind, timer = self._kind(packet)
        made = [kind]
        if packet.length:
            seq = self._of_server(packet.seq)
            made.append(f"{seq}-{seq + packet.length}")
        if packet.flags & ACK:
            made.append(f"ack {self._of_client(packet.ack)}")
        made += [letters for bit, letters in ((URG, "URG"), (ECE, "ECE"), (CWR, "CWR")) if packet.flags & bit]
        if packet.flags & RST:
            made.append(self._number_of_reset(packet))
        elif packet.window == 0:
            made.append("window 0")
        made += [name for name in packet.options if name != "sack"]
        made += [f"sack {self._of_client(left)}-{self._of_client(right)}" for left, right in packet.sack]
        self._note(packet)
        return made + ([timer] if timer else [])

    def _number_of_reset(self, packet):
        if packet.seq == 0:
            return "seq 0"
        if self._cause.flags & ACK and packet.seq == self._cause.ack:
            return "seq as acknowledged"
        number = self._of_server(packet.seq)
        return "seq of its own" if number is None else "seq next" if number == self._sent else f"seq {number}"

    def _kind(self, packet):
        """A reply's kind and its class of time, where a timer decides."""
        if packet.flags & RST:
            return ("RST|ACK" if packet.flags & ACK else "RST"), None
        if packet.flags & SYN:
            return ("SYN-ACK again", self._since(packet)) if self._accepted else ("SYN-ACK", None)
        seq, end = self._of_server(packet.seq), self._of_server(packet.end)
        if seq is None:
            return "segment of no connection", None
        if end == seq:
            return self._kind_of_ack(packet, seq)
        kind = "data and FIN" if packet.length and packet.flags & FIN else "FIN" if packet.flags & FIN else "data"
        return (f"{kind} again", self._since(packet)) if end <= self._sent else (kind, None)

    def _kind_of_ack(self, packet, seq):
        if seq < self._sent:
            return "probe", self._since(packet)
        if self._of_client(packet.ack) > self._acknowledged:
            return "ACK", self._since(packet)
        # A larger window is what this one says, unless the client's packet wanted an answer.
        wants_none = not self._cause.length and not self._cause.flags & (SYN | FIN | RST)
        if wants_none and packet.window > self._offered:
            return "window update", None
        return "ACK of the same", self._since(packet)

    def _since(self, packet):
        """Since the later of the client's packet and what the server sent before."""
        gap = packet.stamp - max(self._cause.stamp, self._last_sent)
        return next(name for limit, name in CLASSES if gap < limit)

    def _note(self, packet):
        self._last_sent = packet.stamp
        self._accepted |= bool(packet.flags & SYN)
        if packet.flags & RST or self._server_isn is None:
            return
        self._sent = max(self._sent, self._of_server(packet.end))
        self._acknowledged = max(self._acknowledged, self._of_client(packet.ack))
        self._offered = packet.window


def merged(replies):
    """Text in one piece, however it was cut."""
    made = []
    for words in replies:
        before = made[-1] if made else None
        if before and before[0] in ("data", "data again") and words[0] == before[0] and before[2:] == words[2:]:
            begin, middle = before[1].rsplit("-", 1)
            if words[1].startswith(f"{middle}-"):
                before[1] = f"{begin}-{words[1].rsplit('-', 1)[1]}"
                continue
        made.append(list(words))
    return [" ".join(words) for words in made]


def slots(packets):
    """What happened, packet of the client by packet. What is only said again counts until TAIL after the last news."""
    if not any(p.is_client for p in packets):
        return []
    account, made, until = Account(packets), [], 0
    for packet in sorted(packets, key=lambda p: p.stamp):
        if packet.is_client:
            made.append(Slot(account.of_client(packet), []))
            until = packet.stamp + TAIL
        elif made:
            words = account.of_server(packet)
            if words[0] in NEW:
                until = packet.stamp + TAIL
            if packet.stamp <= until:
                made[-1].replies.append(words)
    return [Slot(slot.packet, merged(slot.replies)) for slot in made]
