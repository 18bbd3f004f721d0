"""tcpdump in a namespace, from before something happens until all of it is written."""

import contextlib
import pathlib
import socket
import struct
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness.waiting import wait_until

END = b"the end of the recording"
FILE_HEADER, RECORD_HEADER = 24, 16
BUFFER_KIB = 1 << 16  # of which each packet takes 256 KiB, its longest: the usual 2 MiB are full after eight


@contextlib.contextmanager
def recorded(namespace, path, interface, *options, end_to):
    """What `interface` sees meanwhile, in `path`. `end_to` is an address to which a datagram passes it, as the last thing:
    before that has come, tcpdump hasn't written all."""
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log")
        words = ["tcpdump", "-n", "-i", interface, "-Z", "root", "--immediate-mode", "-B", BUFFER_KIB, "-U", "-w", path, *options]
        program = namespace.start(*words, log=log)
        wait_until(lambda: "listening on" in program.text(), "tcpdump listens")
        yield
        with namespace.socket(kind=socket.SOCK_DGRAM) as made:
            made.sendto(END, (end_to, 9))
        wait_until(lambda: END in path.read_bytes(), "tcpdump has written all")
        program.stop()
        assert "\n0 packets dropped by kernel" in program.text(), program.text()
    leave_out_end(path)


def leave_out_end(path):
    """The datagram and what came behind it, such as an answer to it, are nobody's who was recorded."""
    data, at = path.read_bytes(), FILE_HEADER
    while True:
        kept = struct.unpack_from("<I", data, at + 8)[0]
        if END in data[at + RECORD_HEADER : at + RECORD_HEADER + kept]:
            break
        at += RECORD_HEADER + kept
    path.write_bytes(data[:at])
