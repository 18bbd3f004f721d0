"""A person at `scripts/rehearse --shell`, played by a pseudo-terminal."""

import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import time

from harness.network import PREFIX
from harness.process import run
from harness.waiting import wait_until

from .machine import BOOT_SECONDS
from .server import START_SECONDS

ANSWER_SECONDS = 60


class Person:
    """Starts the shell, reads what it shows, types."""

    def __init__(self, model):
        self._seen = b""
        self._terminal, inner = pty.openpty()
        command = [sys.executable, "-B", "-m", "rehearse", "--shell", "--model", model]
        self._process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, start_new_session=True)
        os.close(inner)

    def sees(self, pattern, seconds=ANSWER_SECONDS):
        """Waits until what was shown since the last pattern has this one."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self._seen)):
            left = end - time.monotonic()
            assert left > 0, f"no {pattern!r} within {seconds} s\n{self._seen[-2000:].decode(errors='replace')}"
            if select.select([self._terminal], [], [], left)[0]:
                self._seen += self._read()
        self._seen = self._seen[found.end() :]

    def _read(self):
        try:
            return os.read(self._terminal, 4096)
        except OSError:  # how Linux says that the other end is closed
            raise AssertionError(f"the shell ended\n{self._seen[-2000:].decode(errors='replace')}") from None

    def types(self, text):
        os.write(self._terminal, text.encode())

    def machines(self):
        """QEMU's processes in the shell's namespaces: {pid: its folder}."""
        found = {}
        for name in self.namespaces():
            for pid in run("ip", "netns", "pids", name).stdout.split():
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                if place := re.search(r"path=(\S+)/console", " ".join(words)):
                    found[pid] = pathlib.Path(place.group(1))
        return found

    def namespaces(self):
        names = [line.split()[0] for line in run("ip", "netns", "list").stdout.splitlines()]
        return [name for name in names if name.startswith(f"{PREFIX}{self._process.pid}-")]

    def leaves(self):
        """Ctrl-]; the exit status."""
        self.types("\x1d")
        return self._process.wait(ANSWER_SECONDS)

    def close(self):
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(ANSWER_SECONDS)
        os.close(self._terminal)


def at_the_console(model):
    """The prompt comes, Terminus answers there and to clients, Ctrl-] leaves, and nothing is left."""
    person = Person(model)
    try:
        person.sees(rb"ip netns exec \S+ curl \S+", BOOT_SECONDS + START_SECONDS)
        person.sees(rb"Ctrl-\] ends the machine")
        person.sees(rb"[#$] (\x1b\[6n)?$")  # and where the cursor is, busybox would like to know
        person.types("terminusctl stats >/tmp/stats; echo exit $? $(wc -l </tmp/stats)\r")
        person.sees(rb"exit 0 [1-9]")
        person.types("/opt/terminus/scripts/bind-nic --status | grep -c 'vfio-pci.*terminusd'\r")
        person.sees(rb"\n2\r?\n")
        machines, namespaces = person.machines(), person.namespaces()
        assert len(machines) == 1, machines
        clients = next(name for name in namespaces if name.endswith("-clients"))
        assert " to " in run("ip", "netns", "exec", clients, "curl", "-sSf", "--max-time", ANSWER_SECONDS, "http://10.0.1.80/").stdout
        status = person.leaves()
        assert status == 0, f"exit {status}"
        wait_until(lambda: not person.namespaces(), "the namespaces are gone")
        for pid, folder in machines.items():
            assert not pathlib.Path(f"/proc/{pid}").exists(), f"QEMU, {pid}, is left"
            assert not folder.exists(), f"{folder} is left"
    finally:
        person.close()
