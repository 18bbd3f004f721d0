"""The alternation: each peer has its turn in each round, is measured in it, and is looked at when it ends."""

import contextlib
import dataclasses
import sys
import time

from harness.waiting import wait_until

from . import clients, processes, proxies, reflectors

MEASUREMENTS = {
    "connections": clients.connections,
    "requests": clients.requests,
    "bulk": clients.bulk,
    "latency": clients.latency,
}
IDLE, PORTS = "idle", "ports"
CHOICES = (*MEASUREMENTS, IDLE, PORTS)


@dataclasses.dataclass
class Turn:
    """What one peer's turn in a round gave: figures by name, how busy it was in each measurement, and what went wrong."""

    round: int
    peer: str
    figures: dict = dataclasses.field(default_factory=dict)
    load: dict = dataclasses.field(default_factory=dict)
    errors: dict = dataclasses.field(default_factory=dict)
    died: list = dataclasses.field(default_factory=list)

    def add(self, figures, errors):
        self.figures |= figures
        for name, count in errors.items():
            self.errors[name] = self.errors.get(name, 0) + count


def peers(bed, options):
    """The turns of `scripts/bench peers`."""
    names = [*options.peers, "direct", *(reflectors.TESTPMD if PORTS in options.measure else ())]
    return _alternate(bed, options, names, lambda name: _peer(name, bed, options))


def limits(bed, options):
    """The turns of `scripts/bench limits`."""
    return _alternate(bed, options, reflectors.NAMES, lambda name: reflectors.make(name, bed, options.vdev))


def _peer(name, bed, options):
    if name in reflectors.TESTPMD:
        return reflectors.make(name, bed, options.vdev)
    return proxies.make(name, bed, options.idle, options.vdev)


def _alternate(bed, options, names, make):
    turns = []
    for number in range(1, options.rounds + 1):
        for name in names:
            began = time.monotonic()
            turns.append(_turn(Turn(number, name), make, options))
            for server in bed.servers_dead():
                turns[-1].died.append(server)
            print(f"round {number}, {name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            for what in turns[-1].died:
                print(f"DIED: {what}", file=sys.stderr, flush=True)
            if bed.servers_dead():
                return turns  # nobody has a backend any more
    return turns


def _turn(turn, make, options):
    """One turn; a peer that fails has it cut short, and the others go on."""
    try:
        with make(turn.peer) as peer:
            try:
                _measure_all(turn, peer, options)
                assert not _ends(turn, peer), "has ended"
            except (AssertionError, OSError) as error:
                turn.died.append(f"{turn.peer}: {error}\n{peer.log_tail()}")
    except (AssertionError, OSError) as error:  # at its start or its end
        turn.died.append(f"{turn.peer}: {error}")
    return turn


def _ends(turn, peer):
    """Whether a peer has ended; one whose clients saw errors may be about to."""
    if turn.errors:
        with contextlib.suppress(AssertionError):
            wait_until(peer.dead, "the peer ends", seconds=1)
    return peer.dead()


def _measure_all(turn, peer, options):
    if isinstance(peer, reflectors.Testpmd | reflectors.Answering):
        turn.add(*reflectors.measure(peer, options.seconds))
        return
    for name, measure in MEASUREMENTS.items():
        if name in options.measure:
            _measure(turn, name, peer, measure, options.seconds)
    if IDLE in options.measure:
        turn.add(*clients.idle(peer, options.idle))


def _measure(turn, name, peer, measure, seconds):
    before, begin = _at_work(peer), time.monotonic()
    turn.add(*measure(peer, seconds))
    took, after = time.monotonic() - begin, _at_work(peer)
    if after:
        _, waited = processes.busiest(before.pop("schedules"), after.pop("schedules"))
        turn.load[name] = {"waited": waited / took} | {what: (now - before[what]) / took for what, now in after.items()}


def _at_work(peer):
    """What a peer has spent and moved so far; nothing of who has no process."""
    pids = peer.pids()
    if not pids:
        return {}
    seen = {"schedules": processes.schedules(pids), "cpus": processes.cpu_seconds(pids)}
    counted = peer.counters()
    if counted is not None:
        seen["busy"] = counted.sum(proxies.BUSY_SECONDS)
        # A frame that is received and one that is sent are what ports do for one that is passed on.
        seen["frames_per_second"] = (counted.sum(proxies.RECEIVED) + counted.sum(proxies.SENT)) / 2
        seen["frame_bytes_per_second"] = (counted.sum(proxies.RECEIVED_BYTES) + counted.sum(proxies.SENT_BYTES)) / 2
    return seen
