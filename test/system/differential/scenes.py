"""What clients do, rightly or wrongly: each scene is a function that writes a conversation down.

A scene's server is some server: its packets say what the client had heard, and what the application did. Its docstring is
for the reader; what the two stacks answer is for compare.py.
"""

import inspect

from .recordings import frames
from .replies import ACK, CWR, ECE, FIN, MILLISECOND, PSH, RST, SYN, URG
from .talk import PAUSE, REQUEST, ROUND_TRIP, THOUGHT, Talk

FIRST_PORT = 41000
FAR = 1_000_000  # beyond every window here


def client_closes_first(talk):
    """Request, response, FIN of the client, FIN of the server."""
    talk.open()
    talk.serve()
    talk.client(FIN | ACK)
    talk.server(FIN | ACK, after=THOUGHT)
    talk.client(ACK, after=ROUND_TRIP)


def server_closes_first(talk):
    """The same the other way round."""
    talk.open()
    talk.serve()
    talk.server(FIN | ACK, after=PAUSE)
    talk.client(FIN | ACK, after=ROUND_TRIP)
    talk.server(ACK)


def simultaneous_close(talk):
    """The client's FIN crosses the server's on the way."""
    talk.open()
    talk.serve()
    talk.server(FIN | ACK, after=PAUSE, heard=False)
    talk.client(FIN | ACK, after=THOUGHT)
    talk.server(ACK)
    talk.client(ACK, after=ROUND_TRIP)


def half_close(talk):
    """The client's FIN comes with the request, and the response later."""
    talk.open()
    talk.client(FIN | PSH | ACK, REQUEST)
    talk.server(ACK)
    talk.answer(after=300 * MILLISECOND)
    talk.client(ACK, after=ROUND_TRIP)
    talk.server(FIN | ACK, after=300 * MILLISECOND)
    talk.client(ACK, after=ROUND_TRIP)


def fin_again(talk):
    """The client didn't see the ACK of its FIN, and repeats it: in CLOSE_WAIT, and in LAST_ACK."""
    talk.open()
    talk.serve()
    talk.client(FIN | ACK)
    talk.client(FIN | ACK, seq=talk.seq - 1)
    talk.server(FIN | ACK, after=PAUSE)
    talk.client(FIN | ACK, seq=talk.seq - 1, ack=talk.ack - 1, after=THOUGHT)
    talk.client(ACK, after=ROUND_TRIP)


def fin_in_time_wait(talk):
    """The server is in TIME_WAIT, and the client repeats its FIN."""
    server_closes_first(talk)
    talk.client(FIN | ACK, seq=talk.seq - 1)


def reset_in_time_wait(talk):
    """RST in TIME_WAIT, and then the client's FIN once more."""
    server_closes_first(talk)
    talk.client(RST)
    talk.client(FIN | ACK, seq=talk.seq - 1)


def text_in_time_wait(talk):
    """Text beyond the client's FIN, and an ACK of what was never sent, in TIME_WAIT."""
    server_closes_first(talk)
    talk.client(PSH | ACK, b"more", stray=True)
    talk.client(ACK, ack=talk.ack + FAR)


def old_syn_in_time_wait(talk):
    """A SYN whose number is below the old connection's."""
    server_closes_first(talk)
    talk.client(SYN, seq=talk.seq - 5000, options=frames.mss(1460), stray=True)


def new_syn_in_time_wait(talk):
    """A SYN whose number is above the old connection's opens another one."""
    server_closes_first(talk)
    talk.renumber()
    talk.open()
    talk.ask()


def reset(talk):
    """RST at the expected number; what comes later belongs to no connection."""
    talk.open()
    talk.ask()
    talk.client(RST)
    talk.client(ACK)


def reset_with_ack(talk):
    """RST with ACK at the expected number."""
    talk.open()
    talk.ask()
    talk.client(RST | ACK)


def reset_in_window(talk):
    """RST within the window: RFC 5961 3.2 wants a challenge ACK. Then the one that it asks for."""
    talk.open()
    talk.ask()
    talk.client(RST, seq=talk.seq + 100, stray=True)
    talk.server(ACK)
    talk.client(RST, after=ROUND_TRIP)


def reset_outside(talk):
    """RST outside the window and below it; the connection goes on."""
    talk.open()
    talk.ask()
    talk.client(RST, seq=talk.seq + FAR, stray=True)
    talk.client(RST, seq=talk.seq - 1)
    talk.answer()
    talk.client(ACK, after=ROUND_TRIP)


def reset_in_syn_received(talk):
    """RST instead of the ACK of the handshake."""
    talk.begin()
    talk.client(RST, after=ROUND_TRIP)
    talk.client(ACK, seq=talk.seq, ack=talk.ack)


