"""How a session's two connections end: FIN for FIN after all bytes, RST for RST, and backends that fail."""

import signal
import socket

import pytest

from harness.dut import Dut, configuration
from harness.peers import (
    Backend,
    Background,
    accept,
    connect,
    digest,
    is_reset,
    listen,
    payload,
    receive_exactly,
    receive_to_end,
    reset,
)
from harness.process import Program
from harness.waiting import wait_until


@pytest.fixture
def session(network, dut, family):
    """An open session: the client's socket and the backend's."""
    with listen(network.servers, family, family.server, 7000) as listener:
        with connect(network.clients, family, family.vip, 7000) as client:
            backend, _ = accept(listener)
            with backend:
                yield client, backend


def test_a_client_that_has_finished_sending_still_receives(session):
    client, backend = session
    request, answer = payload(100_000, 1), payload(3_000_000, 2)
    sender = Background(client.sendall, request)
    assert receive_exactly(backend, len(request)) == request
    sender.result()
    client.shutdown(socket.SHUT_WR)
    assert backend.recv(1) == b"", "the client's FIN reaches the backend"
    sender = Background(backend.sendall, answer)
    assert receive_exactly(client, len(answer)) == answer
    sender.result()
    backend.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b"", "the backend's FIN reaches the client"


def test_a_backend_that_has_finished_sending_still_receives(session):
    client, backend = session
    answer, upload = payload(100_000, 3), payload(3_000_000, 4)
    sender = Background(backend.sendall, answer)
    assert receive_exactly(client, len(answer)) == answer
    sender.result()
    backend.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b"", "the backend's FIN reaches the client"
    sender = Background(client.sendall, upload)
    assert receive_exactly(backend, len(upload)) == upload
    sender.result()
    client.shutdown(socket.SHUT_WR)
    assert backend.recv(1) == b"", "the client's FIN reaches the backend"


def test_a_fin_does_not_overtake_the_bytes_before_it(session):
    client, backend = session
    data = payload(5_000_000, 5)

    def send_and_finish():
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)

    sender = Background(send_and_finish)
    assert digest(receive_to_end(backend)) == digest(data)
    sender.result()


def test_a_server_that_speaks_first_is_heard(network, dut, family):
    def greet(peer):
        peer.sendall(b"220 backend ready\r\n")
        assert peer.recv(100) == b"EHLO client\r\n"
        peer.sendall(b"250 hello\r\n")

    with Backend(network.servers, family, family.server, 7000, greet):
        with connect(network.clients, family, family.vip, 7000) as client:
            assert receive_exactly(client, 19) == b"220 backend ready\r\n"
            client.sendall(b"EHLO client\r\n")
            assert receive_to_end(client) == b"250 hello\r\n"


def test_a_client_s_rst_is_a_rst_to_the_backend(session):
    client, backend = session
    client.sendall(b"half a requ")
    assert receive_exactly(backend, 11) == b"half a requ"
    reset(client)
    assert is_reset(backend)


def test_a_backend_s_rst_is_a_rst_to_the_client(session):
    client, backend = session
    backend.sendall(b"half an answ")
    assert receive_exactly(client, 12) == b"half an answ"
    reset(backend)
    assert is_reset(client)


def test_a_client_killed_mid_stream_resets_the_backend(network, dut, family, tmp_path):
    with listen(network.servers, family, family.server, 7000) as listener:
        command = ["ip", "netns", "exec", network.clients.name, "curl", "-sN", "-o", "/dev/null", family.url("/", 7000)]
        curl = Program(command, tmp_path / "curl")
        try:
            backend, _ = accept(listener)
            with backend:
                backend.recv(1000)
                backend.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(100_000))
                curl.signal(signal.SIGKILL)
                curl.wait(10)
                # The kernel answers what arrives for the dead process with RST; that must come through.
                with pytest.raises(ConnectionError):
                    while True:
                        backend.sendall(bytes(100_000))
        finally:
            curl.kill()


def test_a_backend_killed_mid_stream_resets_the_client(network, dut, family, tmp_path):
    server = (
        "import socket,sys;s=socket.create_server((sys.argv[1],7001),family=int(sys.argv[2]));print('up',flush=True);"
        "c,_=s.accept()\nwhile True: c.sendall(bytes(65536))"
    )
    program = network.start(
        network.servers, "/usr/bin/python3", "-c", server, family.server, int(family.kind), log=tmp_path / "server"
    )
    wait_until(lambda: "up" in program.text(), "the backend listens")
    with connect(network.clients, family, family.vip, 7001) as client:
        receive_exactly(client, 1_000_000)
        client.sendall(b"unread by the backend, so that its kernel resets")
        wait_until(lambda: dut.metrics().sum("terminus_received_bytes_total", leg="client") > 0, "our bytes are there")
        program.kill()
        assert is_reset(client)


def test_a_refused_connection_is_retried_on_the_next_backend(network, dut, family):
    # Port 80's pool has two backends on port 8080; only the second one listens.
    with Backend(network.servers, family, family.second_server, 8080, lambda peer: peer.sendall(b"second")):
        for _ in range(4):
            with connect(network.clients, family, family.vip, 80) as client:
                assert receive_to_end(client) == b"second"


def test_a_client_gets_a_rst_when_every_backend_refuses(network, dut, family):
    before = dut.metrics().sum("terminus_closes_total", leg="client", reason="connect_failed")
    try:
        with connect(network.clients, family, family.vip, 80) as client:
            assert is_reset(client)
    except ConnectionResetError:
        pass  # the RST was there before the kernel had told us of the handshake
    after = dut.metrics().sum("terminus_closes_total", leg="client", reason="connect_failed")
    assert after - before == 1


@pytest.fixture
def silence(network):
    """Backends that drop what comes to port 8080 of the first server, like a firewall."""
    network.servers.nft(
        "table inet silence {\n"
        "    chain in {\n"
        "        type filter hook input priority 0\n"
        "        ip daddr 10.0.2.11 tcp dport 8080 drop\n"
        "        ip6 daddr fd00:2::11 tcp dport 8080 drop\n"
        "    }\n"
        "}\n"
    )
    yield
    network.servers.nft("delete table inet silence\n")


def test_a_silent_backend_is_given_up_and_the_next_one_serves(network, shared_dut, family, silence):
    shared_dut.pause()
    config = configuration(network)
    for pool in config["pools"]:
        pool["connect_timeout"] = "500ms"
    with Dut(network, config=config) as dut:
        with Backend(network.servers, family, family.second_server, 8080, lambda peer: peer.sendall(b"second")):
            for _ in range(4):
                with connect(network.clients, family, family.vip, 80) as client:
                    assert receive_to_end(client) == b"second"
        dut.check_healthy()


def test_connections_are_all_forgotten_after_their_close(dut, family):
    def open_connections():
        metrics = dut.metrics()
        return sum(value for name, labels, value in metrics.series if name == "terminus_connections")

    wait_until(lambda: open_connections() == 0, "no connection is left")
    wait_until(lambda: dut.metrics().sum("terminus_time_wait_entries") == 0, "TIME_WAIT is over")
