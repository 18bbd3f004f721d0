#!/usr/bin/python3
"""Makes the captures of test/pcap/in that are made by hand, with the program whose replies they answer.

    test/pcap/generate.py PATH/TO/terminus-replay [NAME...]

A scene is a function, here or in losses.py, endings.py, hostile.py; its docstring is the capture's line in README.md. Afterwards replay_test.py --update writes the
golden files, and a reader decides whether what changed is right.
"""

import inspect
import pathlib
import struct
import sys

import endings
import frames
import hostile
import losses
from actors import BACKEND, CLIENT, CLIENT6, CLIENT_MAC, RESPONSE, SERVICE, SERVICE6, ipv4, ipv6, session, syn
from frames import ACK, FIN, PSH, RST, SYN, URG
from world import MILLISECOND, ROUND_TRIP, Host, World

HERE = pathlib.Path(__file__).resolve().parent


def arp_and_ping(world):
    """ARP for an address of ours and for one that isn't, and a ping: two of the three are answered"""
    for target in (SERVICE, "192.0.2.81"):
        world.send(frames.ethernet(CLIENT_MAC, 0x0806, frames.arp(1, CLIENT_MAC, CLIENT, bytes(6), target), b"\xff" * 6))
    world.send(ipv4(frames.echo(CLIENT, SERVICE, 1)))


def neighbour_and_ping6(world):
    """A neighbour solicitation and a ping over IPv6"""
    group = "ff02::1:ff00:80"
    world.send(frames.ethernet(CLIENT_MAC, 0x86DD, frames.neighbour(135, CLIENT6, group, SERVICE6, CLIENT_MAC), bytes.fromhex("3333ff000080")))
    world.send(ipv6(frames.echo(CLIENT6, SERVICE6, 1)))


def served(world, is_v6=False):
    """A connection from SYN to the last ACK: request, response, the client closes first"""
    client, backend = session(world, is_v6)
    backend.say(RESPONSE)
    client.acknowledge()
    client.finish()
    backend.finish()
    client.acknowledge()


def served6(world):
    """The same over IPv6"""
    served(world, is_v6=True)


def backend_closes_first(world):
    """The backend closes first, its FIN is passed on, and the leg to the client waits in TIME_WAIT"""
    client, backend = session(world)
    backend.say(RESPONSE)
    backend.send(FIN | ACK, after=MILLISECOND)
    client.acknowledge()
    client.finish()
    backend.acknowledge()


def half_closed(world):
    """The client closes its side at once and still gets all of a slow response"""
    client, backend = session(world)
    client.finish(after=MILLISECOND)
    backend.acknowledge()
    for _ in range(3):
        backend.say(RESPONSE, after=2000 * MILLISECOND)
        client.acknowledge()
    backend.finish()
    client.acknowledge()


def refused_port(world):
    """SYNs to ports without a service are answered by RST"""
    for port in (82, 8080):
        syn(world, service_port=port).send(SYN)


def refused_by_backend(world):
    """The backend answers with RST, and the client gets one"""
    client = syn(world)
    client.open()
    backend = Host(world, BACKEND, 8080, "192.0.2.2", None, 0)
    backend.learn()
    backend.send(RST | ACK, after=ROUND_TRIP)


def backend_absent(world):
    """Nobody has the backend's address: the client is reset when the time to connect is over"""
    syn(world, service_port=81).open()


def backend_silent(world):
    """The backend is there and answers no SYN, which is sent again until the time to connect is over"""
    syn(world).open()


def syn_again(world):
    """A SYN that is repeated is answered each time by the same SYN-ACK, and the ACK opens one connection"""
    client = syn(world)
    client.send(SYN, options=frames.mss(1460))
    for _ in range(2):
        client.send(SYN, seq=1000, options=frames.mss(1460), after=300 * MILLISECOND)
    client.acknowledge()


def half_open_expires(world):
    """A SYN without an ACK: the SYN-ACK is sent again at 1, 3, 7, 15 and 31 seconds and given up at 63"""
    syn(world).send(SYN, options=frames.mss(1460))


def syn_flood(world):
    """Forty SYNs that nobody completes: eight more than the backlog holds are answered with SYN cookies"""
    for i in range(40):
        world.send(syn(world, 41000 + i).segment(SYN, options=frames.mss(1460)), after=MILLISECOND)