def reset_to_half_closed(talk):
    """RST in CLOSE_WAIT."""
    talk.open()
    talk.serve()
    talk.client(FIN | ACK)
    talk.server(ACK)
    talk.client(RST)


def syn_again(talk):
    """The SYN comes twice before the ACK."""
    talk.begin()
    talk.client(SYN, seq=talk.seq - 1, options=frames.mss(1460) + frames.SACK_PERMITTED)
    talk.server(SYN | ACK, seq=talk.server_seq - 1, options=frames.mss(1460) + frames.SACK_PERMITTED)
    talk.client(ACK, after=ROUND_TRIP)
    talk.serve()


def same_syn_in_established(talk):
    """A late copy of the connection's own SYN."""
    talk.open()
    talk.ask()
    talk.client(SYN, seq=talk.seq - 1 - len(REQUEST), options=frames.mss(1460))
    talk.server(ACK)
    talk.answer()
    talk.client(ACK, after=ROUND_TRIP)


def new_syn_in_established(talk):
    """A client that has forgotten the connection wants to open it anew."""
    talk.open()
    talk.ask()
    talk.client(SYN, seq=talk.seq + FAR, options=frames.mss(1460), stray=True)


def never_completed(talk):
    """SYN and nothing else: the SYN-ACK is repeated after a second."""
    talk.begin()


def wrong_ack_of_handshake(talk):
    """The ACK of the handshake acknowledges another number."""
    talk.begin()
    talk.client(ACK, ack=talk.ack + FAR, after=ROUND_TRIP)


def text_completes_handshake(talk):
    """No ACK alone: the request completes the handshake."""
    talk.begin()
    talk.ask(after=ROUND_TRIP)
    talk.answer()
    talk.client(ACK, after=ROUND_TRIP)


def fin_completes_handshake(talk):
    """ACK and FIN in one."""
    talk.begin()
    talk.client(FIN | ACK, after=ROUND_TRIP)
    talk.server(FIN | ACK, after=THOUGHT)
    talk.client(ACK, after=ROUND_TRIP)


def text_ahead_of_handshake(talk):
    """Text without ACK in SYN_RECEIVED."""
    talk.begin()
    talk.client(PSH, REQUEST, after=ROUND_TRIP, stray=True)
    talk.client(ACK)
    talk.serve()


def syn_with_fin(talk):
    """SYN with FIN."""
    talk.client(SYN | FIN, options=frames.mss(1460))


def syn_with_text(talk):
    """Text in the SYN, without Fast Open; it is sent again after the handshake."""
    talk.client(SYN, b"early", options=frames.mss(1460), stray=True)
    talk.seq += 1
    talk.server(SYN | ACK, ack=talk.seq, options=frames.mss(1460))
    talk.client(PSH | ACK, b"early", after=ROUND_TRIP)
    talk.server(ACK)


def ack_of_unsent(talk):
    """An ACK of what was never sent, without and with text."""
    talk.open()
    talk.serve()
    talk.client(ACK, ack=talk.ack + FAR)
    talk.client(PSH | ACK, b"text", ack=talk.ack + FAR, stray=True)
    talk.client(ACK)


def ack_far_behind(talk):
    """Text with an ACK from long before the connection: RFC 5961 5.2 wants a challenge ACK."""
    talk.open()
    talk.serve()
    talk.client(PSH | ACK, b"text", ack=talk.ack - 10_000_000, stray=True)
    talk.client(ACK)


def text_without_ack(talk):
    """RFC 9293 3.10.7.4, fifth: a segment without ACK is dropped."""
    talk.open()
    talk.client(PSH, REQUEST, stray=True)
    talk.serve()


def text_beyond_window(talk):
    """Text that begins beyond the right edge of the window."""
    talk.open()
    talk.serve()
    talk.client(PSH | ACK, b"far", seq=talk.seq + FAR, stray=True)
    talk.client(ACK)


def text_twice(talk):
    """The request once more, and once more with something new behind it."""
    talk.open()
    talk.ask()
    talk.client(PSH | ACK, REQUEST, seq=talk.seq - len(REQUEST))
    talk.client(PSH | ACK, REQUEST + b"more", seq=talk.seq - len(REQUEST))
    talk.server(ACK)
    talk.answer()
    talk.client(ACK, after=ROUND_TRIP)


def text_out_of_order(talk):
    """Three segments in the order 3, 1, 2."""
    talk.open()
    talk.serve()
    first = talk.seq
    for part in (2, 0, 1):
        talk.client(PSH | ACK, bytes([65 + part]) * 500, seq=first + 500 * part)
    talk.server(ACK)


