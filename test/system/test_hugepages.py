"""Hugepages that scripts/setup-host has reserved are used, and given back; without any, terminusd starts as well."""

import pathlib
import re

import pytest

from harness.dut import ROOT, Dut
from harness.host import Host

POOL = pathlib.Path("/sys/devices/system/node/node0/hugepages/hugepages-2048kB")
SCRIPT = ROOT / "scripts/setup-host"
PAGES = 96  # 192 MiB; the example takes less


def counted(name):
    return int((POOL / name).read_text())


@pytest.fixture
def host(tmp_path):
    """A machine with its own mounts and /run. The memory is everybody's: it goes back whatever happens."""
    if not POOL.is_dir():
        pytest.skip("this kernel has no node 0 with hugepages of 2 MiB")
    with Host(tmp_path) as made:
        yield made
        made.run(SCRIPT, "--undo")


class RingDut(Dut):
    """terminusd without a network, and without a word about memory."""

    def __init__(self, host):
        super().__init__(host, config={}, eal=[])

    def write_config(self, text=None):
        return ROOT / "config/examples/ring.yaml"

    def hugepage_kilobytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^HugetlbPages:\s+(\d+) kB$", status, re.M).group(1))


def test_terminusd_takes_the_hugepages_that_setup_host_has_reserved(host):
    reserved = counted("nr_hugepages")
    done = host.run(SCRIPT, "--no-vfio", "--node", 0, "--pages", reserved + PAGES, check=False)
    if counted("nr_hugepages") == reserved:
        pytest.skip(f"no hugepages can be reserved here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    assert f"changed: node 0 has {reserved + PAGES} hugepages of 2M, where {reserved} were" in done.stdout
    assert "hugetlbfs" in done.stdout
    with RingDut(host) as dut:
        assert dut.hugepage_kilobytes() >= 64 << 10
        assert "DPDK's memory is in hugepages" in dut.process.text()
    undone = host.run(SCRIPT, "--undo").stdout
    assert f"node0 has {reserved} hugepages" in undone
    assert counted("nr_hugepages") == reserved
    assert "nothing is changed" in host.run(SCRIPT, "--undo").stdout


def test_terminusd_starts_without_hugepages(host):
    if counted("free_hugepages") > 0:
        pytest.skip("there are hugepages")
    with RingDut(host) as dut:
        assert dut.hugepage_kilobytes() == 0
        assert "DPDK's memory is in ordinary pages; 0 MiB of hugepages are free" in dut.process.text()
