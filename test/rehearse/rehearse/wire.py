"""Reading what a wire carries, and judging its checksums."""

import socket
import struct

from harness.frames import TCP, checksum

ETH_P_ALL = 3
IPV4, IPV6 = 0x0800, 0x86DD
OUTGOING = 4  # PACKET_OUTGOING of a frame's address: the peer's own


class Capture:
    """The frames that arrive at a peer's eth0 while entered; read after the traffic, from the socket's buffer."""

    def __init__(self, namespace):
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self._socket.bind(("eth0", ETH_P_ALL))
        self._socket.setblocking(False)

    def frames(self):
        while True:
            try:
                frame, address = self._socket.recvfrom(1 << 16)
            except BlockingIOError:
                return
            if address[2] != OUTGOING:
                yield frame

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


def wrong(frame):
    """What is wrong with a frame of TCP: None for nothing; "other" when it has no TCP."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == IPV4 and frame[23] == TCP:
        words = (frame[14] & 15) * 4
        end = 14 + struct.unpack_from("!H", frame, 16)[0]
        if checksum(frame[14 : 14 + words]) != 0:
            return "IPv4 header checksum"
        segment, addresses = frame[14 + words : end], frame[26:34]
    elif kind == IPV6 and frame[20] == TCP:
        segment, addresses = frame[54 : 54 + struct.unpack_from("!H", frame, 18)[0]], frame[22:54]
    else:
        return "other"
    pseudo = addresses + struct.pack("!II", len(segment), TCP)
    return None if checksum(pseudo + segment) == 0 else "TCP checksum"