def fin_out_of_order(talk):
    """The FIN comes before the text that it follows."""
    talk.open()
    talk.serve()
    talk.client(FIN | ACK, seq=talk.seq + 100)
    talk.client(PSH | ACK, b"x" * 100, seq=talk.seq - 101)
    talk.server(FIN | ACK, after=THOUGHT)
    talk.client(ACK, after=ROUND_TRIP)


def text_beyond_fin(talk):
    """Text behind the client's own FIN."""
    talk.open()
    talk.serve()
    talk.client(FIN | ACK)
    talk.client(PSH | ACK, b"more", stray=True)
    talk.server(FIN | ACK, after=PAUSE)
    talk.client(ACK, after=ROUND_TRIP)


def keepalive_probes(talk):
    """A client's keepalive: nothing, and one byte, below the expected number."""
    talk.open()
    talk.serve()
    talk.client(ACK, seq=talk.seq - 1)
    talk.server(ACK)
    talk.client(ACK, b"x", seq=talk.seq - 1)
    talk.server(ACK)


def delayed_ack(talk):
    """Small segments that the application doesn't answer, after one that it did."""
    talk.open()
    talk.serve()
    for _ in range(4):
        talk.client(PSH | ACK, b"small", after=THOUGHT)


def challenge_acks(talk):
    """SYNs in ESTABLISHED, faster than they need be answered."""
    talk.open()
    talk.ask()
    for _ in range(4):
        talk.client(SYN, seq=talk.seq - 1 - len(REQUEST), options=frames.mss(1460), after=THOUGHT)


def two_full_segments(talk):
    """Full segments in pairs."""
    talk.open()
    for _ in range(2):
        talk.client(ACK, b"f" * 1460)
        talk.client(PSH | ACK, b"f" * 1460, after=MILLISECOND)
        talk.server(ACK)


def fill_half_of(talk, window):
    """A request, a window, and the half of the response that fits into it; the other half has to wait."""
    talk.ask()
    talk.client(ACK, window=window, after=ROUND_TRIP)
    talk.answer(b"r" * 1460, after=PAUSE)


def zero_window(talk):
    """The client's window is full with half of the response, is closed and probed, and opens."""
    talk.open()
    fill_half_of(talk, 1460)
    talk.client(ACK, window=0, after=ROUND_TRIP)
    talk.client(ACK, after=1000 * MILLISECOND)
    talk.server(ACK, b"r" * 1460)
    talk.client(ACK, after=ROUND_TRIP)


def window_never_opens(talk):
    """The same, and it doesn't open: probes, later and later."""
    talk.open()
    fill_half_of(talk, 1460)
    talk.client(ACK, window=0, after=ROUND_TRIP)
    talk.server(ACK, b"r" * 1460, heard=False)


def window_too_small(talk):
    """The same, and what it opens to is less than a segment."""
    talk.open()
    fill_half_of(talk, 1460)
    talk.client(ACK, window=100, after=ROUND_TRIP)
    talk.server(ACK, b"r" * 1460, heard=False)


def window_taken_back(talk):
    """A segment with the number of the last one says that the window is smaller than that one did."""
    talk.open()
    talk.ask(window=1460)
    talk.answer(b"r" * 1460)
    talk.client(ACK, after=ROUND_TRIP)
    talk.server(ACK, b"r" * 1460)
    talk.client(ACK, after=ROUND_TRIP)


def response_unacknowledged(talk):
    """The client falls silent: the response is sent again, later and later."""
    talk.open()
    talk.ask()
    talk.answer(heard=False)


def fin_unacknowledged(talk):
    """The same with the server's FIN."""
    talk.open()
    talk.serve()
    talk.server(FIN | ACK, after=PAUSE, heard=False)


