"""Sends prepared frames on an interface as fast as the kernel takes them, until it is stopped: half of the generator of `limits`.

    flood.py INTERFACE DESTINATION_MAC DESTINATION_ADDRESS BYTES

An AF_PACKET socket and sendmmsg(), a thousand frames a call; reflectors.py has each of them multiplied on its way. The frames are SYNs of a kernel's kind, from many addresses that nobody has (RFC 2544's),
so testpmd has small frames to forward and Terminus something to answer. Larger frames are the same and a trailer.
"""

import ctypes
import os
import pathlib
import socket
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "system"))
from harness import frames  # noqa: E402

SOURCES = "198.18.0.0/15"
BATCH = 1024
OPTIONS = struct.pack("!BBHBBBBIIBBB", 2, 4, 1460, 4, 2, 8, 10, 1, 0, 1, 3, 3) + b"\x07"
PACKET_QDISC_BYPASS = 20


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


class Message(ctypes.Structure):
    """struct mmsghdr: a struct msghdr, and how much of it was sent."""

    _fields_ = [
        ("name", ctypes.c_void_p), ("name_size", ctypes.c_uint32), ("vectors", ctypes.POINTER(Vector)), ("vectors_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t), ("flags", ctypes.c_int), ("sent", ctypes.c_uint),
    ]


def syn(number, source_mac, destination_mac, destination):
    source = f"198.{18 + (number >> 13 & 1)}.{number >> 5 & 255}.{number % 32 + 1}"
    segment = frames.tcp(source, destination, 80, 1024 + number, sequence=number * 7919, options=OPTIONS)
    return destination_mac + source_mac + b"\x08\x00" + frames.ipv4(source, destination, frames.TCP, segment)


def messages(prepared):
    """(what sendmmsg() takes, what must live as long)"""
    vectors = (Vector * len(prepared))(*(Vector(ctypes.cast(frame, ctypes.c_void_p), len(frame.raw)) for frame in prepared))
    made = (Message * len(prepared))()
    for number, message in enumerate(made):
        message.vectors, message.vectors_count = ctypes.pointer(vectors[number]), 1
    return made, (vectors, prepared)


def main():
    interface, destination_mac, destination = sys.argv[1], frames.mac(sys.argv[2]), sys.argv[3]
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # terminusd's worker and testpmd's are on the last one
    libc = ctypes.CDLL(None, use_errno=True)
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((interface, 0))
    sender.setsockopt(263, PACKET_QDISC_BYPASS, 1)  # SOL_PACKET
    own = sender.getsockname()[4]
    size = int(sys.argv[4])
    prepared = [syn(number, own, destination_mac, destination).ljust(size, b"\0") for number in range(BATCH)]
    made, _kept = messages([ctypes.create_string_buffer(frame, len(frame)) for frame in prepared])
    print("ready", flush=True)
    while True:
        # Where fewer went than asked for, the others are not missed.
        libc.sendmmsg(sender.fileno(), made, BATCH, 0)


if __name__ == "__main__":
    main()
