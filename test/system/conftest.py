"""Fixtures of the system tests: real programs and the kernel's TCP on both sides of terminusd."""

import os
import resource
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness import dut as dut_module  # noqa: E402
from harness.dut import Dut  # noqa: E402
from harness.network import Network, sweep  # noqa: E402
from harness.nginx import Nginx  # noqa: E402
from harness.peers import IPV4, IPV6  # noqa: E402


def pytest_configure():
    # Two thousand sessions are four thousand of our sockets.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert hard >= 8192, f"the system tests need 8192 open files; the limit here is {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # What nohup and a shell's background ignore would be ignored by the programs under test, too.
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def pytest_sessionstart():
    if os.geteuid() != 0:
        pytest.exit("the system tests need root: they make network namespaces", returncode=1)
    sweep()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what terminusd had to say and what it had counted."""
    report = (yield).get_result()
    if report.failed:
        for dut in dut_module.alive:
            report.sections.append((f"terminusd {dut.process.pid}", dut.process.tail(60)))
            report.sections.append((f"terminusd {dut.process.pid}, /metrics", dut.counted()))


@pytest.fixture(params=[IPV4, IPV6], ids=["ipv4", "ipv6"])
def family(request):
    return request.param


@pytest.fixture(scope="module")
def network():
    with Network() as made:
        yield made


class SharedDut:
    """One terminusd for a file's tests. A test that finds it dead gets a new one; the test that killed it fails."""

    def __init__(self, network, **options):
        self._network = network
        self._options = options
        self._dut = None

    def get(self):
        if self._dut is None or not self._dut.process.alive():
            self._dut = Dut(self._network, **self._options).start()
        return self._dut

    def pause(self):
        """Stops it, for a test that needs the ports for a terminusd of its own."""
        if self._dut is not None:
            running, self._dut = self._dut, None
            running.stop()


@pytest.fixture(scope="module")
def shared_dut(network):
    shared = SharedDut(network)
    yield shared
    shared.pause()


@pytest.fixture
def dut(shared_dut):
    """The file's terminusd, sanitized, with the usual configuration; healthy before and after the test."""
    running = shared_dut.get()
    yield running
    try:
        running.check_healthy()
    except AssertionError:
        if running in dut_module.alive:
            dut_module.alive.remove(running)
        raise


@pytest.fixture(scope="module")
def nginx(network, tmp_path_factory):
    """Two backends: .11 and .12, each an nginx that says where it is and who came."""
    made = [
        Nginx(network.servers, tmp_path_factory.mktemp("nginx"), [f"10.0.2.{host}", f"fd00:2::{host}"]) for host in ("11", "12")
    ]
    yield made
    for one in made:
        one.stop()


