"""A recorded conversation written down packet by packet: what a client did, and what some server answered."""

from .recordings import BEGIN, PORT, SERVICE, frames
from .replies import ACK, FIN, MILLISECOND, PSH, RST, SYN

CLIENT = "192.0.2.1"
CLIENT_MAC, SERVER_MAC = frames.mac(1), frames.mac(80)
CLIENT_ISN, SERVER_ISN = 1000, 70_000
ROUND_TRIP = 40 * MILLISECOND  # so long that a busy machine seldom makes a client look as if it had lost something
THOUGHT = 100 * MILLISECOND  # of the application: longer than a delayed ACK takes, and than a busy machine is late
PAUSE = 600 * MILLISECOND  # of the client: longer than a time-out, and than Linux waits from challenge ACK to challenge ACK
REQUEST, RESPONSE = b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nhello\n"


class Talk:
    """The client's packets as they are to be played; the server's only say what the client had heard before."""

    def __init__(self, port, stamps=False, service_port=PORT):
        self.port, self.service_port = port, service_port
        self.records, self.clock = [], BEGIN
        self.seq, self.ack = CLIENT_ISN, 0  # the client's
        self.server_seq, self.server_ack = SERVER_ISN, 0
        self.stamps = stamps
        self.stamp = 1_000_000  # the client's TSval at the next packet, less the milliseconds that passed
        self.server_stamp = 0

    def milliseconds(self):
        return (self.clock - BEGIN) // MILLISECOND

    def timestamps(self, value, echo):
        return b"\1\1\10\12" + value.to_bytes(4, "big") + echo.to_bytes(4, "big")

    def client(self, flags, text=b"", options=b"", after=PAUSE, stray=False, **changes):
        """A packet of the client's; `stray` ones don't count, as if the client didn't remember them."""
        self.clock += after
        seq = changes.pop("seq", self.seq)
        ack = changes.pop("ack", self.ack if flags & ACK else 0)
        stamp = changes.pop("stamp", self.stamp + self.milliseconds())
        if self.stamps and stamp is not None:
            options += self.timestamps(stamp, self.server_stamp)
        self._put(CLIENT_MAC, frames.tcp(CLIENT, self.port, SERVICE, self.service_port, flags, seq, ack, options=options, text=text, **changes), True)
        if not stray:
            self.seq = max(self.seq, seq + len(text) + bool(flags & SYN) + bool(flags & FIN))
            self.server_ack = self.seq

    def server(self, flags, text=b"", options=b"", after=MILLISECOND, heard=True, **changes):
        """A packet of the server's, which the client acknowledges from now on, if it `heard` it."""
        self.clock += after
        seq = changes.pop("seq", self.server_seq)
        ack = changes.pop("ack", self.server_ack if flags & ACK else 0)
        self.server_stamp = 5000 + self.milliseconds()
        if self.stamps and not flags & RST:
            options += self.timestamps(self.server_stamp, self.stamp + self.milliseconds())
        self._put(SERVER_MAC, frames.tcp(SERVICE, self.service_port, CLIENT, self.port, flags, seq, ack, options=options, text=text, **changes), False)
        if seq == self.server_seq:
            self.server_seq += len(text) + bool(flags & SYN) + bool(flags & FIN)
        if heard:
            self.ack = self.server_seq

    def _put(self, source, segment, is_from_client):
        here, there = (CLIENT, SERVICE) if is_from_client else (SERVICE, CLIENT)
        packet = frames.ip(here, there, 6, segment)
        self.records.append((self.clock, frames.ethernet(source, 0x0800, packet, SERVER_MAC if is_from_client else CLIENT_MAC)))

    def renumber(self):
        """Another connection of the same two ends, numbered behind the one before."""
        self.seq += 100_000
        self.server_seq += 100_000

    # --- what many scenes have ---

    def open(self, options=None, scale=None):
        self.begin(options, scale)
        self.client(ACK, after=ROUND_TRIP)

    def begin(self, options=None, scale=None):
        """SYN and SYN-ACK."""
        options = frames.mss(1460) + frames.SACK_PERMITTED if options is None else options
        scaled = bytes([1, 3, 3, scale]) if scale is not None else b""
        self.client(SYN, options=options + scaled)
        self.server(SYN | ACK, options=frames.mss(1460) + frames.SACK_PERMITTED + scaled)

    def ask(self, text=REQUEST, **changes):
        """A request and the ACK of it."""
        self.client(PSH | ACK, text, **changes)
        self.server(ACK)

    def answer(self, text=RESPONSE, after=THOUGHT, **changes):
        """The application's response."""
        self.server(PSH | ACK, text, after=after, **changes)

    def serve(self, **changes):
        """Request, response, and the ACK of it."""
        self.ask(**changes)
        self.answer()
        self.client(ACK, after=ROUND_TRIP)
