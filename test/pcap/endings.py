"""Scenes for generate.py of how connections begin and end, and of the timers in between."""

import struct

import frames
from actors import REQUEST, RESPONSE, backend_of, session, syn
from frames import ACK, FIN, PSH, RST, SYN
from world import MILLISECOND, ROUND_TRIP


def simultaneous_close(world):
    """The client's FIN and ours cross: CLOSING, and TIME_WAIT when ours is acknowledged"""
    client, backend = session(world)
    client.learn()
    backend.send(FIN | ACK, after=MILLISECOND)
    client.send(FIN | ACK, after=100_000)
    client.acknowledge()
    backend.acknowledge()


def simultaneous_open(world):
    """The backend opens to us while we open to it: SYN_SENT, SYN_RECEIVED, and the session goes on"""
    client = syn(world)
    client.open()
    backend = backend_of(world)
    backend.learn()
    backend.send(SYN, options=frames.mss(1460) + frames.SACK_PERMITTED, after=ROUND_TRIP)
    backend.send(SYN | ACK, seq=backend.seq - 1, options=frames.mss(1460) + frames.SACK_PERMITTED, after=ROUND_TRIP)
    client.say(REQUEST)
    backend.acknowledge()
    client.reset()


def half_close_expires(world):
    """The client closes its side and the backend says nothing for half_close_timeout: both legs are reset"""
    client, backend = session(world)
    client.finish()
    backend.acknowledge()


def fin_unacknowledged(world):
    """Both sides close, but the client is gone: our FIN is sent again until the limit for those without an owner"""
    client, backend = session(world)
    client.finish()
    backend.finish()
    backend.acknowledge()


def text_with_fin(world):
    """A segment with text and FIN comes before the text that it follows: all is delivered, and closed, in order"""
    client, backend = session(world)
    client.learn()
    client.send(FIN | PSH | ACK, b"world", seq=client.seq + 6)
    client.send(PSH | ACK, b"hello ")
    client.seq += 6
    backend.acknowledge()
    backend.finish()
    client.acknowledge()


def user_timeout(world):
    """The client acknowledges nothing of the response for user_timeout: both legs are reset"""
    client, backend = session(world)
    client.learn()
    backend.say(RESPONSE)


def window_stays_closed(world):
    """The client's window closes and stays so, though it answers the probes: after user_timeout both legs are reset"""
    client, backend = session(world)
    client.learn()
    client.send(ACK, window=0)
    backend.say(RESPONSE)
    for _ in range(4):
        world.wait(1)
        client.send(ACK, window=0)


def keepalive_answered(world):
    """Keepalive probes on both legs are answered, and the connections stay"""
    client, backend = session(world)
    for _ in range(2):
        world.wait(10.1)
        client.learn()
        client.send(ACK, after=ROUND_TRIP)
        backend.send(ACK, after=ROUND_TRIP)
    client.reset()


def peer_probes(world):
    """The client's own probes, of keepalive and of a zero window, are answered by an ACK"""
    client, _ = session(world)
    client.learn()
    client.send(ACK, seq=client.seq - 1, after=1000 * MILLISECOND)
    client.send(ACK, b"x", seq=client.seq - 1, after=1000 * MILLISECOND)
    client.reset()


def time_wait_reused(world):
    """A SYN beyond the last number takes the place of our TIME_WAIT, and the client is connected again"""
    client, backend = session(world)
    backend.send(FIN | ACK, after=MILLISECOND)
    client.acknowledge()
    client.finish()
    backend.acknowledge()
    again = syn(world)
    again.seq = client.seq + 100_000
    world.wait(2)
    again.open()
    again.reset()


def half_open_reset(world):
    """A client resets what it has only begun to open"""
    client = syn(world)
    client.send(SYN, options=frames.mss(1460))
    client.send(RST)


def handshake_refused(world):
    """An ACK of another number than our SYN-ACK's is answered by RST, and the right one still opens"""
    client = syn(world)
    client.send(SYN, options=frames.mss(1460))
    client.send(ACK, ack=77)
    client.acknowledge()
    client.reset()


def syn_in_connection(world):
    """A SYN within a connection draws a challenge ACK, and the connection stays"""
    client, _ = session(world)
    client.send(SYN, seq=client.seq, options=frames.mss(1460))
    client.reset()


def fast_open(world):
    """A client asks for a Fast Open cookie, and its next connection's request comes with the SYN"""
    first = syn(world)
    first.open(options=frames.mss(1460) + struct.pack("!BBBB", 34, 2, 1, 1))
    cookie = first.option(34)
    first.reset()
    second = syn(world, 40001)
    padded = struct.pack("!BB", 34, 2 + len(cookie)) + cookie
    second.send(SYN, REQUEST, options=frames.mss(1460) + padded + b"\1" * (-len(padded) % 4))
    second.learn()
    second.send(ACK, after=ROUND_TRIP)
    second.reset()


def old_timestamp(world):
    """A segment whose timestamp is older than the last is dropped and acknowledged (PAWS)"""
    client = syn(world)
    client.send(SYN, options=frames.mss(1460) + frames.timestamps(1000, 0))
    client.learn()
    echo = struct.unpack("!II", client.option(8))[0]
    client.send(ACK, options=frames.timestamps(1001, echo), after=ROUND_TRIP)
    client.send(PSH | ACK, b"new", options=frames.timestamps(1010, echo))
    client.send(PSH | ACK, b"old", seq=client.seq, options=frames.timestamps(900, echo))
    client.learn()
    client.send(RST | ACK, options=frames.timestamps(1020, echo))
