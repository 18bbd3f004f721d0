"""Who takes part in generate.py's scenes: a client and a backend, with Terminus between them."""

import frames
from frames import PSH, ACK
from world import Host

CLIENT, SERVICE, BACKEND = "192.0.2.1", "192.0.2.80", "192.0.2.10"
CLIENT6, SERVICE6, BACKEND6 = "2001:db8::1", "2001:db8::80", "2001:db8::10"
CLIENT_MAC = frames.mac(1)
REQUEST, RESPONSE = b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nhello\n"


def ipv4(packet):
    return frames.ethernet(CLIENT_MAC, 0x0800, packet)


def ipv6(packet):
    return frames.ethernet(CLIENT_MAC, 0x86DD, packet)


def syn(world, port=40000, service_port=80):
    return Host(world, CLIENT, port, SERVICE, service_port)


def session(world, is_v6=False, **opening):
    """A client and its backend, connected through Terminus, with the request on its way to the backend."""
    client = Host(world, CLIENT6, 40000, SERVICE6, 80) if is_v6 else syn(world)
    client.open(**opening)
    backend = backend_of(world, is_v6)
    backend.accept()
    client.say(REQUEST)
    backend.acknowledge()
    return client, backend


def backend_of(world, is_v6=False):
    """Who listens there; it learns its peer's port from the SYN."""
    return Host(world, BACKEND6, 8080, "2001:db8::2", None, 7000) if is_v6 else Host(world, BACKEND, 8080, "192.0.2.2", None, 7000)


def download(world, count, **changes):
    """A session, and `count` full segments of the response on their way to the client: these as Terminus sent them."""
    client, backend = session(world, **changes)
    client.learn()
    backend.learn()
    size = 1440 if ":" in backend.address else 1460
    for i in range(count):
        backend.send(PSH | ACK, bytes([48 + i]) * size, after=100_000)
    return client, backend, texts(client)


def texts(client, since=0):
    """Segments with text that came after a time."""
    return [one for one in client.segments() if one.text and one.stamp > since]
