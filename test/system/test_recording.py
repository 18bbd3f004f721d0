"""A terminusd that is recorded, and its recording replayed: the same bytes."""

import contextlib
import os
import re
import signal
import stat

import pytest

from harness.dut import SANITIZERS, Dut, configuration, program
from harness.peers import Background, EchoServer, connect, payload, receive_exactly, receive_to_end
from harness.process import Program, run
from harness.waiting import wait_until


def replay(recording, *options, check=True):
    return run(program("terminus-replay"), "--recording", recording, *options, check=check, env={**os.environ, **SANITIZERS})


def sent_in(output):
    """How many packets were sent, all of them as recorded."""
    print(output)
    return int(re.search(r"same bytes: (\d+) packets sent, all as recorded", output).group(1))


def same_bytes(recording, *options):
    return sent_in(replay(recording, *options).stdout)


def alive_in(output, state):
    """How many connections a recording began with, on all workers."""
    return sum(int(count) for count in re.findall(rf"begins with .*?(\d+) {state}\b", output))


@contextlib.contextmanager
def capture(dut, recording, *options):
    """`terminusctl capture` from its first line on, ended by Ctrl-C."""
    command = [program("terminusctl"), "--socket", dut.socket, "capture", "--replayable", recording, *options]
    asker = Program(command, recording.with_suffix(".log"), SANITIZERS)
    try:
        wait_until(lambda: "Ctrl-C ends it" in asker.text() or not asker.alive(), "the recording has begun")
        assert "Ctrl-C ends it" in asker.text(), asker.text()
        yield asker
        if asker.alive():
            asker.signal(signal.SIGINT)
            assert asker.wait(30) == 0, asker.text()
    finally:
        asker.kill()


