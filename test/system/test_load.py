"""terminus-load: its clients and backends on both sides of a terminusd, and what it says of itself, devices and mistakes."""

import copy
import json
import os
import signal

import pytest

from harness.dut import FINDINGS, SANITIZERS, Dut, program
from harness.network import Namespace
from harness.process import run
from harness.waiting import wait_until

LOAD = program("terminus-load")
FAST = ["--warm-up", "0.2", "--duration", "1", "--idle", "nap"]


class Wires:
    """Two memif wires in shared memory: no kernel, no addresses of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.dut = Namespace("load")
        self._processes = []

    def end(self, number, role):
        return f"net_memif{number},role={role},id={number},socket={self.folder}/wire{number},socket-abstract=no"

    def start(self, namespace, *command, log, env=None):
        self._processes.append(namespace.start(*command, log=log, env=env))
        return self._processes[-1]

    def close(self):
        for process in self._processes:
            process.stop()
        self.dut.delete()


@pytest.fixture(scope="module")
def wires(tmp_path_factory):
    made = Wires(tmp_path_factory.mktemp("wires"))
    yield made
    made.close()


def networks(version):
    return {4: ("10.0.1.", "10.0.2."), 6: ("fd00:1::", "fd00:2::")}[version]


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@pytest.fixture(scope="module")
def proxy(wires):
    pools, services = [], []
    for version in (4, 6):
        front, back = networks(version)
        pools.append({"name": f"p{version}", "source_addresses": [f"{back}100"],
                      "backends": [{"name": "b", "address": endpoint(f"{back}11", 8080)}]})
        services.append({"name": f"s{version}", "listen": [endpoint(f"{front}80", 80)], "pool": f"p{version}"})
    config = {
        "workers": {"count": 1, "allow_shared_cpus": True},
        "ports": [
            {"name": "front", "device": wires.end(0, "server"), "addresses": ["10.0.1.254/24", "fd00:1::fe/64"]},
            {"name": "back", "device": wires.end(1, "server"), "addresses": ["10.0.2.254/24", "fd00:2::fe/64"]},
        ],
        "pools": pools,
        "services": services,
        "limits": {"connections": 8192},
        "tcp": {"max_tw_buckets": 8192},
        "drain": {"delay": "0s", "grace": "0s"},
        "metrics": {"listen": "127.0.0.1:9464"},
    }
    with Dut(wires, config=copy.deepcopy(config)) as dut:
        yield dut


def load(wires, *words, exit=0):
    """A run's report and its text."""
    file = wires.folder / "report.json"
    file.unlink(missing_ok=True)
    done = wires.dut.run(LOAD, *words, "--json", file, check=False, timeout=60, env={**os.environ, **SANITIZERS})
    output = done.stdout + done.stderr
    assert not FINDINGS.search(output), output
    assert done.returncode == exit, f"exit {done.returncode}\n{output}"
    return json.loads(file.read_text()) if file.exists() else None, output


def through(wires, version, *words, exit=0, target_port=80):
    front, back = networks(version)
    return load(
        wires, "--port", wires.end(0, "client"), "--port", wires.end(1, "client"),
        "--clients", f"{front}10-{front}13", "--target", endpoint(f"{front}80", target_port),
        "--listen", endpoint(f"{back}11", 8080), "--sources", f"{back}100", *FAST, *words, exit=exit,
    )  # fmt: skip


