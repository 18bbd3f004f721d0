"""The server's application as it was recorded, with the kernel's sockets."""

import contextlib
import dataclasses
import socket
import struct
import threading
import time

POLL_SECONDS = 0.2


@dataclasses.dataclass
class Step:
    kind: str
    after_received: int
    after_client_fin: bool
    after: float  # seconds since what it waits for, and since the step before
    text: bytes


@dataclasses.dataclass
class Script:
    """What the server did about one connection."""

    outcome: str
    steps: list


def read_steps(output):
    """{(client, server): scripts in order of time} of what `played_clients steps` prints; ends are (address, port)s."""
    scripts, steps = {}, None
    for line in output.splitlines():
        word, rest = line.split(" ", 1)
        if word == "conversation":
            client, client_port, server, server_port, outcome = rest.split()
            steps = []
            scripts.setdefault(((client, int(client_port)), (server, int(server_port))), []).append(Script(outcome, steps))
        elif word != "note":
            received, after_fin, nanoseconds, *text = rest.split()
            steps.append(Step(word, int(received), after_fin == "1", int(nanoseconds) / 1e9, bytes.fromhex("".join(text))))
    return scripts


def accepting(scripts):
    """The servers' ends that refused nobody."""
    return sorted({ends[1] for ends in scripts} - {ends[1] for ends, of_ends in scripts.items() if any(one.outcome == "refused" for one in of_ends)})


class Server:
    """Listens where the recorded servers did, and plays their part until it is left."""

    def __init__(self, namespace, scripts):
        self._scripts = {ends: list(of_ends) for ends, of_ends in scripts.items()}
        self._closing = threading.Event()
        self._threads = []
        self._open = []
        self._listeners = [self._listen(namespace, *end) for end in accepting(scripts)]

    @staticmethod
    def _listen(namespace, address, port):
        made = namespace.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.listen(1024)
        made.settimeout(POLL_SECONDS)
        return made

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener):
        server = listener.getsockname()[:2]
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                peer, client = listener.accept()
                self._open.append(peer)
                waiting = self._scripts.get((client[:2], server), [])
                self._start(self._play, peer, waiting.pop(0).steps if waiting else [])

    def _play(self, peer, steps):
        peer.settimeout(POLL_SECONDS)
        # As Terminus does: no Nagle, and urgent bytes are bytes.
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        application = Application(peer, self._closing)
        reader = threading.Thread(target=application.read)
        reader.start()
        with contextlib.suppress(OSError):
            application.play(steps)
        reader.join()

    def __enter__(self):
        for listener in self._listeners:
            self._start(self._accept, listener)
        return self

    def __exit__(self, *_):
        self._closing.set()
        for thread in self._threads:
            thread.join()
        for one in (*self._open, *self._listeners):
            one.close()


class Application:
    """One connection's: one thread reads, another one plays."""

    def __init__(self, peer, closing):
        self._peer, self._closing = peer, closing
        self._changed = threading.Condition()
        self._received = 0
        self._ended = False
        self._gone = False

    def read(self):
        while not self._closing.is_set():
            try:
                got = self._peer.recv(1 << 16)
            except TimeoutError:
                continue
            except OSError:
                got = None
            with self._changed:
                self._received += len(got or b"")
                self._ended |= got == b""
                self._gone |= got is None
                self._changed.notify()
            if not got:
                return

    def play(self, steps):
        begin = time.monotonic()
        for step in steps:
            came = self._wait_for(step)
            if came is None or self._closing.wait(max(0.0, max(came, begin) + step.after - time.monotonic())):
                return
            begin = time.monotonic()
            if step.kind == "bytes":
                self._peer.sendall(step.text)
            elif step.kind == "fin":
                self._peer.shutdown(socket.SHUT_WR)
            else:
                self._peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._peer.close()

    def _wait_for(self, step):
        """When what the step waits for had come; None when it can't come any more."""
        with self._changed:
            while self._received < step.after_received or (step.after_client_fin and not self._ended):
                if self._gone or self._closing.is_set():
                    return None
                self._changed.wait(POLL_SECONDS)
            return time.monotonic()