def cookie_completes(world):
    """Behind a full backlog a client's ACK of a SYN cookie opens its connection"""
    for i in range(32):
        world.send(syn(world, 41000 + i).segment(SYN, options=frames.mss(1460)), after=MILLISECOND)
    syn(world).open()


def client_resets(world):
    """A RST of the client resets the backend's leg, too"""
    client, _ = session(world)
    client.reset()


def backend_resets(world):
    """A RST of the backend resets the client's leg"""
    _, backend = session(world)
    backend.reset()


def resets_that_miss(world):
    """RSTs beside the expected number: one outside the window is dropped, one within it draws a challenge ACK"""
    client, _ = session(world)
    client.send(RST, seq=client.seq + 100000)
    client.send(RST, seq=client.seq + 100)
    client.send(RST, seq=client.seq, after=100 * MILLISECOND)


def no_connection(world):
    """ACK, FIN, data and RST for no connection: three are answered by RST, the RST by nothing"""
    for flags, text in ((ACK, b""), (FIN | ACK, b""), (PSH | ACK, b"data"), (RST, b"")):
        syn(world).send(flags, text, ack=77)


def time_wait(world):
    """Both sides close and Terminus's leg to the backend waits: a repeated FIN is acknowledged again, a RST ignored"""
    client, backend = session(world)
    client.finish()
    backend.finish()
    fin = backend.seq - 1
    client.finish()
    backend.acknowledge()
    backend.send(FIN | ACK, seq=fin, after=1000 * MILLISECOND)
    backend.send(RST | ACK, after=1000 * MILLISECOND)


def out_of_order(world):
    """Three segments in the order 3, 2, 1, 1: SACK reports what is ahead, D-SACK what came twice"""
    client, backend = session(world)
    first = client.seq
    for part in (2, 1, 0, 0):
        client.send(PSH | ACK, bytes([65 + part]) * 500, seq=first + 500 * part)
    client.seq = first + 1500
    backend.acknowledge()
    client.reset()


def response_unacknowledged(world):
    """The client stops acknowledging: the response is sent again by tail loss probe and time-outs until the limit"""
    client, backend = session(world)
    client.learn()
    backend.say(RESPONSE)


def response_acknowledged_late(world):
    """The client acknowledges after two time-outs, and the connection goes on"""
    client, backend = session(world)
    client.learn()
    backend.say(RESPONSE)
    world.wait(1.5)
    client.acknowledge()
    client.finish()
    backend.finish()
    client.acknowledge()


def zero_window(world):
    """The client's window closes: it is probed by the persist timer, and opens again"""
    client, backend = session(world)
    client.learn()
    client.send(ACK, window=0)
    backend.say(RESPONSE)
    world.wait(3)
    client.send(ACK)
    client.acknowledge()
    client.reset()


def keepalive(world):
    """Nobody says anything: keepalive probes on both legs, and their end when none is answered"""
    session(world)


def idle(world):
    """Nobody says anything for the service's idle_timeout: both legs are reset"""
    session(world)


def backend_unreachable(world):
    """A router says that the backend's port can't be reached: the client is reset"""
    client = syn(world)
    client.open()
    backend = Host(world, BACKEND, 8080, "192.0.2.2", None)
    backend.learn()
    quoted = frames.ip("192.0.2.2", BACKEND, 6, struct.pack("!HHI", backend.peer_port, 8080, backend.last.seq))
    world.send(frames.ethernet(backend.mac, 0x0800, frames.icmp(BACKEND, "192.0.2.2", 3, 3, bytes(4) + quoted)))


def fragments(world):
    """A ping in two fragments is put together and answered; a lone fragment is given up"""
    whole = frames.icmp(CLIENT, SERVICE, 8, 0, struct.pack("!HH", 7, 1) + b"x" * 60)[20:]
    world.send(ipv4(frames.ip(CLIENT, SERVICE, 1, whole[:32], id=9, fragment=0x2000)))
    world.send(ipv4(frames.ip(CLIENT, SERVICE, 1, whole[32:], id=9, fragment=4)))
    world.send(ipv4(frames.ip(CLIENT, SERVICE, 1, whole[:32], id=10, fragment=0x2000)))


def vlan(world):
    """Frames with a VLAN tag, which are dropped: no VLAN is configured"""
    for tag in (1, 0x6064):
        world.send(frames.ethernet(CLIENT_MAC, 0x0800, frames.echo(CLIENT, SERVICE, 1), tag=tag))


