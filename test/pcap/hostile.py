"""Scenes for generate.py of floods and of what nobody sends by mistake."""

import struct

import frames
from actors import CLIENT, CLIENT6, CLIENT_MAC, SERVICE, SERVICE6, ipv4, ipv6, session, syn
from frames import ACK, PSH, SYN, URG
from world import MILLISECOND


def malformed_options(world):
    """SYNs with options that lie: what can be read of the others is, and each is answered by a SYN-ACK"""
    lies = (
        b"\2\4\5\xb4" + b"\4\0\1\1",  # a length of 0
        b"\2\4\5\xb4" + b"\x08\1\1\1",  # of 1
        b"\2\4\5\xb4" + b"\x08\x0a\0\1",  # beyond the header
        b"\2\3\5\1",  # an MSS of one byte
        b"\2\4\0\0",  # an MSS of 0
        b"\3\3\xff\1",  # a scale of 255
        b"\0\4\2\1" + b"\2\4\5\xb4",  # something after the end
        b"\x1e\4abcd\1\1",  # no kind that is known
    )
    for i, options in enumerate(lies):
        world.send(syn(world, 42000 + i).segment(SYN, options=options), after=MILLISECOND)


def malformed6(world):
    """Frames of IPv6 that are malformed, from the fixed header to neighbour discovery: each is dropped for its reason"""
    segment = frames.tcp(CLIENT6, 40000, SERVICE6, 80, SYN, 1000)
    padding = b"\0\1\4\0\0\0\0\0"  # an extension of eight bytes; its first names what follows

    def chain(first, *extensions):
        return ipv6(frames.ip(CLIENT6, SERVICE6, first, b"".join(extensions) + segment))

    def following(kind, extension=padding):
        return bytes([kind]) + extension[1:]

    solicitation = frames.neighbour(135, CLIENT6, "ff02::1:ff00:80", SERVICE6, CLIENT_MAC)
    world.send_all(
        chain(6)[:40],
        ipv6(frames.ip(CLIENT6, SERVICE6, 6, segment, version=5)),
        ipv6(frames.ip(CLIENT6, SERVICE6, 6, segment, length=1000)),
        ipv6(frames.ip("::ffff:192.0.2.1", SERVICE6, 6, segment)),
        ipv6(frames.ip("ff02::1", SERVICE6, 6, segment)),
        ipv6(frames.ip(SERVICE6, SERVICE6, 6, segment)),
        chain(60, following(0), following(6)),  # hop-by-hop options, not first
        chain(60, *[following(60)] * 3, following(6)),  # destination options, thrice
        chain(43, b"\6\0\0\1\0\0\0\0"),  # a routing header of type 0
        chain(60, b"\6\0\x80\4\0\0\0\0"),  # an option that must be known
        chain(60, b"\6\xff\1\4\0\0\0\0"),  # longer than the packet
        chain(44, b"\6\0\0\1\0\0\0\1"),  # a fragment whose length is no multiple of eight
        ipv6(frames.echo(CLIENT6, SERVICE6, 1, spoil=1)),
        ipv6(solicitation[:7] + b"\x40" + solicitation[8:]),  # from beyond the link
        ipv6(frames.icmp(CLIENT6, SERVICE6, 135, 0, bytes(4) + frames.packed(SERVICE6) + b"\1\0" + CLIENT_MAC, 58)),
    )


def fragments_overlap(world):
    """Fragments that lie over each other are dropped, with all of their packet"""
    whole = frames.icmp(CLIENT, SERVICE, 8, 0, struct.pack("!HH", 7, 1) + b"x" * 60)[20:]
    world.send(ipv4(frames.ip(CLIENT, SERVICE, 1, whole[:32], id=9, fragment=0x2000)))
    world.send(ipv4(frames.ip(CLIENT, SERVICE, 1, whole[24:], id=9, fragment=3)))
    world.send(ipv4(frames.ip(CLIENT, SERVICE, 1, whole[32:], id=9, fragment=4)))


def cookie_forged(world):
    """Behind a full backlog ACKs of invented SYN cookies are answered by RST"""
    for i in range(32):
        world.send(syn(world, 41000 + i).segment(SYN, options=frames.mss(1460)), after=MILLISECOND)
    for i in range(3):
        world.send(syn(world, 42000 + i).segment(ACK, ack=7777 + i), after=MILLISECOND)


def flood_without_cookies(world):
    """Forty SYNs that nobody completes, with SYN cookies switched off: eight are dropped"""
    for i in range(40):
        world.send(syn(world, 41000 + i).segment(SYN, options=frames.mss(1460)), after=MILLISECOND)


def syn_flood6(world):
    """Forty SYNs over IPv6 that nobody completes"""
    for i in range(40):
        segment = frames.tcp(CLIENT6, 41000 + i, SERVICE6, 80, SYN, 1000, options=frames.mss(1440))
        world.send(ipv6(frames.ip(CLIENT6, SERVICE6, 6, segment)), after=MILLISECOND)


def ack_flood(world):
    """Four hundred ACKs for no connection in 40 ms: no more RSTs than their limit"""
    for i in range(400):
        world.send(syn(world, 43000 + i).segment(ACK, ack=77), after=100_000)


def challenge_limit(world):
    """Twenty RSTs within the window, none at its edge: no more challenge ACKs than ten in a second"""
    client, _ = session(world)
    client.learn()
    for i in range(20):
        world.send(client.segment(frames.RST, seq=client.seq + 100 + i), after=MILLISECOND)
    client.reset()


def out_of_window(world):
    """Text left and right of the window is dropped and acknowledged; an ACK of what was never sent, too"""
    client, _ = session(world)
    client.learn()
    client.send(PSH | ACK, b"left", seq=client.seq - 1000)
    client.send(PSH | ACK, b"right", seq=client.seq + 10_000_000)
    client.send(ACK, ack=client.ack + 100_000)
    client.reset()


def urgent(world):
    """Urgent text is text like any other, wherever the pointer points"""
    client, backend = session(world)
    client.learn()
    client.send(PSH | ACK | URG, b"urgent", urgent=3)
    client.send(PSH | ACK | URG, b"lies", urgent=60000)
    backend.acknowledge()
    client.reset()
