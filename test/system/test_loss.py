"""Lossy and reordering links: every byte arrives, in order, once. Hashes over poisoned buffers, both directions."""

import contextlib
import socket

import pytest

from harness.dut import Dut
from harness.network import Network
from harness.peers import IPV4, IPV6, Background, accept, connect, digest, listen, payload, receive_to_end
from harness.relay import impaired

SIZE = 6 << 20
# One frame of a hundred comes 5 ms late, which is long for a wire without delay: what follows overtakes it.
LATE = {"reorder": 10, "reorder_delay_us": 5000}
DEVICES = ["tap", "af_packet", "af_xdp"]


@pytest.fixture(scope="module", params=DEVICES)
def rig(request):
    with Network(request.param) as network:
        with Dut(network) as dut:
            yield network, dut


@pytest.fixture
def links(rig):
    network, dut = rig
    yield network.links()
    for link in network.links():
        link.connect()
    dut.check_healthy()


def exchange(network, family, streams=4):
    """Both directions at once, on several connections."""

    def one(listener, number):
        up, down = payload(SIZE // streams, f"up {number}"), payload(SIZE // streams, f"down {number}")

        def send(peer, data):
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)

        with connect(network.clients, family, family.vip, 7000 + number) as client:
            backend, _ = accept(listener)
            with backend:
                work = [
                    Background(send, client, up),
                    Background(send, backend, down),
                    Background(receive_to_end, client),
                    Background(receive_to_end, backend),
                ]
                got_down, got_up = work[2].result(120), work[3].result(120)
                assert digest(got_up) == digest(up), f"client to backend, stream {number}"
                assert digest(got_down) == digest(down), f"backend to client, stream {number}"

    listeners = [listen(network.servers, family, family.server, 7000 + number) for number in range(streams)]
    try:
        for task in [Background(one, listener, number) for number, listener in enumerate(listeners)]:
            task.result(180)
    finally:
        for listener in listeners:
            listener.close()


@pytest.mark.parametrize("family", [IPV4, IPV6], ids=["ipv4", "ipv6"])
class TestLinks:
    def test_every_byte_arrives_over_a_perfect_link(self, rig, links, family):
        exchange(rig[0], family)

    def test_every_byte_arrives_with_one_percent_lost_both_ways(self, rig, links, family):
        network, dut = rig
        for link in links:
            link.lose(10)
        before = dut.metrics().sum("terminus_retransmitted_segments_total")
        exchange(network, family)
        assert dut.metrics().sum("terminus_retransmitted_segments_total") > before, "the link did lose something"

    def test_every_byte_arrives_when_one_percent_comes_late(self, rig, links, family):
        network, dut = rig
        before = dut.metrics().sum("terminus_out_of_order_segments_total")
        with contextlib.ExitStack() as wires:
            relays = [wires.enter_context(impaired(network, link, **LATE)) for link in links]
            exchange(network, family)
        assert all(way["reordered"] > 0 for relay in relays for way in relay.counters.values())
        assert dut.metrics().sum("terminus_out_of_order_segments_total") > before, "later frames came first"
