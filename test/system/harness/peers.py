"""Clients and backends made of the kernel's sockets: what they send is known, what arrives is hashed."""

import contextlib
import dataclasses
import hashlib
import random
import selectors
import socket
import struct
import threading

SECONDS = 60  # the longest any single socket operation may take
CHUNK = 1 << 18


@dataclasses.dataclass(frozen=True)
class Family:
    """One IP version's addresses in the tests' network."""

    version: int
    kind: int
    client: str
    vip: str
    port_address: str
    server: str
    second_server: str
    source: str

    def host(self, address):
        return f"[{address}]" if self.version == 6 else address

    def url(self, path="/", port=80):
        return f"http://{self.host(self.vip)}:{port}{path}"

    def one_arm(self):
        """The same when the backends are on the clients' link."""
        names = ("server", "second_server", "source")
        moved = {name: getattr(self, name).replace("10.0.2.", "10.0.1.").replace("fd00:2:", "fd00:1:") for name in names}
        return dataclasses.replace(self, **moved)


IPV4 = Family(4, socket.AF_INET, "10.0.1.1", "10.0.1.80", "10.0.1.254", "10.0.2.11", "10.0.2.12", "10.0.2.100")
IPV6 = Family(6, socket.AF_INET6, "fd00:1::1", "fd00:1::80", "fd00:1::fe", "fd00:2::11", "fd00:2::12", "fd00:2::100")


def payload(size, seed):
    """Bytes that no shift, loss or repetition leaves equal."""
    return random.Random(f"terminus {seed}").randbytes(size)


def listen(namespace, family, address, port, backlog=8192):
    listener = namespace.socket(family.kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.settimeout(SECONDS)
    listener.bind((address, port))
    listener.listen(backlog)
    return listener


def connect(namespace, family, address, port, seconds=SECONDS, receive_buffer=None):
    made = namespace.socket(family.kind)
    made.settimeout(seconds)
    if receive_buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        made.connect((address, port))
    except BaseException:
        made.close()
        raise
    return made


def accept(listener, seconds=SECONDS):
    listener.settimeout(seconds)
    made, address = listener.accept()
    made.settimeout(SECONDS)
    return made, address


def receive_exactly(peer, size):
    got = bytearray()
    while len(got) < size:
        piece = peer.recv(min(size - len(got), CHUNK))
        if not piece:
            raise AssertionError(f"the stream ended after {len(got)} of {size} bytes")
        got += piece
    return bytes(got)


def receive_to_end(peer):
    """Everything up to the peer's FIN."""
    got = bytearray()
    while piece := peer.recv(CHUNK):
        got += piece
    return bytes(got)


def reset(peer):
    """Closes with a RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def is_reset(peer):
    """Waits for the stream's end: True for a RST, False for a FIN."""
    try:
        while peer.recv(CHUNK):
            pass
        return False
    except (ConnectionResetError, BrokenPipeError):
        return True


def digest(data):
    return hashlib.blake2b(data).hexdigest()


class Background:
    """A function in a thread, whose result or exception comes back with result()."""

    def __init__(self, function, *arguments):
        self._outcome = None
        self._error = None
        self._thread = threading.Thread(target=self._run, args=(function, *arguments), daemon=True)
        self._thread.start()

    def _run(self, function, *arguments):
        try:
            self._outcome = function(*arguments)
        except BaseException as error:  # handed to whoever asks for the result
            self._error = error

    def done(self):
        return not self._thread.is_alive()

    def result(self, seconds=SECONDS):
        self._thread.join(seconds)
        assert self.done(), f"still running after {seconds} s"
        if self._error is not None:
            raise self._error
        return self._outcome


class Backend:
    """Serves each accepted connection with `handler(peer)` in a thread of its own, until closed."""

    def __init__(self, namespace, family, address, port, handler):
        self._listener = listen(namespace, family, address, port)
        self._handler = handler
        self._closing = False
        self.addresses = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self):
        while not self._closing:
            try:
                peer, address = accept(self._listener, 0.2)
            except TimeoutError:
                continue
            except OSError:
                return
            self.addresses.append(address)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with peer, contextlib.suppress(OSError, AssertionError):
            self._handler(peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closing = True
        self._acceptor.join()
        self._listener.close()


def echo(peer):
    """A handler: sends back what comes, and its FIN after the client's."""
    while piece := peer.recv(CHUNK):
        peer.sendall(piece)
    peer.shutdown(socket.SHUT_WR)


class EchoServer:
    """Echoes on any number of connections from one thread; for thousands at once."""

    def __init__(self, namespace, family, address, port):
        self._listener = listen(namespace, family, address, port)
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._unsent = {}
        self._closing = False
        self.accepted = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._closing:
            for key, events in self._selector.select(0.1):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._serve(key.fileobj, events)

    def _accept(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                peer, _ = self._listener.accept()
                peer.setblocking(False)
                self.accepted += 1
                self._unsent[peer] = bytearray()
                self._selector.register(peer, selectors.EVENT_READ)

    def _serve(self, peer, events):
        unsent = self._unsent[peer]
        try:
            if events & selectors.EVENT_READ:
                piece = peer.recv(CHUNK)
                if not piece:
                    return self._finish(peer)
                unsent += piece
            if unsent:
                with contextlib.suppress(BlockingIOError):
                    del unsent[: peer.send(unsent)]
        except OSError:
            return self._drop(peer)
        self._selector.modify(peer, selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0))

    def _finish(self, peer):
        peer.setblocking(True)
        peer.settimeout(SECONDS)
        with contextlib.suppress(OSError):
            peer.sendall(self._unsent[peer])
        self._drop(peer)

    def _drop(self, peer):
        self._selector.unregister(peer)
        del self._unsent[peer]
        peer.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._closing = True
        self._thread.join()
        for peer in list(self._unsent):
            self._drop(peer)
        self._listener.close()
