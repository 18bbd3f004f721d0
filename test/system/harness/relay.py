"""The impairing relay: a wire between two interfaces that delays, loses and reorders frames."""

import contextlib
import pathlib
import tempfile

from .dut import BUILDS
from .waiting import wait_until

RELAY = pathlib.Path("test/system/relay/relay")


class Relay:
    """Runs in `namespace` while entered. Settings as relay's: delay_us, rate_kbps, queue, loss, reorder, seed, ..."""

    def __init__(self, network, namespace, ends, **settings):
        self._folder = tempfile.TemporaryDirectory(prefix="terminus-relay-")
        words = [f"{name}={value}" for name, value in settings.items()]
        self._command = [BUILDS["sanitized"] / RELAY, *ends, *words]
        self._network, self._namespace = network, namespace
        self.counters = {}

    def __enter__(self):
        log = pathlib.Path(self._folder.name) / "log"
        self._program = self._network.start(self._namespace, *self._command, log=log)
        wait_until(lambda: "ready" in self._program.text() or not self._program.alive(), "the relay forwards")
        assert self._program.alive(), f"the relay has ended\n{self._program.tail()}"
        return self

    def __exit__(self, *_):
        status = self._program.stop()
        for line in self._program.text().splitlines():
            name, *pairs = line.split()
            if not pairs:
                continue
            self.counters[name] = dict(zip(pairs[::2], map(int, pairs[1::2])))
        self._folder.cleanup()
        assert status == 0, f"the relay ended with {status}"


@contextlib.contextmanager
def impaired(network, link, **settings):
    """A link by way of a relay; yields the relay, whose counters are there at the end."""
    link.disconnect()
    try:
        with Relay(network, link.wire, link.ends(), **settings) as relay:
            yield relay
    finally:
        link.connect()
