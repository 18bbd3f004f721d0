"""Scenes for generate.py of what a path loses, delays, marks or refuses."""

import struct

import frames
from actors import CLIENT, CLIENT6, REQUEST, SERVICE, SERVICE6, backend_of, download, ipv4, ipv6, session, syn, texts
from frames import ACK, CWR, ECE, FIN, PSH, SYN
from world import MILLISECOND, ROUND_TRIP


def report_ahead(client, sent, first):
    """SACKs as they come for all of `sent` from `first` on; client.ack is what is missing before."""
    for one in sent[first:]:
        client.send(ACK, options=frames.sack((sent[first].seq, one.next_seq)), after=ROUND_TRIP)


def have_all(client, sent, seconds=0.1):
    """After so long all of `sent` has come, and the client goes away."""
    client.world.wait(seconds)
    client.ack = sent[-1].next_seq
    client.send(ACK)
    client.reset()


def lost_segment(world, **changes):
    """One of ten segments of the response is lost: SACK tells which, and it alone is sent again"""
    client, _, sent = download(world, 10, **changes)
    client.ack = sent[2].seq
    report_ahead(client, sent, 3)
    have_all(client, sent)


def two_lost(world):
    """Two of ten segments are lost, apart: SACK tells both, and they alone are sent again"""
    client, _, sent = download(world, 10)
    client.ack = sent[2].seq
    for one in sent[3:6]:
        client.send(ACK, options=frames.sack((sent[3].seq, one.next_seq)), after=ROUND_TRIP)
    for one in sent[7:]:
        client.send(ACK, options=frames.sack((sent[7].seq, one.next_seq), (sent[3].seq, sent[5].next_seq)), after=ROUND_TRIP)
    have_all(client, sent)


def lost_segment6(world):
    """One of ten segments is lost on the way to a client over IPv6"""
    lost_segment(world, is_v6=True)


def lost_segment_bbr(world):
    """One of ten segments is lost with BBR, which doesn't take its window down for one"""
    lost_segment(world)


def lost_without_sack(world):
    """One of ten segments is lost, and the client doesn't know SACK: three duplicate ACKs tell"""
    client, _, sent = download(world, 10, options=frames.mss(1460))
    client.ack = sent[2].seq
    for _ in sent[3:]:
        client.send(ACK, after=ROUND_TRIP)
    have_all(client, sent)


def lost_tail(world):
    """The last of three segments is lost: a tail loss probe brings it, before any time-out"""
    client, _, sent = download(world, 3)
    client.ack = sent[2].seq
    client.send(ACK, after=ROUND_TRIP)
    have_all(client, sent, 0.3)


def lost_flight(world):
    """All of ten segments are lost: after the time-out they go out again, as acknowledgements let them"""
    client, _, sent = download(world, 10)
    world.wait(0.3)
    for one in sent:
        client.ack = one.next_seq
        client.send(ACK, after=ROUND_TRIP)
    client.reset()


def lost_again(world):
    """What was lost is lost again when it is sent again: the SACK of what was sent after it tells"""
    client, backend, sent = download(world, 6)
    client.ack = sent[0].seq
    report_ahead(client, sent, 1)
    backend.say(b"z" * 1000)
    last = texts(client)[-1]
    client.send(ACK, options=frames.sack((sent[1].seq, last.next_seq)), after=ROUND_TRIP)
    world.wait(0.05)
    client.ack = last.next_seq
    client.send(ACK)
    client.reset()


def overtaken(world):
    """A segment comes after five that followed it: it was sent again for nothing, and D-SACK says so"""
    client, backend, sent = download(world, 8)
    client.ack = sent[2].seq
    report_ahead(client, sent, 3)
    backend.say(b"more", after=MILLISECOND)
    client.ack = sent[-1].next_seq
    client.send(ACK, after=ROUND_TRIP)
    client.send(ACK, options=frames.sack((sent[2].seq, sent[2].next_seq)), after=ROUND_TRIP)
    client.ack += len(b"more")
    client.send(ACK, after=ROUND_TRIP)
    client.reset()