def lose_second(talk, reports):
    """Six segments of a response, the second of which is lost."""
    talk.ask()
    talk.answer(b"r" * 1460)
    lost = talk.server_seq
    for _ in range(5):
        talk.server(ACK, b"r" * 1460, after=MILLISECOND // 10, heard=False)
    talk.client(ACK, after=ROUND_TRIP)
    for i in range(4):
        talk.client(ACK, options=frames.sack((lost + 1460, lost + 1460 * (i + 2))) if reports else b"", after=MILLISECOND)
    talk.server(ACK, b"r" * 1460, seq=lost)
    talk.client(ACK, after=ROUND_TRIP)


def response_lost(talk):
    """One of six segments of the response is lost: SACK tells of the others."""
    talk.open()
    lose_second(talk, reports=True)


def response_lost_without_sack(talk):
    """The same with a client that doesn't know SACK: duplicate ACKs."""
    talk.open(options=frames.mss(1460))
    lose_second(talk, reports=False)


def timestamps(talk):
    """Timestamps are agreed on, and each segment has them."""
    talk.stamps = True
    client_closes_first(talk)


def timestamp_from_the_past(talk):
    """RFC 7323 5.3, PAWS: text, a FIN and a bare ACK whose timestamps are older than the last one."""
    talk.stamps = True
    talk.open()
    talk.serve()
    talk.client(PSH | ACK, b"text", stamp=1000, stray=True)
    talk.client(FIN | ACK, stamp=1000, stray=True)
    talk.client(ACK, stamp=1000)
    talk.client(ACK)


def reset_from_the_past(talk):
    """RFC 7323 5.2: PAWS doesn't hold for RST."""
    talk.stamps = True
    talk.open()
    talk.serve()
    talk.client(RST, stamp=1000)
    talk.client(ACK)


def timestamps_missing(talk):
    """They are agreed on, and a segment has none: RFC 7323 3.2 would drop it."""
    talk.stamps = True
    talk.open()
    talk.serve()
    talk.client(PSH | ACK, b"text", stamp=None)
    talk.server(ACK)


def timestamps_unasked(talk):
    """They aren't agreed on, and come all the same."""
    talk.open()
    talk.client(PSH | ACK, REQUEST, options=talk.timestamps(77, 0))
    talk.server(ACK)


def urgent(talk):
    """Urgent text in the middle of a segment."""
    talk.open()
    talk.client(PSH | ACK | URG, b"abcdef")
    talk.server(ACK)
    talk.answer()
    talk.client(ACK, after=ROUND_TRIP)


def options_of_length_zero(talk):
    """A SYN with an option of length 0 behind its MSS, and text with one."""
    talk.open(options=frames.mss(1460) + b"\x63\0\0\0")
    talk.client(PSH | ACK, REQUEST, options=b"\x63\0\1\1")
    talk.server(ACK)


def options_too_long(talk):
    """An option that ends beyond the header."""
    talk.open(options=frames.mss(1460) + b"\x63\x28\0\0")
    talk.client(PSH | ACK, REQUEST, options=b"\x05\x22\0\0")
    talk.server(ACK)


def options_unknown(talk):
    """Options that nobody knows."""
    talk.open(options=frames.mss(1460) + b"\x63\x04\x12\x34" + frames.SACK_PERMITTED)
    talk.client(PSH | ACK, REQUEST, options=b"\x63\x04\x12\x34")
    talk.server(ACK)


def options_none(talk):
    """A SYN without any."""
    talk.open(options=b"")
    talk.serve()


def options_all(talk):
    """A SYN with all that a client of today asks for."""
    talk.stamps = True
    talk.open(options=frames.mss(1460) + frames.SACK_PERMITTED, scale=7)
    talk.serve()


def mss_of_one(talk):
    """An MSS of 1: how large are the segments of the response?"""
    talk.open(options=frames.mss(1))
    talk.ask()
    talk.answer(b"r" * 100)
    talk.client(ACK, after=ROUND_TRIP)


def window_scale_too_large(talk):
    """RFC 7323 2.3: more than 14 means 14."""
    talk.open(options=frames.mss(1460), scale=20)
    talk.serve()


def ecn(talk):
    """RFC 3168 6.1.1: a SYN that asks for ECN."""
    talk.client(SYN | ECE | CWR, options=frames.mss(1460))
    talk.server(SYN | ACK | ECE, options=frames.mss(1460))
    talk.client(ACK, after=ROUND_TRIP)
    talk.serve()


def flags_none(talk):
    """A segment with no flag at all, in ESTABLISHED."""
    talk.open()
    talk.client(0)
    talk.serve()


def wrong_checksum(talk):
    """The request with a wrong checksum, then with the right one."""
    talk.open()
    talk.client(PSH | ACK, REQUEST, spoil=1, stray=True)
    talk.serve()


def server_resets(talk):
    """The application ends by RST."""
    talk.open()
    talk.ask()
    talk.server(RST | ACK, after=THOUGHT)
    talk.client(ACK)


SCENES = {
    name: scene
    for name, scene in list(globals().items())
    if inspect.isfunction(scene) and scene.__module__ == __name__ and [*inspect.signature(scene).parameters] == ["talk"]
}


def captures():
    """{name: records} of all scenes, each on a port of its own."""
    made = {}
    for number, (name, scene) in enumerate(SCENES.items()):
        talk = Talk(FIRST_PORT + number)
        scene(talk)
        made[name] = talk.records
    return made
