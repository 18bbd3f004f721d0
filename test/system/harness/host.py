"""A machine of its own, as far as programs can tell: no interfaces but lo, an empty /run, and names that nobody else has.

Commands that name interfaces, namespaces and files in /run work in it as they stand in a document.
"""

from .network import Namespace
from .process import Program, run
from .waiting import wait_until


class Host:
    """Stands in for a Network where a Dut is concerned: what a Dut asks of that, it has."""

    def __init__(self, folder):
        self.folder = folder
        self._programs = []
        self.dut = Namespace("host")
        try:
            # One process holds the mounts; it and what starts here die with the tests.
            ready = folder / "host.log"
            script = "mount -t tmpfs none /run && echo ready && exec sleep infinity"
            command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "sh", "-c", script]
            self._holder = self.dut.start(*command, log=ready)
            wait_until(lambda: "ready" in self._holder.text() or not self._holder.alive(), "the host has its mounts")
            assert self._holder.alive(), self._holder.text()
        except BaseException:
            self.dut.delete()
            raise

    def _inside(self, command):
        return ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--target={self._holder.pid}", "--net", "--mount", f"--wd={self.folder}", "--", *command]

    def run(self, *command, **options):
        return run(*self._inside(command), **options)

    def start(self, _, *command, log, env=None):
        """Starts a program that is stopped when the host goes."""
        program = Program(self._inside(command), log, env)
        self._programs.append(program)
        return program

    def shell(self, lines, **options):
        """Runs lines of a document; the first that fails ends them."""
        return self.run("sh", "-ec", "\n".join(lines), **options)

    def start_shell(self, line, name):
        """Starts a program by its line of a document."""
        return self.start(None, "sh", "-c", f"exec {line}", log=self.folder / f"{name}.log")

    def stop_programs(self):
        while self._programs:
            self._programs.pop().stop()

    def close(self):
        self.stop_programs()
        self.dut.delete()  # and the holder with it

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
