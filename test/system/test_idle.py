"""What an idle worker does: with `idle: interrupt` it sleeps until it is told of something, where the port can tell."""

import os
import pathlib
import time

import pytest

from harness.dut import Dut, configuration
from harness.network import Network
from harness.peers import EchoServer, connect, payload, receive_exactly
from harness.waiting import wait_until

MISSED = "terminus_worker_interrupts_missed_total"
TURNS = "terminus_worker_turns_total"
WAKES = "terminus_worker_wakes_total"
LACKS_INTERRUPTS = "no receive interrupts; a worker that polls this port naps"
SECONDS = 60


def idle_by(network, idle, **workers):
    return configuration(network, workers={"count": 1, "allow_shared_cpus": True, "idle": idle, **workers})


def curl(network, family):
    answer = network.clients.run("curl", "-sS", "--max-time", SECONDS, family.url()).stdout
    assert answer in (f"{host} to {family.source}\n" for host in (family.server, family.second_server)), answer


def cpu_seconds(pid):
    """Of all threads, in the process and for it in the kernel."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Idleness:
    """What a terminusd without traffic does, from here on until it has slept some times more."""

    def __init__(self, dut, wakes):
        pid = dut.process.pid
        before, began, cpu = dut.metrics(), time.monotonic(), cpu_seconds(pid)
        wait_until(lambda: dut.metrics().sum(WAKES) >= before.sum(WAKES) + wakes, f"{wakes} sleeps", every=0.5)
        after, self.seconds = dut.metrics(), time.monotonic() - began
        self.cpu = (cpu_seconds(pid) - cpu) / self.seconds
        self.wakes = (after.sum(WAKES) - before.sum(WAKES)) / self.seconds
        self.turns = (after.sum(TURNS) - before.sum(TURNS)) / self.seconds
        causes = sorted(after.labels(WAKES, "cause"))
        self.causes = {cause: after.sum(WAKES, cause=cause) - before.sum(WAKES, cause=cause) for cause in causes}


@pytest.mark.parametrize("workers", [1, 2])
def test_idle_workers_sleep_until_a_frame_comes(network, nginx, family, workers):
    with Dut(network, config=idle_by(network, "interrupt", count=workers)) as dut:
        assert LACKS_INTERRUPTS not in dut.process.text()
        before = dut.metrics()
        for _ in range(5):
            curl(network, family)
        after = dut.metrics()
        assert after.sum(WAKES, cause="frame") > before.sum(WAKES, cause="frame")
        idle = Idleness(dut, wakes=30)
        print(vars(idle))
        # It wakes ten times a second for itself, and for what the control thread asks. One that naps wakes thousands of times.
        assert idle.wakes < 100 * workers
        assert idle.turns < 2000 * workers
        assert idle.cpu < 0.25
        curl(network, family)
        assert dut.metrics().sum(MISSED) == 0
        dut.check_healthy()


def test_a_worker_that_naps_wakes_thousands_of_times(network, nginx):
    """What the numbers of the test before would be without interrupts."""
    with Dut(network, config=idle_by(network, "sleep")) as dut:
        idle = Idleness(dut, wakes=2000)
        print(vars(idle))
        assert idle.wakes > 300
        assert dut.metrics().sum(WAKES, cause="frame") == 0


def test_a_port_without_interrupts_is_named_and_its_worker_naps(family):
    with Network("af_packet") as network, Dut(network, config=idle_by(network, "interrupt", count=2)) as dut:
        assert dut.process.text().count(LACKS_INTERRUPTS) == 2, "one for each port"
        with EchoServer(network.servers, family, family.server, 7000), connect(network.clients, family, family.vip, 7000) as peer:
            peer.sendall(payload(20_000, 1))
            assert receive_exactly(peer, 20_000) == payload(20_000, 1)
        assert dut.metrics().sum(WAKES, cause="frame") == 0
        dut.check_healthy()
