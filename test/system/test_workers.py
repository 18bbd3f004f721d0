"""Two workers behind a TAP with one queue: all frames arrive at one of them, and nothing is lost."""

import json

import pytest

from harness.dut import Dut, configuration
from harness.peers import Background, EchoServer, connect, digest, payload, receive_exactly
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def two_workers(network):
    config = configuration(network, workers={"count": 2, "allow_shared_cpus": True})
    with Dut(network, config=config) as dut:
        yield dut


def test_frames_are_handed_to_their_worker_and_none_is_lost(network, two_workers, family):
    dut = two_workers
    before = dut.metrics()
    with EchoServer(network.servers, family, family.server, 7000):

        def client(number):
            for turn in range(25):
                data = payload(40_000, f"{number} {turn}")
                with connect(network.clients, family, family.vip, 7000) as peer:
                    sender = Background(peer.sendall, data)
                    assert digest(receive_exactly(peer, len(data))) == digest(data)
                    sender.result()

        for task in [Background(client, number) for number in range(8)]:
            task.result(120)
    after = dut.metrics()

    def grew(name, **labels):
        return after.sum(name, **labels) - before.sum(name, **labels)

    assert grew("terminus_opens_total", leg="client", kind="passive") == 200
    # Worker 0 polls both ports; about half of the frames belong to worker 1, each session's whole.
    assert grew("terminus_hand_overs_total", direction="sent", worker="0") > 1000
    assert grew("terminus_hand_overs_total", direction="received", worker="1") > 1000
    assert grew("terminus_drops_total", reason="hand_over_full") == 0
    assert grew("terminus_drops_total", reason="tcp_no_listener") == 0, "no frame met the wrong worker"
    dut.check_healthy()


def test_the_backend_legs_of_both_workers_return_to_them(network, two_workers, family):
    dut = two_workers
    with EchoServer(network.servers, family, family.server, 7000):
        peers = [connect(network.clients, family, family.vip, 7000) for _ in range(40)]
        try:
            wait_until(lambda: dut.connections(state="established", leg="backend") == 40, "all sessions are open")
            rows = [json.loads(line) for line in dut.ctl("--json", "ss").stdout.splitlines()]
            sessions = [row for row in rows if row["state"] == "ESTAB"]
            for worker in (0, 1):
                legs = [sum(row["leg"] == leg for row in sessions if row["worker"] == worker) for leg in ("client", "backend")]
                assert legs[0] == legs[1] > 0, "both legs of a session live on one worker"
        finally:
            for peer in peers:
                peer.close()
