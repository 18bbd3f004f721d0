"""Frames and capture files by hand, for generate.py."""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness.frames import checksum, packed, pseudo_header

OURS = bytes.fromhex("027063617000")  # net_pcap's first address, which terminus-replay's first port has
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128


def mac(number):
    return bytes([2, 0, 0, 0, 0, number])


def ethernet(source, kind, payload, destination=OURS, tag=None):
    vlan = b"" if tag is None else struct.pack("!HH", 0x8100, tag)
    return destination + source + vlan + struct.pack("!H", kind) + payload


def ip(source, destination, protocol, payload, **changes):
    """An IP packet; `changes` are fields that are to be other than right."""
    if ":" in source:
        length = changes.get("length", len(payload))
        head = struct.pack("!IHBB", changes.get("version", 6) << 28, length, protocol, changes.get("ttl", 64))
        return head + packed(source) + packed(destination) + payload
    length = changes.get("length", 20 + len(payload))
    head = bytearray(
        struct.pack("!BBHHHBBH", changes.get("version", 4) << 4 | changes.get("words", 5), changes.get("tos", 0), length, changes.get("id", 1),
                    changes.get("fragment", 0x4000), changes.get("ttl", 64), protocol, 0)
        + packed(source) + packed(destination))
    struct.pack_into("!H", head, 10, checksum(bytes(head)) ^ changes.get("spoil", 0))
    return bytes(head) + payload


def tcp(source, source_port, destination, destination_port, flags, seq, ack=0, window=65535, options=b"", text=b"", **changes):
    words = changes.get("words", 5 + len(options) // 4)
    head = bytearray(struct.pack("!HHIIBBHHH", source_port, destination_port, seq % 2**32, ack % 2**32, words << 4, flags, window, 0, changes.get("urgent", 0)))
    segment = head + options + text
    struct.pack_into("!H", segment, 16, checksum(pseudo_header(source, destination, 6, len(segment)) + bytes(segment)) ^ changes.get("spoil", 0))
    return bytes(segment)


def echo(source, destination, number, text=b"ping", **changes):
    kind, protocol = (128, 58) if ":" in source else (8, 1)
    return icmp(source, destination, kind, 0, struct.pack("!HH", 7, number) + text, protocol, **changes)


def icmp(source, destination, kind, code, rest, protocol=1, **changes):
    message = bytearray(struct.pack("!BBH", kind, code, 0) + rest)
    sums = bytes(message) if protocol == 1 else pseudo_header(source, destination, protocol, len(message)) + bytes(message)
    struct.pack_into("!H", message, 2, checksum(sums) ^ changes.get("spoil", 0))
    return ip(source, destination, protocol, bytes(message), ttl=255)


def arp(operation, sender_mac, sender, target_mac, target):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + sender_mac + packed(sender) + target_mac + packed(target)


def neighbour(kind, source, destination, target, link, flags=0):
    """A solicitation (135) or an advertisement (136), with the sender's link address."""
    option = struct.pack("!BB", 1 if kind == 135 else 2, 1) + link
    return icmp(source, destination, kind, 0, struct.pack("!I", flags << 24) + packed(target) + option, 58)


def mss(value):
    return struct.pack("!BBH", 2, 4, value)


SACK_PERMITTED = b"\4\2\1\1"


def timestamps(value, echo):
    return struct.pack("!BBBBII", 1, 1, 8, 10, value, echo)


def sack(*blocks):
    return struct.pack(f"!BBBB{2 * len(blocks)}I", 1, 1, 5, 2 + 8 * len(blocks), *[edge % 2**32 for block in blocks for edge in block])


def write_pcap(path, records, link=1, nanoseconds=True, snap=262144):
    """Records are (nanoseconds since 1970, frame)."""
    out = struct.pack("<IHHIIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, snap, link)
    for stamp, frame in records:
        kept = frame[:snap]
        fraction = stamp % 10**9 if nanoseconds else stamp % 10**9 // 1000
        out += struct.pack("<IIII", stamp // 10**9, fraction, len(kept), len(frame)) + kept
    path.write_bytes(out)


def write_pcapng(path, records):
    out = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    out += struct.pack("<IIHHIHHBxxxHHI", 1, 32, 1, 0, 262144, 9, 1, 9, 0, 0, 32)
    for stamp, frame in records:
        padded = frame + b"\0" * (-len(frame) % 4)
        size = 32 + len(padded)
        out += struct.pack("<IIIIIII", 6, size, 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame)) + padded + struct.pack("<I", size)
    path.write_bytes(out)


def read_pcap(path):
    """What terminus-replay writes."""
    data, at, records = path.read_bytes(), 24, []
    while at < len(data):
        seconds, fraction, kept, _ = struct.unpack_from("<IIII", data, at)
        records.append((seconds * 10**9 + fraction, data[at + 16 : at + 16 + kept]))
        at += 16 + kept
    return records
