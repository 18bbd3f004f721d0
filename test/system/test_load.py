"""terminus-load: its clients and backends on both sides of a terminusd, and what it says of itself, devices and mistakes.

Runs end when a number of things are done. Nothing here is a matter of time: on a busy machine they take longer, TCP sends again
what came late, and that is no failure.
"""

import json
import os
import subprocess
import xml.etree.ElementTree

import pytest

from harness.dut import BUILDS, FINDINGS, ROOT, SANITIZERS, Dut, program
from harness.memif import REFLECTED, SPARE, Wires, configuration, sides
from harness.process import run

LOAD = program("terminus-load")
# The times are limits, and never reached but by what hangs.
LONG = ["--warm-up", "0", "--duration", "300", "--grace", "60", "--resend", "3", "--idle", "nap"]


@pytest.fixture(scope="module")
def wires(tmp_path_factory):
    made = Wires(tmp_path_factory.mktemp("wires"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def proxy(wires):
    with Dut(wires, config=configuration(wires)) as dut:
        yield dut


def load(wires, *words, exit=0):
    """A run's report and its text."""
    file = wires.folder / "report.json"
    file.unlink(missing_ok=True)
    done = wires.dut.run(LOAD, *words, "--json", file, check=False, timeout=400, env={**os.environ, **SANITIZERS})
    output = done.stdout + done.stderr
    assert not FINDINGS.search(output), output
    assert done.returncode == exit, f"exit {done.returncode}\n{output}"
    return json.loads(file.read_text()) if file.exists() else None, output


def through(wires, version, *words, exit=0, target_port=80):
    return load(wires, *sides(wires, version, target_port), *LONG, *words, exit=exit)


def check_latency(latency, count):
    assert latency["count"] == count
    assert 0 < latency["min"] <= latency["p50"] <= latency["p99"] <= latency["p99_9"] <= latency["max"]


@pytest.mark.parametrize("version, first", [(4, "client"), (6, "backend")])
def test_connections_go_through_and_close_in_either_order(wires, proxy, version, first):
    report, text = through(wires, version, "--close", first, "--count", "300", "--response-bytes", "5000")
    assert report["failures"] == 0 and "0 failures" in text
    client, backend = report["client"]["totals"], report["backend"]["totals"]
    for side in (client, backend):
        assert side["connections_established"] == side["connections_ended"] == side["responses"] == 300
    assert client["text_bytes_received"] == backend["text_bytes_sent"] == 5000 * 300
    assert client["text_bytes_sent"] == backend["text_bytes_received"] == 64 * 300
    for latency in report["client"]["latency_ns"].values():
        check_latency(latency, 300)
    assert report["seconds"] > 0 and 0 < report["busy"] <= 1


def test_an_open_loop_begins_what_is_due(wires, proxy):
    report, _ = through(wires, 4, "--mode", "requests", "--concurrency", "20", "--count", "400", "--rate", "2000")
    assert report["failures"] == 0
    assert report["client"]["totals"]["connections_established"] == report["client"]["open"] == 20
    check_latency(report["client"]["latency_ns"]["response"], 400)
    assert report["seconds"] > 0.19  # the last one was not due before


@pytest.mark.parametrize("way", ["up", "down"])
def test_bulk_text_in_both_directions(wires, proxy, way):
    report, _ = through(wires, 4, "--mode", "bulk", "--direction", way, "--concurrency", "4", "--count", "5")
    assert report["failures"] == 0
    to, source = ("backend", "client") if way == "up" else ("client", "backend")
    assert report[to]["totals"]["text_bytes_received"] == report[source]["totals"]["text_bytes_sent"]
    assert report[to]["totals"]["text_bytes_received"] > 4_900_000
    assert report[to]["text_gbits_received"] > 0


def test_idle_connections_stay_open(wires, proxy):
    report, text = through(wires, 6, "--mode", "idle", "--concurrency", "500", "--count", "500")
    assert report["failures"] == 0
    assert report["client"]["open"] == 500
    assert report["backend"]["totals"]["connections_established"] == 500
    assert report["seconds_to_open"] > 0 and "all 500 connections were open" in text


@pytest.mark.parametrize("tolerated", [[], ["--tolerate", "refused"]])
def test_a_refused_connection_fails_the_run_unless_it_is_tolerated(wires, proxy, tolerated):
    report, text = through(wires, 4, "--count", "20", *tolerated, target_port=81, exit=0 if tolerated else 1)
    assert report["client"]["failures"]["refused"] == 20 and "FAILED refused: 20" in text
    assert report["failures"] == (0 if tolerated else 20)


def test_nobody_on_the_other_side_is_said_so(wires):
    _, text = load(wires, *CLIENT, "--grace", "0.1", exit=2)
    assert "nobody answers for 10.0.0.2" in text


def test_a_reflector_shows_what_the_device_carries(wires, proxy):
    with wires.reflector(env=SANITIZERS):
        probe, _ = load(wires, "--role", "probe", "--port", wires.end(SPARE, "client"), *REFLECTED, *LONG, "--count", "2000")
    assert probe["role"] == "probe" and probe["failures"] == 0
    check_latency(probe["client"]["latency_ns"]["response"], 2000)
    file = wires.folder / "probe.json"
    file.write_text(json.dumps(probe))

    report, text = through(wires, 4, "--count", "100", "--compare-reflector", file)
    assert report["failures"] == 0
    assert report["reflector"]["frames_per_second"] == probe["client"]["frames_per_second"]
    ratio = report["client"]["frames_per_second"] / probe["client"]["frames_per_second"]
    assert report["reflector"]["ratio"] == pytest.approx(ratio)
    assert report["limit"]["what"] in ("device", "generator", "under_test")
    assert (report["limit"]["what"] == "device") == (ratio > 0.8)
    assert report["limit"]["sentence"] in text and "reflector on this device" in text

    probe["client"]["driver"] = "net_tap"
    file.write_text(json.dumps(probe))
    report, _ = through(wires, 4, "--count", "10", "--compare-reflector", file)
    assert report["limit"]["what"] == "unknown" and "net_tap" in report["limit"]["sentence"]


def test_without_anything_between_them_both_sides_share_a_ring(wires):
    report, _ = load(
        wires, "--port", "net_ring0", "--clients", "fd00::10", "--target", "[fd00::1]:80", "--listen", "[fd00::1]:80",
        "--sources", "fd00::10", *LONG, "--count", "1000",
    )  # fmt: skip
    assert report["failures"] == 0
    assert report["client"]["totals"]["connections_ended"] == 1000


def test_the_benchmark_puts_a_reflector_beside_its_figures(tmp_path):
    out = tmp_path / "result.json"
    command = ["/usr/bin/python3", "-B", "-m", "load", "load", "--rounds", "1", "--seconds", "1", "--measure", "connections", "--json", out, "--plots", tmp_path]
    environment = {"PYTHONPATH": f"{ROOT}/test/bench:{ROOT}/test/system", "TERMINUS_RELEASE": str(BUILDS["release"])}
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(out.read_text())
    assert [run["measure"] for run in result["runs"]] == ["reflector, small frames", "connections"]
    probe, report = (run["report"]["client"] for run in result["runs"])
    found = result["measures"]["connections"]
    assert found["figure"]["median"] == report["connections_per_second"] > 0
    assert found["reflector"]["frames_per_second"]["median"] == probe["frames_per_second"] > 0
    assert found["of_reflector"]["median"] == pytest.approx(report["frames_per_second"] / probe["frames_per_second"])
    assert found["failures"] == {} and sum(found["limits"].values()) == 1
    for title in ("connections/s", "a reflector's frames/s", "the limit", "nothing failed"):
        assert title in done.stdout
    xml.etree.ElementTree.parse(tmp_path / "load-latency.svg")


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
