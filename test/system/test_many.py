"""Many connections, and readers who are slow or never read."""

import contextlib
import errno
import selectors
import socket
import time

from harness.peers import (
    Backend,
    Background,
    CHUNK,
    EchoServer,
    accept,
    connect,
    digest,
    echo,
    listen,
    payload,
    receive_exactly,
    reset,
)
from harness.waiting import stays, wait_until


def open_many(network, family, port, count, receive_buffer=None):
    """Connects `count` sockets at once."""
    selector, opened = selectors.DefaultSelector(), []
    for _ in range(count):
        one = network.clients.socket(family.kind)
        one.setblocking(False)
        if receive_buffer:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        assert one.connect_ex((family.vip, port)) in (0, errno.EINPROGRESS)
        selector.register(one, selectors.EVENT_WRITE)
        opened.append(one)
    end = time.monotonic() + 60
    while selector.get_map():
        assert time.monotonic() < end, f"{len(selector.get_map())} of {count} handshakes did not complete"
        for key, _ in selector.select(1):
            error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            assert error == 0, errno.errorcode[error]
            selector.unregister(key.fileobj)
    for one in opened:
        one.settimeout(60)
    return opened


def test_two_thousand_connections_are_open_at_once_and_each_gets_its_own_bytes(network, dut, family):
    with EchoServer(network.servers, family, family.server, 7000) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(one) for one in open_many(network, family, 7000, 2000)]
        wait_until(lambda: server.accepted == 2000, "the backend has accepted all")
        for leg in ("client", "backend"):
            wait_until(lambda: dut.connections(state="established", leg=leg) == 2000, f"2000 {leg} legs are established")
        for number, one in enumerate(clients):
            one.sendall(payload(3000, number))
        for number, one in enumerate(clients):
            assert receive_exactly(one, 3000) == payload(3000, number)
    wait_until(lambda: dut.connections(state="established") == 0, "all are closed")


def test_a_client_that_stops_reading_for_five_seconds_gets_every_byte(network, dut, family):
    data = payload(32 << 20, "slow reader")
    with listen(network.servers, family, family.server, 7000) as listener:
        with connect(network.clients, family, family.vip, 7000) as client:
            backend, _ = accept(listener)
            with backend:
                sent = 0

                def send():
                    nonlocal sent
                    while sent < len(data):
                        sent += backend.send(data[sent : sent + CHUNK])
                    backend.shutdown(socket.SHUT_WR)

                sender = Background(send)
                stays(lambda: not sender.done(), 5, "the backend is held back while the client does not read")
                stalled_at = sent
                stays(lambda: sent == stalled_at, 0.5, "the backend's window is closed")
                assert digest(receive_exactly(client, len(data))) == digest(data)
                sender.result()


def test_a_thousand_readers_who_never_read_harm_nobody_else(network, dut, family):
    def pour(peer):
        while True:
            peer.sendall(bytes(CHUNK))

    def begun():
        return dut.metrics().sum("terminus_handshakes_total", leg="backend")

    def given_up():
        return dut.metrics().sum("terminus_closes_total", leg="backend", reason="syn_timeout")

    idle = dut.metrics().sum("terminus_buffers", state="used")
    before, lost = begun(), given_up()
    with Backend(network.servers, family, family.server, 7001, pour), EchoServer(
        network.servers, family, family.server, 7000
    ):
        lazy = open_many(network, family, 7001, 1000, receive_buffer=4096)
        try:
            # By count, for those that have gone unread for a second may be reset when buffers are short.
            # A thousand senders overrun the TAP's queue, which drops what doesn't fit: some SYNs are lost three times.
            wait_until(lambda: begun() - before + given_up() - lost >= 1000, "all backends pour or were given up")
            assert begun() - before >= 500, "most backends pour"
            # A new connection is served, at once and then again when the buffers have filled as far as they may.
            for _ in range(3):
                exchange(network, family)
                assert dut.metrics().sum("terminus_buffers", state="free") > 0, "reception keeps its last buffers"
        finally:
            for one in lazy:
                reset(one)
        wait_until(lambda: dut.connections(state="established") == 0, "all are gone")
        wait_until(
            lambda: dut.metrics().sum("terminus_buffers", state="used") <= idle + 64, "their buffers are free again"
        )


def exchange(network, family, size=4 << 20):
    """Sends some megabytes to the echo server and compares what comes back."""
    data = payload(size, "beside the lazy")
    with connect(network.clients, family, family.vip, 7000) as client:
        sender = Background(client.sendall, data)
        assert digest(receive_exactly(client, size)) == digest(data)
        sender.result()


def test_an_idle_connection_costs_nothing_while_another_is_busy(network, dut, family):
    with Backend(network.servers, family, family.server, 7000, echo):
        with connect(network.clients, family, family.vip, 7000) as idle:
            exchange(network, family)
            idle.sendall(b"still here")
            assert receive_exactly(idle, 10) == b"still here"
