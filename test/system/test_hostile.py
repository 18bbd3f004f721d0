"""Frames that lie. Each is dropped with its reason counted, and a connection beside them never notices.

The numbers are HARDENING's rows. The parsers' own tests and fuzz targets go much further; this shows that the
reasons come out at the other end.
"""

import struct

import pytest

from harness import frames
from harness.frames import ACK, SYN, TCP, Wire, ethernet, ipv4, ipv6, tcp
from harness.peers import Backend, IPV4, IPV6, connect, echo, payload, receive_exactly
from harness.waiting import wait_until

CLIENT4, VIP4 = IPV4.client, IPV4.vip
CLIENT6, VIP6 = IPV6.client, IPV6.vip


def syn4(**lies):
    return ipv4(CLIENT4, VIP4, TCP, tcp(CLIENT4, VIP4, 7000, **lies))


def syn6(**lies):
    return ipv6(CLIENT6, VIP6, TCP, tcp(CLIENT6, VIP6, 7000, **lies))


def good4():
    return tcp(CLIENT4, VIP4, 7000)


def good6():
    return tcp(CLIENT6, VIP6, 7000)


def cut_tcp():
    """Nineteen bytes of TCP header whose checksum is right for nineteen bytes."""
    segment = good4()[:16] + bytes(3)
    value = frames.checksum(frames.pseudo_header(CLIENT4, VIP4, TCP, 19) + segment)
    return segment[:16] + struct.pack("!H", value) + segment[18:]


# (what it is, EtherType, packet, the reason it is dropped for)
LIES = [
    ("1 IPv4 total length over the frame", 0x0800, lambda: ipv4(CLIENT4, VIP4, TCP, good4(), total=200), "ip_total_length"),
    ("1 IPv4 total length under its header", 0x0800, lambda: ipv4(CLIENT4, VIP4, TCP, good4(), total=19), "ip_total_length"),
    ("1 IPv6 payload length over the frame", 0x86DD, lambda: ipv6(CLIENT6, VIP6, TCP, good6(), length=200), "ip_total_length"),
    ("1 IPv4 header cut off", 0x0800, lambda: ipv4(CLIENT4, VIP4, TCP, b"")[:12], "ip_truncated"),
    ("1 IPv6 header cut off", 0x86DD, lambda: ipv6(CLIENT6, VIP6, TCP, b"")[:24], "ip_truncated"),
    ("1 TCP header cut off", 0x0800, lambda: ipv4(CLIENT4, VIP4, TCP, good4()[:12]), "tcp_truncated"),
    ("1 TCP header cut off, with a right checksum", 0x0800, lambda: ipv4(CLIENT4, VIP4, TCP, cut_tcp()), "tcp_truncated"),
    ("1 TCP data offset under five", 0x0800, lambda: syn4(offset=4), "tcp_data_offset"),
    ("1 TCP data offset past the segment", 0x86DD, lambda: syn6(offset=15), "tcp_data_offset"),
    ("2 IP version 5", 0x0800, lambda: ipv4(CLIENT4, VIP4, TCP, good4(), version=5), "ip_version"),
    ("2 IPv4 header length under five", 0x0800, lambda: ipv4(CLIENT4, VIP4, TCP, good4(), words=4), "ip_header_length"),
    ("5 SYN and FIN", 0x0800, lambda: syn4(flags=SYN | frames.FIN), "tcp_bad_flags"),
    ("5 no flags at all", 0x86DD, lambda: syn6(flags=0), "tcp_bad_flags"),
    ("7 wrong IPv4 checksum", 0x0800, lambda: ipv4(CLIENT4, VIP4, TCP, good4(), sum_delta=1), "ip_checksum"),
    ("7 wrong TCP checksum over IPv4", 0x0800, lambda: syn4(sum_delta=1), "tcp_checksum"),
    ("7 wrong TCP checksum over IPv6", 0x86DD, lambda: syn6(sum_delta=1), "tcp_checksum"),
    ("8 source equals destination", 0x0800, lambda: ipv4(VIP4, VIP4, TCP, tcp(VIP4, VIP4, 7000)), "ip_address"),
    ("8 loopback source", 0x0800, lambda: ipv4("127.0.0.1", VIP4, TCP, tcp("127.0.0.1", VIP4, 7000)), "ip_address"),
    ("8 multicast source", 0x86DD, lambda: ipv6("ff02::1", VIP6, TCP, tcp("ff02::1", VIP6, 7000)), "ip_address"),
    ("8 source port zero", 0x0800, lambda: syn4(source_port=0), "tcp_port_zero"),
    ("an EtherType nobody knows", 0x88B5, lambda: bytes(60), "ether_type_unknown"),
    ("an IP protocol nobody knows", 0x0800, lambda: ipv4(CLIENT4, VIP4, 200, bytes(20)), "ip_protocol_unknown"),
    ("an ARP message that lies", 0x0806, lambda: struct.pack("!HHBBH", 1, 0x0800, 8, 4, 1) + bytes(20), "arp_malformed"),
]


