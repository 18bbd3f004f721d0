"""What Prometheus sees: clean text, a scrape by the real program, and numbers that follow the traffic."""

import json
import urllib.parse

import pytest

from harness.dut import METRICS
from harness.peers import Backend, connect, echo, payload, receive_exactly, receive_to_end
from harness.process import run
from harness.waiting import wait_until

# One name for each line of what the metrics must tell.
REQUIRED = [
    "terminus_connections",
    "terminus_time_wait_entries",
    "terminus_retransmitted_segments_total",
    "terminus_resets_total",
    "terminus_timer_expirations_total",
    "terminus_opens_total",
    "terminus_received_bytes_total",
    "terminus_sent_bytes_total",
    "terminus_received_frames_total",
    "terminus_sent_frames_total",
    "terminus_drops_total",
    "terminus_hand_overs_total",
    "terminus_buffers",
    "terminus_source_ports",
    "terminus_worker_busy_seconds_total",
    "terminus_worker_idle_seconds_total",
    "terminus_worker_busy_ratio",
    "terminus_tcp_tunable",
    "terminus_build_info",
]


def test_promtool_finds_nothing_to_complain_about(dut):
    text = dut.metrics().text
    done = run("promtool", "check", "metrics", input=text, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", REQUIRED)
def test_the_metric_is_there_with_help_and_type(dut, name):
    text = dut.metrics().text
    assert f"\n# HELP {name} " in "\n" + text
    assert f"\n# TYPE {name} " in "\n" + text
    dut.metrics().sum(name)


def test_bytes_and_states_follow_a_connection(network, dut, family):
    size = 100_000
    with Backend(network.servers, family, family.server, 7000, echo):
        before = dut.metrics()
        with connect(network.clients, family, family.vip, 7000) as peer:
            peer.sendall(payload(size, 1))
            receive_exactly(peer, size)
            assert dut.connections(state="established", leg="client") == 1
            assert dut.connections(state="established", leg="backend") == 1
            after = dut.metrics()
            for leg in ("client", "backend"):
                name = "terminus_received_bytes_total"
                assert after.sum(name, leg=leg) - before.sum(name, leg=leg) == size
        wait_until(lambda: dut.connections(state="established") == 0, "the connection is over")


def test_health_is_told_and_other_paths_are_not_found(dut):
    assert dut.http("/healthz")[0] == 200
    assert dut.http("/readyz")[0] == 200
    assert dut.http("/nothing")[0] == 404


def test_nothing_listens_but_the_metrics_on_loopback(network, dut):
    sockets = network.dut.run("ss", "-Hltn").stdout.split("\n")
    assert [line.split()[3] for line in sockets if line] == ["127.0.0.1:9464"]


def test_senseless_requests_are_answered_or_closed_and_harm_nothing(network, dut):
    for request in (b"\r\n\r\n", b"GET /metrics\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"\x16\x03\x01" * 50, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n"):
        peer = network.dut.socket()
        with peer:
            peer.settimeout(20)
            peer.connect(METRICS)
            try:
                peer.sendall(request)
                answer = receive_to_end(peer)
            except ConnectionError:
                answer = b""
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:80]
    assert dut.is_ready()


@pytest.fixture(scope="module")
def prometheus(network, shared_dut, tmp_path_factory):
    """The real Prometheus in terminusd's namespace, scraping it each second."""
    shared_dut.get()
    folder = tmp_path_factory.mktemp("prometheus")
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        "scrape_configs: [{job_name: terminus, static_configs: [{targets: ['127.0.0.1:9464']}]}]\n"
    )
    network.start(
        network.dut, "prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
        "--web.listen-address=127.0.0.1:9090", log=folder / "log",
    )

    def query(expression):
        url = "http://127.0.0.1:9090/api/v1/query?query=" + urllib.parse.quote(expression)
        answer = network.dut.run("curl", "-s", url, check=False).stdout
        return json.loads(answer)["data"]["result"] if answer.startswith('{"status":"success"') else []

    wait_until(lambda: query('up{job="terminus"} == 1'), "Prometheus has scraped terminusd", 60)
    yield query


def test_a_real_prometheus_returns_our_series(prometheus):
    for name in REQUIRED:
        assert prometheus(name), f"Prometheus has no {name}"


def test_a_real_prometheus_can_ask_why(network, dut, prometheus):
    states = {row["metric"]["state"] for row in prometheus("sum by (state) (terminus_connections)")}
    assert {"syn_sent", "syn_received", "established", "fin_wait_2", "close_wait", "time_wait"} <= states
    legs = {row["metric"]["leg"] for row in prometheus("sum by (leg) (terminus_connections)")}
    assert legs == {"client", "backend"}
    assert prometheus('terminus_drops_total{reason="tcp_checksum"}')
