"""Below TCP: ping, fragments, gateways, one-arm, and neighbours that come and go."""

import socket

import pytest

from harness import frames
from harness.dut import Dut, configuration
from harness.frames import Wire
from harness.network import Network
from harness.nginx import Nginx
from harness.peers import accept, connect, listen, payload, receive_exactly


def ping(network, address, *options):
    return network.clients.run("ping", "-c", "3", "-i", "0.2", "-W", "5", *options, address, check=False)


def test_ping_of_the_port_s_address_is_answered(network, dut, family):
    assert " 0% packet loss" in ping(network, family.port_address).stdout


def test_ping_of_a_virtual_address_is_answered(network, dut, family):
    assert " 0% packet loss" in ping(network, family.vip).stdout


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)], ids=["in order", "out of order"])
def test_an_echo_request_in_fragments_is_reassembled_and_answered(network, dut, family, order):
    port = dut.mac()
    protocol = {4: frames.ICMP, 6: frames.ICMPV6}[family.version]
    kind = {4: 0x0800, 6: 0x86DD}[family.version]
    request = frames.echo_request(family.client, family.vip, 4242, payload(1200, "echo"))
    pieces = frames.fragments(family.client, family.vip, protocol, request, 480)
    before = dut.metrics().sum("terminus_received_fragments_total")
    listener = network.clients.socket(family.kind, socket.SOCK_RAW, protocol)
    with listener, Wire(network.clients) as wire:
        listener.settimeout(20)
        for index in order:
            wire.send(frames.ethernet(port, wire.mac, kind, pieces[index]))
        while not (answer := listener.recv(4096)).endswith(request[4:]) or answer[-len(request)] not in (0, 129):
            pass  # other ICMP of the namespace
    assert dut.metrics().sum("terminus_received_fragments_total") - before == 3


def test_a_packet_with_ip_options_is_accepted(network, dut):
    # Record route: seven words of IPv4 options before the ICMP header.
    assert " 0% packet loss" in ping(network, "10.0.1.80", "-R").stdout


def test_an_address_that_is_not_ours_is_not_answered(network, dut, family):
    stranger = family.vip.replace("80", "81")
    answer = network.clients.run("ping", "-c", "1", "-W", "1", stranger, check=False)
    assert answer.returncode != 0


def test_the_neighbours_are_found_again_after_the_peers_have_forgotten_us(network, dut, family):
    assert " 0% packet loss" in ping(network, family.vip).stdout
    for peer in (network.clients, network.servers):
        peer.run("ip", "neigh", "flush", "dev", "eth0")
    assert " 0% packet loss" in ping(network, family.vip).stdout


def far_route(family):
    """A client's address beyond a gateway, its network, and the gateway."""
    return {
        4: ("10.9.0.1", "10.9.0.0/24", "10.0.1.1"),
        6: ("fd00:9::1", "fd00:9::/64", "fd00:1::1"),
    }[family.version]


@pytest.fixture
def far_client(network, shared_dut, family):
    """terminusd with a route to a client beyond a gateway, in the place of the shared one."""
    shared_dut.pause()
    far, route, via = far_route(family)
    network.clients.run("ip", "addr", "replace", far, "dev", "lo")
    with Dut(network, config=configuration(network, routes=[{"to": route, "via": via}])):
        yield far
    network.clients.run("ip", "addr", "flush", "dev", "lo", "scope", "global")


def test_a_client_beyond_a_gateway_is_answered_through_it(network, far_client, family):
    with listen(network.servers, family, family.server, 7000) as listener:
        client = network.clients.socket(family.kind)
        with client:
            client.settimeout(20)
            client.bind((far_client, 0))
            client.connect((family.vip, 7000))
            backend, _ = accept(listener)
            with backend:
                client.sendall(b"from far away")
                assert receive_exactly(backend, 13) == b"from far away"


@pytest.fixture(scope="module")
def one_arm(tmp_path_factory):
    with Network(one_arm=True) as network:
        nginx = Nginx(network.servers, tmp_path_factory.mktemp("nginx"), ["10.0.1.11", "10.0.1.12", "fd00:1::11", "fd00:1::12"])
        with Dut(network) as dut:
            yield network, dut
        nginx.stop()


def test_one_arm_serves_clients_and_backends_on_one_port(one_arm, family):
    network, dut = one_arm
    here = family.one_arm()
    for _ in range(4):
        answer = network.clients.run("curl", "-sS", "--fail", "--max-time", "20", family.url()).stdout
        assert answer in (f"{here.server} to {here.source}\n", f"{here.second_server} to {here.source}\n")
    dut.check_healthy()


def test_a_backend_whose_link_comes_back_is_reached_again(network, dut, family):
    with listen(network.servers, family, family.server, 7000) as listener:
        network.back.cut()
        try:
            client = connect(network.clients, family, family.vip, 7000)
        finally:
            network.back.connect()
        with client:
            # The SYN that was lost is sent again.
            backend, _ = accept(listener)
            with backend:
                client.sendall(b"late but there")
                assert receive_exactly(backend, 14) == b"late but there"
