"""A terminusd that is recorded, and its recording replayed: the same bytes."""

import os
import re
import stat

import pytest

from harness.dut import SANITIZERS, Dut, configuration, program
from harness.peers import EchoServer, connect, payload, receive_exactly
from harness.process import run
from harness.waiting import wait_until


def replay(recording, *options, check=True):
    return run(program("terminus-replay"), "--recording", recording, *options, check=check, env={**os.environ, **SANITIZERS})


def same_bytes(recording, *options):
    """How many packets were sent, all of them as recorded."""
    output = replay(recording, *options).stdout
    print(output)
    return int(re.search(r"same bytes: (\d+) packets sent, all as recorded", output).group(1))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_recording_from_the_start_replays_to_the_same_bytes(network, nginx, tmp_path, workers, family):
    recording = tmp_path / "all.rec"
    config = configuration(network, workers={"count": workers, "allow_shared_cpus": True})
    for server in nginx:
        (server.files / "megabyte").write_bytes(bytes(range(256)) * 4096)
    with Dut(network, config=config, options=["--record", recording]) as dut, EchoServer(
        network.servers, family, family.server, 7000
    ):
        assert stat.S_IMODE(recording.stat().st_mode) == 0o600, "it holds keys"
        for path in ("/", "/megabyte", "/nothing"):
            network.clients.run("curl", "-sS", "--max-time", "20", "-o", tmp_path / "got", family.url(path))
        dut.ctl("sysctl", "fin_timeout=30s", "time_wait=1s")
        dut.config["services"].append({"name": "new", "listen": [f"{family.host(family.vip)}:7100"], "pool": f"p7000-ipv{family.version}"})
        dut.reload()
        wait_until(lambda: dut.metrics().sum("terminus_config_reloads_total", result="applied") == 1, "the new service is there")
        for number in range(8):
            with connect(network.clients, family, family.vip, 7100) as peer:
                data = payload(30_000, str(number))
                peer.sendall(data)
                assert receive_exactly(peer, len(data)) == data
        lasting = connect(network.clients, family, family.vip, 7000)
        lasting.sendall(b"half of it")
        receive_exactly(lasting, 10)
    lasting.close()  # reset at terminusd's end
    assert same_bytes(recording, "--export", tmp_path / "captures") > 1000
    assert {file.name for file in (tmp_path / "captures").iterdir()} == {
        f"{port}-{way}.pcap" for port in ("front", "back") for way in ("received", "sent")
    }


def test_a_recording_with_one_bit_changed_says_where(network, nginx, tmp_path, family):
    recording = tmp_path / "all.rec"
    with Dut(network, options=["--record", recording]):
        network.clients.run("curl", "-sS", "--max-time", "20", family.url("/?marker-of-the-request"))
    data = bytearray(recording.read_bytes())
    place = data.rfind(b"marker-of-the-request")  # as it was sent to the backend
    data[place] ^= 1
    recording.write_bytes(data)
    done = replay(recording, check=False)
    assert done.returncode == 1, done.stderr
    where = r"worker 0, turn \d+, [\d.]+ s after its start: what it sends through port back is not what was recorded"
    assert re.search(where, done.stderr), done.stderr
    assert "payload" in done.stderr


def test_a_recording_that_reaches_its_limit_ends_and_replays(network, nginx, tmp_path, family):
    recording = tmp_path / "short.rec"
    for server in nginx:
        (server.files / "megabyte").write_bytes(bytes(range(256)) * 4096)
    with Dut(network, options=["--record", recording, "--record-limit", "500KB"]) as dut:
        network.clients.run("curl", "-sS", "--max-time", "20", "-o", tmp_path / "got", family.url("/megabyte"))
        wait_until(lambda: "has ended: the limit" in dut.process.text(), "the recording has ended")
        network.clients.run("curl", "-sS", "--fail", "--max-time", "20", "-o", tmp_path / "got", family.url("/megabyte"))
    assert recording.stat().st_size <= 500 * 1024
    assert same_bytes(recording) > 0


def test_a_file_that_is_there_is_not_overwritten(network, tmp_path):
    recording = tmp_path / "old.rec"
    recording.write_text("precious")
    dut = Dut(network, options=["--record", recording])
    process = dut.launch()
    process.wait(30)
    assert process.process.returncode == 1
    assert f"cannot create {recording}: File exists" in process.text()
    assert recording.read_text() == "precious"
