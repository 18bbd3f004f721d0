"""Where things lie on an axis, and which round numbers stand beside it. Nothing is drawn here."""

import math

TICKS = 6  # about so many on an axis with equal steps


class Linear:
    """From nothing, or from less than that, to a round number that is no less than `most`."""

    def __init__(self, least, most):
        least, most = min(0.0, least), max(0.0, most)
        self._step = _round_step((most - least) / TICKS if most > least else 1.0)
        self.least = math.floor(least / self._step + 1e-9) * self._step
        self.most = max(math.ceil(most / self._step - 1e-9), 1 if least == 0 else 0) * self._step

    def part(self, value):
        """0 at its beginning, 1 at its end."""
        return (value - self.least) / (self.most - self.least)

    def ticks(self):
        count = round((self.most - self.least) / self._step)
        return [self.least + self._step * number for number in range(count + 1)]


class Log:
    """Between powers of ten, ends included; everything on it is more than nothing."""

    def __init__(self, least, most):
        if least <= 0:
            raise ValueError(f"{least} has no place on an axis of powers of ten")
        self._first = math.floor(math.log10(least) + 1e-9)
        self._last = max(math.ceil(math.log10(most) - 1e-9), self._first + 1)
        self.least, self.most = 10.0**self._first, 10.0**self._last

    def part(self, value):
        return (math.log10(max(value, self.least)) - self._first) / (self._last - self._first)

    def ticks(self):
        return [10.0**power for power in range(self._first, self._last + 1)]


def fitting(values):
    """With equal steps, or of powers of ten where the values lie so far apart that the small ones could not be seen."""
    positive = [value for value in values if value > 0]
    if positive and min(values) > 0 and max(positive) / min(positive) > 50:
        return Log(min(positive), max(positive))
    return Linear(min(values, default=0), max(values, default=0))


def _round_step(step):
    """1, 2 or 5 times a power of ten, no less than `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def short(value):
    """Three digits, 1000 as 1 k and so on. What belongs together isn't parted at a line's end."""
    value = float(f"{value:.3g}")
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}\u00a0{letter}"
    return f"{value:.3g}"