def malformed(world):
    """One frame for each way to be malformed, from Ethernet to TCP: each has its own reason to be dropped"""
    good = syn(world).segment(SYN)
    segment = good[34:]

    def tcp(**changes):
        return ipv4(frames.ip(CLIENT, SERVICE, 6, frames.tcp(CLIENT, changes.pop("port", 40000), SERVICE, 80, changes.pop("flags", SYN), 1000, **changes)))

    def packet(payload=segment, source=CLIENT, destination=SERVICE, protocol=6, **changes):
        return ipv4(frames.ip(source, destination, protocol, payload, **changes))

    world.send_all(
        good[:10],
        frames.ethernet(b"\1" + CLIENT_MAC[1:], 0x0800, good[14:]),
        frames.ethernet(CLIENT_MAC, 0x88CC, b"lldp"),
        frames.ethernet(CLIENT_MAC, 0x0806, frames.arp(9, CLIENT_MAC, CLIENT, bytes(6), SERVICE)),
        good[:30],
        packet(version=6),
        packet(words=4),
        packet(length=1000),
        packet(spoil=1),
        packet(source=SERVICE),
        packet(source="127.0.0.1"),
        packet(protocol=17),
        packet(destination="203.0.113.1"),
        packet(b"x", protocol=1),
        ipv4(frames.icmp(CLIENT, SERVICE, 8, 0, bytes(4), spoil=1)),
        packet(segment[:19]),
        tcp(words=4),
        tcp(words=15),
        tcp(spoil=1),
        tcp(port=0),
        tcp(flags=SYN | FIN),
        tcp(flags=0),
        tcp(flags=FIN | PSH | URG),
        ipv6(frames.ip(CLIENT6, SERVICE6, 17, b"udp")),
        ipv6(frames.ip("::1", SERVICE6, 6, segment)),
    )


def raw_ip(world):
    """A capture of raw IP, without Ethernet headers: pings of both families"""
    world.send(frames.echo(CLIENT, SERVICE, 1))
    world.send(frames.echo(CLIENT6, SERVICE6, 1))


def bsd_loopback(world):
    """The same as BSD and macOS capture on their loopback, each packet behind the number of its family there"""
    for family, source, destination in ((2, CLIENT, SERVICE), (30, CLIENT6, SERVICE6)):
        world.send(struct.pack("<I", family) + frames.echo(source, destination, 1))


def pcapng(world):
    """A ping as pcapng has it"""
    world.send(ipv4(frames.echo(CLIENT, SERVICE, 1)))


def snapped(world):
    """A capture with microseconds and a snap length of 60 bytes: what is cut is dropped"""
    world.send(ipv4(frames.echo(CLIENT, SERVICE, 1)))
    world.send(ipv4(frames.echo(CLIENT, SERVICE, 2, b"x" * 100)))


def backwards(world):
    """Pings whose times go backwards: each is replayed at the latest time before it"""
    world.send(ipv4(frames.echo(CLIENT, SERVICE, 1)))
    world.send(ipv4(frames.echo(CLIENT, SERVICE, 2)), after=-5 * MILLISECOND)
    world.send(ipv4(frames.echo(CLIENT, SERVICE, 3)))


SCENES = {
    name: scene
    for module in (sys.modules["__main__"], losses, endings, hostile)
    for name, scene in vars(module).items()
    if inspect.isfunction(scene) and scene.__module__ == module.__name__ and list(inspect.signature(scene).parameters)[:1] == ["world"]
}


def make(program, name):
    own = HERE / "in" / f"{name}.yaml"
    world = World(program, own if own.exists() else HERE / "config.yaml")
    SCENES[name](world)
    if name == "pcapng":
        frames.write_pcapng(HERE / "in" / "pcapng.pcapng", world.records)
        return
    path = HERE / "in" / f"{name}.pcap"
    if name == "bsd_loopback":
        frames.write_pcap(path, world.records, link=0)
    elif name == "raw_ip":
        frames.write_pcap(path, world.records, link=101)
    elif name == "snapped":
        frames.write_pcap(path, world.records, nanoseconds=False, snap=60)
    elif name == "backwards":
        frames.write_pcap(path, world.records)
    else:
        world.outcome()  # what is asked at the end is answered, too
        frames.write_pcap(path, world.records)


def main():
    program, names = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:] or SCENES
    (HERE / "in").mkdir(exist_ok=True)
    for name in names:
        make(program, name)
        print(f"{name}: {SCENES[name].__doc__}")


if __name__ == "__main__":
    main()