def sack_taken_back(world):
    """A client acknowledges less than it had reported by SACK: after the time-out all is sent again"""
    client, _, sent = download(world, 5)
    client.ack = sent[0].seq
    client.send(ACK, options=frames.sack((sent[1].seq, sent[3].next_seq)), after=ROUND_TRIP)
    client.ack = sent[0].next_seq
    client.send(ACK, after=5 * MILLISECOND)
    have_all(client, sent, 1)


def lost_syn(world):
    """The first SYN to the backend is lost, and the second one is answered"""
    client = syn(world)
    client.open()
    backend = backend_of(world)
    backend.learn()
    world.wait(1.1)
    backend.send(SYN | ACK, options=frames.mss(1460) + frames.SACK_PERMITTED, after=ROUND_TRIP)
    client.say(REQUEST)
    backend.acknowledge()
    client.reset()


def lost_fin(world):
    """The FIN to the client is lost twice: it is sent again until it is acknowledged"""
    client, backend = session(world)
    client.learn()
    backend.send(FIN | ACK, after=MILLISECOND)
    world.wait(0.7)
    client.acknowledge()
    client.finish()
    backend.acknowledge()


def request_sent_again(world):
    """The client sends its request again, as if the ACK had been lost: D-SACK says that it came twice"""
    client, backend = session(world)
    client.learn()
    client.send(PSH | ACK, REQUEST, seq=client.seq - len(REQUEST), after=300 * MILLISECOND)
    client.reset()


def one_segment(world):
    """A segment that nobody answers is acknowledged after 40 ms, where only the first is acknowledged at once"""
    client, backend = session(world)
    client.say(b"more")
    backend.acknowledge()
    world.wait(0.1)
    client.reset()


def congestion_marked(world):
    """ECN, both ways: a mark on what the client sent is echoed to it, and its echo of one costs the window once"""
    client = syn(world)
    client.send(SYN | ECE | CWR, options=frames.mss(1460) + frames.SACK_PERMITTED)
    client.acknowledge()
    backend = backend_of(world)
    backend.accept()
    client.learn()
    client.send(PSH | ACK, REQUEST, tos=3)
    backend.acknowledge()
    client.learn()
    client.send(PSH | ACK | CWR, b"more", tos=2)
    backend.say(b"a" * 1460)
    client.learn()
    client.send(ACK | ECE, after=ROUND_TRIP)
    backend.say(b"b" * 1460)
    client.acknowledge()
    client.reset()


def too_big(world):
    """A router can't forward what the client is sent: it is sent again in the size that the router names"""
    client, _, sent = download(world, 3)
    refuse(world, sent[0], 1200)
    have_all(client, sent, 0.01)


def too_big6(world):
    """The same over IPv6"""
    client, _, sent = download(world, 3, is_v6=True)
    refuse(world, sent[0], 1300)
    have_all(client, sent, 0.01)


def refuse(router, segment, mtu):
    """A router's word about a segment that is too big."""
    ports_and_number = struct.pack("!HHI", segment.source_port, segment.destination_port, segment.seq)
    if len(segment.destination) == 16:
        quoted = frames.ip(SERVICE6, CLIENT6, 6, ports_and_number, length=20 + len(segment.text))
        router.send(ipv6(frames.icmp(CLIENT6, SERVICE6, 2, 0, struct.pack("!I", mtu) + quoted, 58)), after=ROUND_TRIP)
    else:
        quoted = frames.ip(SERVICE, CLIENT, 6, ports_and_number, length=40 + len(segment.text))
        router.send(ipv4(frames.icmp(CLIENT, SERVICE, 3, 4, struct.pack("!HH", 0, mtu) + quoted)), after=ROUND_TRIP)