class Conversations:
    """Some of each kind: a download that its client doesn't read, one under way, an upload, an idle one, one that is over."""

    SIZE = 3_000_000

    def __init__(self, network, family):
        self.network, self.family = network, family
        self.over = self.echo(7000, 1000)
        self.over.close()
        self.idle = self.echo(7000, 10)
        self.held = self.ask(receive_buffer=4096)
        self.download = self.ask(receive_buffer=65536)
        self.got = receive_exactly(self.download, 100_000)
        self.upload = connect(network.clients, family, family.vip, 7000)
        self.data = payload(self.SIZE, "upload")
        self.upload.sendall(self.data[: self.SIZE // 2])

    def echo(self, port, size):
        peer = connect(self.network.clients, self.family, self.family.vip, port)
        data = payload(size, f"{port} {size}")
        peer.sendall(data)
        assert receive_exactly(peer, size) == data
        return peer

    def ask(self, receive_buffer):
        peer = connect(self.network.clients, self.family, self.family.vip, 80, receive_buffer=receive_buffer)
        peer.sendall(b"GET /big HTTP/1.0\r\n\r\n")
        return peer

    def go_on(self):
        """All that is still to come, comes; and some more begin and end."""
        rest = Background(lambda: self.upload.sendall(self.data[self.SIZE // 2 :]))
        assert receive_exactly(self.upload, self.SIZE) == self.data
        rest.result()
        self.idle.sendall(b"still here")
        assert receive_exactly(self.idle, 10) == b"still here"
        for peer in (self.download, self.held):
            assert len(receive_to_end(peer)) > self.SIZE - 100_000
        for number in range(5):
            self.echo(7000, 20_000 + number).close()

    def close(self):
        for peer in (self.idle, self.held, self.download, self.upload):
            peer.close()


@contextlib.contextmanager
def talking(network, nginx, family, workers):
    """A terminusd in the middle of conversations, which goes on after it."""
    for server in nginx:
        (server.files / "big").write_bytes(payload(Conversations.SIZE, "big"))
    config = configuration(network, workers={"count": workers, "allow_shared_cpus": True}, tcp={"time_wait": "60s"})
    with EchoServer(network.servers, family, family.server, 7000):
        dut = Dut(network, config=config).start()
        with contextlib.ExitStack() as left:
            left.callback(dut.process.kill)
            conversations = Conversations(network, family)
            left.callback(conversations.close)
            yield dut, conversations
            if dut.process.alive():
                dut.stop()


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


@pytest.mark.parametrize("workers", [1, 2])
def test_a_capture_from_the_middle_of_conversations_replays_to_the_same_bytes(network, nginx, tmp_path, workers, family):
    recording = tmp_path / "later.rec"
    with talking(network, nginx, family, workers) as (dut, conversations):
        dut.ctl("sysctl", "fin_timeout=30s")
        dut.config["services"].append({"name": "new", "listen": [f"{family.host(family.vip)}:7100"], "pool": f"p7000-ipv{family.version}"})
        dut.reload()
        wait_until(lambda: dut.metrics().sum("terminus_config_reloads_total", result="applied") == 1, "the new service is there")
        dut.ctl("sysctl", "retries2=8")
        conversations.echo(7100, 100).close()
        with capture(dut, recording) as asker:
            assert stat.S_IMODE(recording.stat().st_mode) == 0o600, "it holds keys"
            conversations.echo(7100, 50_000).close()
            dut.ctl("sysctl", "keepalive_intvl=20s")
            del dut.config["services"][-1]
            dut.config["services"].append({"name": "newer", "listen": [f"{family.host(family.vip)}:7200"], "pool": f"p7000-ipv{family.version}"})
            dut.reload()
            wait_until(lambda: dut.metrics().sum("terminus_config_reloads_total", result="applied") == 2, "the newer service is there")
            conversations.echo(7200, 50_000).close()
            conversations.go_on()
            assert f"recording into {recording}" in dut.ctl("capture").stdout
        assert f"{recording} has ended: it was told to end" in asker.text()
        conversations.echo(7200, 1000).close()  # of no recording
    output = replay(recording).stdout
    assert sent_in(output) > 1000
    assert alive_in(output, "ESTAB") >= 4
    assert alive_in(output, "TIME-WAIT") >= 2


def test_a_capture_that_a_killed_terminusd_leaves_replays(network, nginx, tmp_path, family):
    recording = tmp_path / "killed.rec"
    with talking(network, nginx, family, 2) as (dut, conversations):
        dut.ctl("capture", "--replayable", recording, "--detach")
        conversations.go_on()
        wait_until(lambda: recording.stat().st_size > 10_000_000, "it is on the disk")
        dut.abandon()
    output = replay(recording).stdout
    assert "it has no end" in output
    assert sent_in(output) > 1000
    os.truncate(recording, recording.stat().st_size - 3)  # as if it had been killed while it wrote
    output = replay(recording).stdout
    assert re.search(r"of its last part, at byte \d+, \d+ bytes are there and left out", output)
    assert sent_in(output) > 0


def test_captures_one_after_the_other_each_replay(network, nginx, tmp_path, family):
    recordings = [tmp_path / f"{number}.rec" for number in range(3)]
    with talking(network, nginx, family, 1) as (dut, conversations):
        with capture(dut, recordings[0]):
            conversations.echo(7000, 70_000).close()
            refused = dut.ctl("capture", "--replayable", tmp_path / "other.rec", check=False)
            assert f"there is a recording already, into {recordings[0]}" in refused.stderr
        with capture(dut, recordings[1], "--for", "100ms") as asker:
            assert asker.wait(30) == 0
        assert "the time that was asked for is over" in asker.text()
        dut.ctl("capture", "--replayable", recordings[2], "--detach")
        conversations.go_on()
        assert "it was told to end" in dut.ctl("capture", "--stop").stdout
        refused = dut.ctl("capture", "--replayable", recordings[2], check=False)
        assert f"cannot create {recordings[2]}: File exists" in refused.stderr
    for recording in recordings:
        assert alive_in(replay(recording).stdout, "ESTAB") >= 4
    assert same_bytes(recordings[2]) > 1000


def test_a_capture_ends_when_its_terminusctl_is_killed(network, nginx, tmp_path, family):
    recording = tmp_path / "left.rec"
    with talking(network, nginx, family, 1) as (dut, conversations):
        with capture(dut, recording) as asker:
            conversations.echo(7000, 70_000).close()
            asker.kill()
            wait_until(lambda: "who had asked for it is gone" in dut.ctl("capture").stdout, "the recording has ended")
    assert same_bytes(recording) > 50
