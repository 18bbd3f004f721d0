"""The arithmetic of the comparison: nothing here measures anything."""

import dataclasses
import math
import statistics

BUSY = 0.9  # from this share of the time on a worker has no time to spare
CARRIED = 0.97  # from this share of the offered frames on
WAITED = 0.1  # from this share on others hold the worker's CPU, and its time at work isn't all its own


@dataclasses.dataclass(frozen=True)
class Figure:
    """A measurement of several rounds: its median, and how far they lie apart."""

    median: float
    least: float
    most: float

    def spread(self):
        """The whole range in parts of the median; None where the median is nothing."""
        return (self.most - self.least) / abs(self.median) if self.median else None


def figure(values):
    """Of the rounds that have a value; None where none has."""
    there = [value for value in values if value is not None]
    return Figure(statistics.median(there), min(there), max(there)) if there else None


def ratio(ours, theirs):
    """Ours over theirs, round by round, so that what slows down a whole round slows down both.

    None where something is not more than nothing, as a latency is that got lost in the noise.
    """
    pairs = [(own, other) for own, other in zip(ours, theirs) if None not in (own, other)]
    return figure([own / other for own, other in pairs]) if all(min(pair) > 0 for pair in pairs) else None


def differences(these, those):
    """Round by round; none of a round that lacks one of both."""
    return [one - other if None not in (one, other) else None for one, other in zip(these, those)]


def sums(these, those):
    """As differences()."""
    return [one + other if None not in (one, other) else None for one, other in zip(these, those)]


def quantile(ordered, share):
    """The smallest value that at least `share` of the sorted values don't exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def cost_of_frames(by_size):
    """(nanoseconds a frame, nanoseconds a byte) of ports, from what frames of the smallest and the largest size cost.

    `by_size` is {bytes: nanoseconds a frame}; one size is the cost of all. Never less for more bytes.
    """
    small, large = min(by_size), max(by_size)
    per_byte = max(0.0, (by_size[large] - by_size[small]) / (large - small)) if large > small else 0.0
    return by_size[small] - per_byte * small, per_byte


def without_waiting(busy, ran, waited):
    """Busy time as a clock has it, less its part of the time in which others ran on the CPU."""
    return busy * ran / (ran + waited) if ran + waited else busy


def share_of_vdev(frames_per_second, bytes_per_second, cost):
    """The share of a worker's time that its ports alone take, by what frames cost testpmd, which does nothing else.

    About: a frame costs less the more of them come and go at once, and testpmd's bursts are not the worker's.
    """
    per_frame, per_byte = cost
    return (frames_per_second * per_frame + bytes_per_second * per_byte) / 1e9


def carries_all(arrived, offered):
    """Whether it passed on, but for a few in a ring's moments, what the generator had: then it might have carried more."""
    return arrived >= CARRIED * offered


def limit(busy, waited, vdev):
    """Who is the limit: of a worker's time the share at work, waiting for its CPU, and what its ports take."""
    if waited >= WAITED:
        return "the shared cores"
    if busy < BUSY:
        return "client and backend"
    if vdev is not None and vdev >= busy / 2:
        return "the vdev"
    return "Terminus"
