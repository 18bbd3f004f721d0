"""The runs: in each round the reflector, and then terminusd with each kind of load."""

import contextlib
import dataclasses
import json
import os
import pathlib
import sys
import tempfile

from harness.dut import Dut, program
from harness.memif import REFLECTED, SPARE, Wires, configuration, sides

# A probe's frames are to be about as large as the loads'.
PROBES = {"small": ["--request-bytes", "40"], "large": ["--request-bytes", "1000"]}
LATENCY, IDLE = "latency", "idle"
CHOICES = ("connections", "requests", "bulk-up", "bulk-down", LATENCY, IDLE)
BULK = ("bulk-up", "bulk-down")
# Longer than anybody waits for a CPU: what is late is late, and not lost.
RESEND = "3"
WARM_UP, GRACE = "0.5", "30"
OPEN_SECONDS = 300  # idle connections take as long as they take, and no longer than this


@dataclasses.dataclass
class Run:
    """One run of terminus-load: its own report, or why there is none."""

    round: int
    measure: str
    report: dict | None = None
    trouble: str = ""


class Bed:
    """The wires, terminusd between two of them, and where reports go."""

    def __init__(self, options):
        self.options = options
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="terminus-load-")))
            self.wires = Wires(self.folder)
            stack.callback(self.wires.close)
            # Idle ones, and twice what is open at once: a connection that closes is still there when the next one opens.
            connections = max(self.options.idle, 4 * self.options.concurrency) + 4096
            self.dut = stack.enter_context(Dut(self.wires, "release", configuration(self.wires, 2 * connections)))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self._stack.__exit__(*exception)

    def load(self, *words, seconds=None, warm_up=WARM_UP):
        """A run's report; whatever its exit status says is in it, too."""
        seconds = seconds or self.options.seconds
        file = self.folder / "report.json"
        file.unlink(missing_ok=True)
        common = ["--warm-up", warm_up, "--grace", GRACE, "--resend", RESEND, "--duration", seconds, "--json", file]
        done = self.wires.dut.run(program("terminus-load", "release"), *words, *common, check=False, timeout=seconds + 120)
        assert file.exists(), f"exit {done.returncode}: {done.stderr.strip()}"
        return json.loads(file.read_text())


def runs(bed, options):
    """All runs, round by round. A run that gives nothing is told of, and the others go on."""
    made = []
    for number in range(1, options.rounds + 1):
        made += _round(bed, options, number)
    return made


def _round(bed, options, number):
    made, reflectors = [], {}
    for size in sorted({_probe_of(measure) for measure in options.measure}, reverse=True):
        made.append(_run(number, f"reflector, {size} frames", lambda: _probe(bed, options, size)))
        reflectors[size] = bed.folder / f"{size}.json"
        reflectors[size].write_text(json.dumps(made[-1].report or {}))
    rate = None
    for measure in options.measure:
        words = _words(measure, options, rate)
        compared = reflectors[_probe_of(measure)]
        span = {"seconds": OPEN_SECONDS, "warm_up": "0"} if measure == IDLE else {}
        made.append(_run(number, measure, lambda: bed.load(*sides(bed.wires), *words, "--compare-reflector", compared, **span)))
        if measure == "requests" and made[-1].report:
            rate = made[-1].report["client"]["responses_per_second"]
    return made


def _run(number, measure, run):
    made = Run(number, measure)
    try:
        made.report = run()
    except AssertionError as error:
        made.trouble = str(error)
    print(f"round {number}, {measure}: {made.trouble or 'done'}", file=sys.stderr, flush=True)
    return made


def _probe(bed, options, size):
    # On the CPU on which terminusd's worker is, which has nothing to do meanwhile.
    on_last = ["taskset", "-c", max(os.sched_getaffinity(0))]
    with bed.wires.reflector(*on_last, build="release"):
        words = ["--role", "probe", "--port", bed.wires.end(SPARE, "client"), *REFLECTED]
        return bed.load(*words, *PROBES[size], "--concurrency", options.concurrency)


def _probe_of(measure):
    return "large" if measure in BULK else "small"


def _words(measure, options, rate):
    """A measure's own words for terminus-load. `rate` is that of requests in this round, if it is known."""
    at_once = ["--concurrency", options.concurrency]
    return {
        "connections": ["--mode", "connects", *at_once],
        "requests": ["--mode", "requests", *at_once],
        "bulk-up": ["--mode", "bulk", "--direction", "up", "--concurrency", options.streams],
        "bulk-down": ["--mode", "bulk", "--direction", "down", "--concurrency", options.streams],
        LATENCY: ["--mode", "requests", *at_once, "--rate", options.rate or max(1, int((rate or 2000) / 2))],
        IDLE: ["--mode", "idle", "--concurrency", options.idle, "--count", options.idle],
    }[measure]
