"""The admin socket and terminusctl."""

import json
import os
import re
import socket
import stat

import pytest

from harness.dut import program
from harness.peers import Backend, EchoServer, connect, echo, receive_exactly
from harness.process import run
from harness.waiting import wait_until


def test_the_socket_is_for_its_owner_and_group_only(dut):
    mode = os.stat(dut.socket).st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660


def test_somebody_else_cannot_connect(dut):
    os.chmod(dut.folder, 0o755)
    code = f"import socket; socket.socket(socket.AF_UNIX).connect('{dut.socket}')"
    done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", code, check=False)
    assert "PermissionError" in done.stderr


def test_the_socket_s_group_cannot_begin_a_recording(dut, tmp_path):
    os.chmod(dut.folder, 0o755)
    request = json.dumps({"command": "capture", "options": {"file": str(tmp_path / "all.rec")}})
    code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect('{dut.socket}'); s.sendall(b'{request}\\n'); print(s.recv(9999))"
    done = run("setpriv", "--reuid=65534", "--regid=0", "--clear-groups", "/usr/bin/python3", "-c", code)
    assert "only root and terminusd" in done.stdout
    assert not (tmp_path / "all.rec").exists()


def test_ss_shows_both_legs_with_addresses_service_and_timer(network, dut, family):
    with Backend(network.servers, family, family.server, 7000, echo):
        with connect(network.clients, family, family.vip, 7000) as peer:
            peer.sendall(b"x")
            receive_exactly(peer, 1)
            local = f"{family.host(family.client)}:{peer.getsockname()[1]}"
            listing = dut.ctl("ss", "-o").stdout
            client = next(line for line in listing.splitlines() if local in line)
            backend = next(line for line in listing.splitlines() if f"{family.host(family.server)}:7000" in line)
            for line in (client, backend):
                assert line.startswith("ESTAB")
                assert f"s7000-ipv{family.version}" in line
                assert "timer:(keepalive" in line
            assert f"{family.host(family.vip)}:7000" in client
            assert family.host(family.source) in backend
            assert "client" in client and "backend" in backend


def test_ss_streams_more_connections_than_fit_one_piece(network, dut, family):
    with EchoServer(network.servers, family, family.server, 7000):
        peers = [connect(network.clients, family, family.vip, 7000) for _ in range(300)]
        try:
            wait_until(lambda: dut.connections(state="established", leg="backend") == 300, "all are open")
            lines = [line for line in dut.ctl("ss").stdout.splitlines() if line.startswith("ESTAB")]
            assert len(lines) == 600
            assert len(set(lines)) == 600
        finally:
            for peer in peers:
                peer.close()


def test_stats_tells_what_the_counters_say(dut):
    said = dut.ctl("stats").stdout
    assert re.search(r"^terminus_received_frames_total\b.* [1-9]\d*$", said, re.M)


def test_sysctl_reads_all_and_sets_one(dut):
    every = dut.ctl("sysctl").stdout
    assert re.search(r"^(?:tcp[._])?fin_timeout\s*=\s*60s$", every, re.M)
    dut.ctl("sysctl", "fin_timeout=30s")
    try:
        assert "30s" in dut.ctl("sysctl", "fin_timeout").stdout
        assert dut.metrics().sum("terminus_tcp_tunable", name="fin_timeout") == 30
    finally:
        dut.ctl("sysctl", "fin_timeout=60s")


def test_linux_s_full_name_is_an_alias(dut):
    assert "60s" in dut.ctl("sysctl", "tcp_fin_timeout").stdout


@pytest.mark.parametrize("setting", ["fin_timout=30s", "fin_timeout=30", "fin_timeout=0s", "syn_retries=1000", "rmem=1q"])
def test_a_senseless_setting_is_refused_in_words(dut, setting):
    done = dut.ctl("sysctl", setting, check=False)
    assert done.returncode != 0
    assert setting.split("=")[0] in done.stderr


def test_a_tunable_set_live_works_for_the_next_connection(network, dut, family):
    # Twelve bytes of each segment, and so of the MSS that the client's kernel reckons with.
    with_timestamps = {4: 1500 - 40 - 12, 6: 1500 - 60 - 12}[family.version]

    def offers_timestamps():
        with Backend(network.servers, family, family.server, 7000, echo):
            with connect(network.clients, family, family.vip, 7000) as peer:
                options = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5]  # tcpi_options
                return options & 1 != 0  # TCPI_OPT_TIMESTAMPS

    assert offers_timestamps()
    dut.ctl("sysctl", "timestamps=false")
    try:
        assert not offers_timestamps()
    finally:
        dut.ctl("sysctl", "timestamps=true")


REQUESTS = {
    "not JSON": b"hello\n",
    "cut off": b'{"command": "ss"',
    "unknown": b'{"command": "reboot"}\n',
    "a list": b"[1,2,3]\n",
    "wrong types": b'{"command": {"ss": 7}}\n',
    "deeply nested": b"[" * 5000 + b"\n",
    "binary": bytes(range(256)) + b"\n",
    "a megabyte": b'{"command": "' + b"x" * (1 << 20) + b'"}\n',
}


@pytest.mark.parametrize("request_bytes", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_senseless_request_is_answered_with_an_error_or_closed(dut, request_bytes):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(30)
        peer.connect(str(dut.socket))
        try:
            peer.sendall(request_bytes)
            peer.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: peer.recv(65536), b""))
        except ConnectionError:
            answer = b""
    assert answer == b"" or b"error" in answer
    assert dut.ctl("stats").returncode == 0


def test_idle_clients_do_not_keep_others_out(dut):
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(200)]
    try:
        for peer in waiting:
            peer.settimeout(5)
            try:
                peer.connect(str(dut.socket))
            except OSError:
                break
        wait_until(lambda: dut.ctl("stats", check=False).returncode == 0, "terminusctl is answered", 60)
    finally:
        for peer in waiting:
            peer.close()


def test_terminusctl_says_in_a_sentence_that_nobody_is_there(tmp_path):
    done = run(program("terminusctl"), "--socket", tmp_path / "none.sock", "stats", check=False)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1 and "none.sock" in done.stderr


def test_terminusctl_links_no_dpdk():
    needed = run("readelf", "-d", program("terminusctl")).stdout
    assert "NEEDED" in needed and "librte_" not in needed