def check_latency(latency):
    assert latency["count"] > 0
    assert 0 < latency["min"] <= latency["p50"] <= latency["p99"] <= latency["p99_9"] <= latency["max"] < 5e9


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("first", ["client", "backend"])
def test_connections_go_through_and_close_in_either_order(wires, proxy, version, first):
    report, text = through(wires, version, "--close", first, "--rate", "100", "--response-bytes", "5000")
    assert report["failures"] == 0 and "0 failures" in text
    client, backend = report["client"]["totals"], report["backend"]["totals"]
    assert client["connections_established"] >= 60
    for side in (client, backend):
        assert side["connections_ended"] == side["connections_established"] == side["responses"]
    assert client["responses"] == backend["responses"]
    assert client["text_bytes_received"] == backend["text_bytes_sent"] == 5000 * client["responses"]
    assert client["text_bytes_sent"] == backend["text_bytes_received"] == 64 * client["responses"]
    assert 50 < report["client"]["connections_per_second"] < 150
    check_latency(report["client"]["latency_ns"]["connect"])
    check_latency(report["client"]["latency_ns"]["response"])
    assert 0.9 < report["seconds"] < 1.5 and 0 < report["busy"] <= 1


def test_requests_on_kept_connections(wires, proxy):
    report, _ = through(wires, 4, "--mode", "requests", "--concurrency", "20")
    assert report["failures"] == 0
    assert report["client"]["totals"]["connections_established"] == 20
    assert report["client"]["responses_per_second"] > 100
    assert report["client"]["open"] == 20


@pytest.mark.parametrize("way", ["up", "down"])
def test_bulk_text_in_both_directions(wires, proxy, way):
    report, _ = through(wires, 4, "--mode", "bulk", "--direction", way, "--concurrency", "4")
    assert report["failures"] == 0
    to, source = ("backend", "client") if way == "up" else ("client", "backend")
    assert report[to]["text_gbits_received"] > 0.001
    assert report[to]["totals"]["text_bytes_received"] == report[source]["totals"]["text_bytes_sent"]


def test_idle_connections_stay_open(wires, proxy):
    report, text = through(wires, 6, "--mode", "idle", "--concurrency", "500")
    assert report["failures"] == 0
    assert report["client"]["open"] == report["backend"]["open"] == 500
    assert 0 < report["seconds_to_open"] < 2 and "all 500 connections were open" in text


def test_a_refused_connection_fails_the_run_unless_it_is_tolerated(wires, proxy):
    report, text = through(wires, 4, "--rate", "50", target_port=81, exit=1)
    assert report["client"]["failures"]["refused"] > 10
    assert report["failures"] == report["client"]["failures"]["refused"] and "FAILED refused" in text
    report, _ = through(wires, 4, "--rate", "50", "--tolerate", "refused", target_port=81)
    assert report["client"]["failures"]["refused"] > 10 and report["failures"] == 0


def test_nobody_on_the_other_side_is_said_so(wires, proxy):
    _, text = load(
        wires, "--role", "client", "--port", wires.end(0, "client"), "--clients", "10.0.1.10",
        "--target", "10.0.1.99:80", "--grace", "0.5", *FAST, exit=2,
    )  # fmt: skip
    assert "nobody answers for 10.0.1.99" in text


def test_a_reflector_shows_what_the_device_carries(wires, proxy):
    reflector = wires.end(2, "server")
    mirror = wires.start(
        wires.dut, LOAD, "--role", "reflector", "--port", reflector, "--duration", "0", "--idle", "nap",
        log=wires.folder / "reflector.log", env=SANITIZERS,
    )  # fmt: skip
    wait_until(lambda: (wires.folder / "wire2").exists() or not mirror.alive(), "the reflector has opened its port")
    probe, _ = load(
        wires, "--role", "probe", "--port", wires.end(2, "client"), "--clients", "10.0.3.1", "--target", "10.0.3.2:80", *FAST,
    )  # fmt: skip
    mirror.signal(signal.SIGTERM)
    assert mirror.wait(20) == 0, mirror.tail()
    assert probe["role"] == "probe" and probe["failures"] == 0
    assert probe["client"]["responses_per_second"] > 1000
    check_latency(probe["client"]["latency_ns"]["response"])
    file = wires.folder / "probe.json"
    file.write_text(json.dumps(probe))

    report, text = through(wires, 4, "--compare-reflector", file)
    assert report["failures"] == 0
    assert report["reflector"]["frames_per_second"] == probe["client"]["frames_per_second"]
    ratio = report["client"]["frames_per_second"] / probe["client"]["frames_per_second"]
    assert report["reflector"]["ratio"] == pytest.approx(ratio)
    assert report["limit"]["what"] in ("device", "generator", "under_test")
    assert (report["limit"]["what"] == "device") == (ratio > 0.8)
    assert report["limit"]["sentence"] in text and "reflector on this device" in text

    probe["client"]["driver"] = "net_tap"
    file.write_text(json.dumps(probe))
    report, _ = through(wires, 4, "--compare-reflector", file)
    assert report["limit"]["what"] == "unknown" and "net_tap" in report["limit"]["sentence"]


