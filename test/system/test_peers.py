"""scripts/bench peers and limits for a moment: everybody is measured, nobody dies, and nothing is left behind.

The figures of a second on a machine that does other things besides say nothing and are not looked at.
"""

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree

import pytest

from harness.dut import BUILDS, ROOT
from harness.network import PREFIX
from harness.process import Program, run
from harness.waiting import wait_until

sys.path.append(str(ROOT / "test/bench"))
from peers import machine, reflectors, summary  # noqa: E402

PEERS = ["terminusd", "haproxy", "nginx"]
ENVIRONMENT = {"PYTHONPATH": f"{ROOT}/test/bench:{ROOT}/test/system", "TERMINUS_RELEASE": str(BUILDS["release"])}
# Takes the place of haproxy, listens where it would, and ends when the first client has said something.
MORTAL = """#!/usr/bin/python3
import re, socket, sys
if "-v" not in sys.argv:
    ends = re.findall(r"bind ([0-9.]+):([0-9]+)", open(sys.argv[-1]).read())
    listeners = [socket.create_server((host, int(port))) for host, port in ends]
    listeners[0].accept()[0].recv(1)
print("mortal 1.0")
"""
pytestmark = pytest.mark.skipif(bool(machine.missing()), reason=f"not here: {', '.join(machine.missing())} (scripts/install-packages bench)")


def command(*words):
    return ["/usr/bin/python3", "-B", "-m", "peers", *map(str, words)]


def bench(folder, *words, status=0, **environment):
    """(the JSON of a run, what it printed); fails with its output where it ended otherwise."""
    out = folder / "result.json"
    environment = {**os.environ, **ENVIRONMENT, **environment}
    done = subprocess.run(command(*words, "--json", out), env=environment, capture_output=True, text=True, timeout=120)
    print(done.stdout, done.stderr)
    assert done.returncode == status, f"exit {done.returncode}"
    return json.loads(out.read_text()), done.stdout


def check_figure(figure, is_positive=True):
    assert set(figure) == {"median", "least", "most"}
    assert figure["least"] <= figure["median"] <= figure["most"]
    assert not is_positive or figure["least"] > 0


def test_terminusd_stands_beside_other_proxies(tmp_path):
    plot = tmp_path / "peers.svg"
    measures = ["connections", "bulk", "latency", "idle"]
    result, told = bench(tmp_path, "peers", "--rounds", 1, "--seconds", 1, "--idle", 200, "--measure", *measures, "--plot", plot, "--plots", tmp_path / "ratios")
    assert result["died"] == []
    assert result["settings"] == {"peers": PEERS, "measure": measures, "idle": 200, "rounds": 1, "seconds": 1, "vdev": "af_packet"}
    assert set(result["machine"]["versions"]) == set(machine.VERSIONS) and "unknown" not in result["machine"]["versions"].values()
    assert 0 <= result["steal"] <= 1
    assert [turn["peer"] for turn in result["turns"]] == [*PEERS, "direct"]
    assert set(result["measures"]) == set(summary.MEASURES)
    for name in ("connections_per_second", "gigabits_per_second"):
        for peer in (*PEERS, "direct"):
            check_figure(result["measures"][name]["peers"][peer])
        for other in PEERS[1:]:
            check_figure(result["measures"][name]["ratios"][other])
    for name in ("added_p50_us", "added_p99_us", "idle_connection_bytes", "idle_kernel_bytes", "resident_mib"):
        for peer in PEERS:
            check_figure(result["measures"][name]["peers"][peer], is_positive=name == "resident_mib")
    assert set(result["limits"]) == {"connections", "bulk", "latency"}
    assert all(0 < seen["busy"]["median"] <= 1.1 and seen["frames_per_second"]["median"] > 0 for seen in result["limits"].values())
    for title in (*PEERS, "direct", "connections/s", "Gbit/s", "stolen", "the limit"):
        assert title in told
    for picture in (plot, tmp_path / "ratios" / "peers.svg"):
        xml.etree.ElementTree.parse(picture)


def test_terminusd_stands_beside_testpmd_on_the_same_ports(tmp_path):
    result, told = bench(tmp_path, "limits", "--rounds", 1, "--seconds", 1)
    assert result["died"] == []
    assert list(result["reflectors"]) == list(reflectors.NAMES)
    for seen in result["reflectors"].values():
        for name in ("frames_per_second", "offered_per_second", "busy_ns_per_frame"):
            check_figure(seen[name])
        assert 0 <= seen["waited"]["median"] <= 1.1
    check_figure(result["distance"])
    assert "Terminus answers" in told


def test_a_peer_that_dies_is_told_of_and_the_others_go_on(tmp_path):
    mortal = tmp_path / "haproxy"
    mortal.write_text(MORTAL)
    mortal.chmod(0o755)
    words = ["peers", "--peers", "haproxy", "nginx", "--rounds", 1, "--seconds", 1, "--measure", "latency"]
    result, told = bench(tmp_path, *words, status=1, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert len(result["died"]) == 1 and result["died"][0].startswith("haproxy: ")
    assert "DIED in round 1: haproxy" in told and "errors, haproxy: latency: " in told
    assert result["measures"]["added_p50_us"]["peers"]["haproxy"] is None
    check_figure(result["measures"]["added_p50_us"]["peers"]["nginx"], is_positive=False)


def test_a_run_that_is_stopped_leaves_no_process_and_no_namespace(tmp_path):
    started = Program(command("peers", "--rounds", 1, "--seconds", 30), tmp_path / "log", ENVIRONMENT)

    def namespaces():
        return [line.split()[0] for line in run("ip", "netns", "list").stdout.splitlines() if line.startswith(f"{PREFIX}{started.pid}-")]

    def pids():
        return [pid for name in namespaces() for pid in run("ip", "netns", "pids", name, check=False).stdout.split()]

    try:
        # nginx and its worker, iperf3, terminusd, wrk: the first turn is under way.
        wait_until(lambda: len(pids()) >= 5 or not started.alive(), "the first turn has begun")
        assert started.alive(), started.tail()
        held = pids()
        started.signal(signal.SIGTERM)
        assert started.wait(30) == 128 + signal.SIGTERM
    finally:
        started.stop()
    assert namespaces() == []
    assert [pid for pid in held if os.path.exists(f"/proc/{pid}")] == []
