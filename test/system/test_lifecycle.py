"""Reloads and drains under load."""

import contextlib
import itertools
import signal
import socket
import threading
import time

import pytest

from harness.dut import Dut, configuration
from harness.peers import Background, EchoServer, accept, connect, is_reset, listen, payload, receive_exactly
from harness.waiting import stays, wait_until


class Load:
    """Clients that connect, exchange some bytes and close, over and over."""

    def __init__(self, network, family, port=7000, clients=6):
        self._target = (network, family, port)
        self._stop = threading.Event()
        self.completed = itertools.count()
        self.done = 0
        self.failures = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        network, family, port = self._target
        while not self._stop.is_set():
            try:
                with connect(network.clients, family, family.vip, port, seconds=20) as peer:
                    peer.sendall(b"ping" * 100)
                    receive_exactly(peer, 400)
                self.done = next(self.completed) + 1
            except (OSError, AssertionError) as error:
                self.failures.append((time.monotonic(), error))
                if self._stop.wait(0.01):
                    return

    def wait_for(self, more):
        target = self.done + more
        wait_until(lambda: self.done >= target or self.failures, f"{more} more exchanges", 60)

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.failures


@pytest.fixture
def echo_server(network, family):
    with EchoServer(network.servers, family, family.server, 7000) as server:
        yield server


def reloads(dut):
    return dut.metrics().sum("terminus_config_reloads_total", result="applied")


def test_reloads_under_load_fail_no_connection(network, family, echo_server):
    with Dut(network) as dut, connect_one(network, family) as lasting:
        load = Load(network, family)
        try:
            load.wait_for(100)
            for turn in range(5):
                before = reloads(dut)
                dut.config["tcp"]["fin_timeout"] = f"{30 + turn}s"
                dut.config["services"].append(
                    {"name": f"more{turn}", "listen": [f"10.0.1.80:{7100 + turn}"], "pool": "p7000-ipv4"}
                )
                for pool in dut.config["pools"]:
                    if pool["name"].startswith("p80-"):
                        pool["backends"].reverse()
                dut.reload()
                wait_until(lambda: reloads(dut) == before + 1, "the new configuration is in force")
                load.wait_for(50)
        finally:
            failures = load.end()
        assert not failures, f"{len(failures)} of {load.done} failed, first: {failures[0]}"
        lasting.sendall(b"from before the reloads")
        assert receive_exactly(lasting, 23) == b"from before the reloads"
        assert "34s" in dut.ctl("sysctl", "fin_timeout").stdout


def connect_one(network, family):
    return connect(network.clients, family, family.vip, 7000)


def test_a_new_service_serves_and_a_removed_one_refuses_after_a_reload(network, family, echo_server):
    with Dut(network) as dut:
        vip = f"{family.host(family.vip)}:7100"
        with pytest.raises(ConnectionRefusedError):
            connect(network.clients, family, family.vip, 7100)
        dut.config["services"].append({"name": "new", "listen": [vip], "pool": f"p7000-ipv{family.version}"})
        dut.reload()
        wait_until(lambda: answers(network, family, 7100), "the new service answers")
        with connect(network.clients, family, family.vip, 7100) as lasting:
            lasting.sendall(b"x")
            assert receive_exactly(lasting, 1) == b"x"
            dut.config["services"].pop()
            dut.reload()
            wait_until(lambda: not answers(network, family, 7100), "the removed service refuses")
            lasting.sendall(b"live connections stay")
            assert receive_exactly(lasting, 21) == b"live connections stay"


def answers(network, family, port):
    # Reset: the service was removed between the SYN-ACK and what follows.
    with contextlib.suppress(ConnectionRefusedError, ConnectionResetError):
        with connect(network.clients, family, family.vip, port) as peer:
            peer.sendall(b"?")
            return receive_exactly(peer, 1) == b"?"
    return False


def test_a_reload_with_errors_keeps_the_running_configuration_and_logs_each_error(network, family, echo_server):
    with Dut(network) as dut:
        dut.write_config('{"tcp": {"fin_timout": "60s", "rmem": "64q"}}')
        dut.process.signal(signal.SIGHUP)
        wait_until(lambda: "64q" in dut.process.text(), "the errors are logged")
        assert "fin_timout" in dut.process.text() and "did you mean" in dut.process.text()
        assert answers(network, family, 7000)
        assert dut.is_ready()


def draining_dut(network):
    return Dut(network, config=configuration(network, drain={"delay": "2s", "grace": "10s"}))


def test_sigterm_under_load_drains_and_exits_zero(network, family, echo_server):
    with draining_dut(network) as dut:
        load = Load(network, family)
        download = connect_one(network, family)
        with download:
            load.wait_for(100)
            dut.process.signal(signal.SIGTERM)
            wait_until(lambda: dut.http("/readyz")[0] == 503, "/readyz says 503", 1)
            assert dut.http("/healthz")[0] == 200
            # During the delay everybody is still served: balancers need the time to look at /readyz.
            stays(lambda: not load.failures, 1, "new connections are accepted during the delay")
            wait_until(lambda: load.failures, "new connections are refused after the delay")
            failures = load.end()
            assert all(isinstance(error, ConnectionRefusedError) for _, error in failures), failures[:3]
            data = payload(1 << 20, "during the grace")
            # Echoed while we send: a megabyte is more than the buffers on the way would hold.
            sender = Background(download.sendall, data)
            assert receive_exactly(download, len(data)) == data
            sender.result()
        assert dut.process.wait(15) == 0, "it ends as soon as the last connection has"


def test_connections_that_outlive_the_grace_are_reset(network, family, echo_server):
    config = configuration(network, drain={"delay": "0s", "grace": "1s"})
    with Dut(network, config=config) as dut, connect_one(network, family) as idle:
        idle.sendall(b"x")
        assert receive_exactly(idle, 1) == b"x"
        dut.process.signal(signal.SIGTERM)
        assert is_reset(idle)
        assert dut.process.wait(10) == 0


def test_terminusd_starts_again_on_the_same_ports_after_a_kill(network, family, echo_server):
    first = Dut(network).start()
    first.abandon()
    with Dut(network):
        assert answers(network, family, 7000)


def test_a_connection_from_before_a_kill_is_reset_when_it_speaks_again(network, family):
    with listen(network.servers, family, family.server, 7000) as listener:
        first = Dut(network).start()
        with connect_one(network, family) as client:
            backend, _ = accept(listener)
            with backend:
                first.abandon()
                with Dut(network):
                    client.sendall(b"anybody there?")
                    client.settimeout(30)
                    assert is_reset(client)
                    with contextlib.suppress(OSError):
                        backend.shutdown(socket.SHUT_RDWR)