def test_without_anything_between_them_both_sides_share_a_ring(wires):
    """The generator's own rate: what it shows of others can't be more."""
    report, _ = load(
        wires, "--port", "net_ring0", "--clients", "fd00::10", "--target", "[fd00::1]:80", "--listen", "[fd00::1]:80",
        "--sources", "fd00::10", *FAST,
    )  # fmt: skip
    assert report["failures"] == 0
    assert report["client"]["connections_per_second"] > 1000


CLIENT = ["--role", "client", "--port", "net_ring0", "--clients", "10.0.0.1", "--target", "10.0.0.2:80"]
BACKEND = ["--role", "backend", "--port", "net_ring0", "--listen", "10.0.0.2:80", "--sources", "10.0.0.1"]


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "--port is required"),
        (["--port", "net_ring0"], "--clients: is needed for a client"),
        (["--port", "net_ring0", *CLIENT[4:]], "--listen: is needed for a backend"),
        ([*CLIENT, "--port", "net_ring1"], "--port: this role has one port"),
        ([*CLIENT, "--clients", "10.0.0.9-10.0.0.1"], "the last address must follow the first"),
        ([*CLIENT, "--clients", "10.0.0"], "'10.0.0' is neither an address nor a range"),
        ([*CLIENT, "--client-ports", "0-9"], "'0-9' is neither a port nor a range"),
        ([*CLIENT, "--client-ports", "1-65536"], "neither a port nor a range"),
        ([*CLIENT, "--target", "10.0.0.2"], "lacks a port"),
        ([*CLIENT, "--target", "fd00::1:80"], "stands in brackets"),
        ([*CLIENT, "--target", "[fd00::1]:80"], "--target: is not of the same family as --clients"),
        ([*CLIENT, "--target", "10.0.0.2:80-81"], "there is one target only"),
        ([*CLIENT, "--clients", "10.0.0.1-10.1.0.1"], "more than 2^27 connections"),
        ([*CLIENT, "--exchanges", "0"], "close after at least one"),
        ([*CLIENT, "--mode", "requests", "--close", "backend"], "there is no number"),
        ([*CLIENT, "--mode", "nonsense"], "--mode"),
        ([*CLIENT, "--duration", "0"], "nothing can be measured in no time"),
        ([*CLIENT, "--tolerate", "nonsense"], "--tolerate"),
        ([*CLIENT, "--compare-reflector", "/nowhere"], "/nowhere can't be read"),
        ([*BACKEND, "--sources", "fd00::1"], "--sources: is not of the same family as --listen"),
        ([*BACKEND, "--compare-reflector", "/nowhere"], "is for a client's figures"),
        (["--role", "probe", *CLIENT[2:], "--request-bytes", "1461"], "a probe has room for 1460"),
    ],
)
def test_wrong_command_lines_are_explained(words, message):
    # What is said twice is meant the last time, but for ports.
    given = {}
    for name, value in zip(words[::2], words[1::2]):
        given.setdefault(name, []).append(value)
    line = [word for name, values in given.items() for value in (values if name == "--port" else values[-1:]) for word in (name, value)]
    done = run(LOAD, *line, check=False, env={**os.environ, **SANITIZERS})
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stdout + done.stderr