@pytest.mark.parametrize("kind,packet,reason", [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
def test_a_lying_frame_is_dropped_with_its_reason(network, dut, kind, packet, reason):
    port = dut.mac()
    before = dut.drops(reason)
    with Wire(network.clients) as wire:
        for _ in range(3):
            wire.send(ethernet(port, wire.mac, kind, packet()))
    wait_until(lambda: dut.drops(reason) == before + 3, f"three drops for {reason}")


OPTIONS = [
    ("3 length zero", bytes([2, 0, 1, 1])),
    ("3 length one", bytes([8, 1, 1, 1])),
    ("3 length past the header", bytes([3, 40, 1, 1])),
    ("3 forty bytes of junk", bytes(range(200, 240))),
    ("3 end of list first", bytes(8)),
    ("4 MSS of zero", bytes([2, 4, 0, 0])),
    ("4 window scale over 14", bytes([3, 3, 255, 1])),
]


@pytest.mark.parametrize("options", [row[1] for row in OPTIONS], ids=[row[0] for row in OPTIONS])
def test_a_syn_with_senseless_options_is_survived(network, dut, options):
    """The option is ignored or the packet dropped, in bounded work; the service goes on."""
    port = dut.mac()
    with Wire(network.clients) as wire:
        for number in range(20):
            segment = tcp(CLIENT4, VIP4, 7000, source_port=42000 + number, options=options)
            wire.send(ethernet(port, wire.mac, 0x0800, ipv4(CLIENT4, VIP4, TCP, segment)))
    with Backend(network.servers, IPV4, IPV4.server, 7000, echo), connect(network.clients, IPV4, VIP4, 7000) as peer:
        peer.sendall(b"x")
        assert receive_exactly(peer, 1) == b"x"
    dut.check_healthy()


def test_a_connection_beside_a_storm_of_lies_keeps_its_bytes(network, dut, family):
    port = dut.mac()
    storm = [ethernet(port, "02:00:00:00:00:01", kind, packet()) for _, kind, packet, _ in LIES]
    data = payload(50_000, "beside the storm")
    with Backend(network.servers, family, family.server, 7000, echo), connect(network.clients, family, family.vip, 7000) as peer:
        with Wire(network.clients) as wire:
            for _ in range(20):
                for frame in storm:
                    wire.send(frame)
                peer.sendall(data)
                assert receive_exactly(peer, len(data)) == data


def test_a_stray_ack_gets_one_rst_and_a_stray_rst_gets_none(network, dut, family):
    port = dut.mac()
    kind = 0x0800 if family.version == 4 else 0x86DD
    reset_before = dut.metrics().sum("terminus_resets_total", direction="sent", reason="no_connection")
    dropped = dut.drops("tcp_no_listener")
    with Wire(network.clients) as wire:
        for flags in (ACK, frames.RST):
            segment = tcp(family.client, family.vip, 7999, source_port=43000, flags=flags, acknowledgement=7)
            wire.send(ethernet(port, wire.mac, kind, frames.ip(family.client, family.vip, TCP, segment)))
    wait_until(lambda: dut.drops("tcp_no_listener") == dropped + 2, "both are dropped")
    assert dut.metrics().sum("terminus_resets_total", direction="sent", reason="no_connection") - reset_before == 1
