"""Building frames by hand, right or wrong, and putting them on a wire."""

import socket
import struct

TCP, ICMP, ICMPV6 = 6, 1, 58
SYN, ACK, RST, FIN = 0x02, 0x10, 0x04, 0x01


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def pseudo_header(source, destination, protocol, length):
    if ":" in source:
        return packed(source) + packed(destination) + struct.pack("!I3xB", length, protocol)
    return packed(source) + packed(destination) + struct.pack("!xBH", protocol, length)


def tcp(source, destination, port, source_port=40000, flags=SYN, sequence=1, acknowledgement=0, options=b"", offset=None, data=b"", sum_delta=0):
    words = 5 + len(options) // 4 if offset is None else offset
    header = struct.pack("!HHIIBBHHH", source_port, port, sequence, acknowledgement, words << 4, flags, 65535, 0, 0)
    segment = header + options + data
    value = (checksum(pseudo_header(source, destination, TCP, len(segment)) + segment) + sum_delta) & 0xFFFF
    return segment[:16] + struct.pack("!H", value) + segment[18:]


def ipv4(source, destination, protocol, payload, version=4, words=5, total=None, sum_delta=0, options=b""):
    length = 20 + len(options) + len(payload) if total is None else total
    header = struct.pack("!BBHHHBBH", version << 4 | words, 0, length, 1, 0, 64, protocol, 0) + packed(source) + packed(destination) + options
    value = (checksum(header) + sum_delta) & 0xFFFF
    return header[:10] + struct.pack("!H", value) + header[12:] + payload


def ipv6(source, destination, next_header, payload, version=6, length=None):
    size = len(payload) if length is None else length
    return struct.pack("!IHBB", version << 28, size, next_header, 64) + packed(source) + packed(destination) + payload


def ip(source, destination, protocol, payload):
    return (ipv6 if ":" in source else ipv4)(source, destination, protocol, payload)


def echo_request(source, destination, identifier, data):
    """ICMP or ICMPv6 echo request."""
    if ":" in source:
        message = struct.pack("!BBHHH", 128, 0, 0, identifier, 1) + data
        value = checksum(pseudo_header(source, destination, ICMPV6, len(message)) + message)
    else:
        message = struct.pack("!BBHHH", 8, 0, 0, identifier, 1) + data
        value = checksum(message)
    return message[:2] + struct.pack("!H", value) + message[4:]


def fragments(source, destination, protocol, payload, size):
    """The packets that carry `payload` in pieces of `size` bytes, a multiple of eight."""
    packets = []
    for offset in range(0, len(payload), size):
        piece, more = payload[offset : offset + size], offset + size < len(payload)
        if ":" in source:
            header = struct.pack("!BBHI", protocol, 0, offset | more, 77)
            packets.append(ipv6(source, destination, 44, header + piece))
        else:
            whole = ipv4(source, destination, protocol, piece)
            header = whole[:6] + struct.pack("!H", more << 13 | offset // 8) + whole[8:10] + b"\0\0" + whole[12:20]
            packets.append(header[:10] + struct.pack("!H", checksum(header)) + header[12:] + piece)
    return packets


def ethernet(destination, source, kind, payload):
    return mac(destination) + mac(source) + struct.pack("!H", kind) + payload


class Wire:
    """A raw socket on a peer's interface."""

    def __init__(self, namespace, device="eth0"):
        self._socket = namespace.call(self._open, device)
        self.mac = namespace.run("cat", f"/sys/class/net/{device}/address").stdout.strip()

    @staticmethod
    def _open(device):
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        made.bind((device, 0))
        return made

    def send(self, frame):
        self._socket.send(frame)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
