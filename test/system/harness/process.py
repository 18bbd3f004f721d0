"""Programs: run to their end, or kept running and stopped by their own process id."""

import os
import pathlib
import signal
import subprocess


def run(*command, check=True, timeout=60, **options):
    """Runs a program to its end and returns its result; fails with its output when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=None if "input" in options else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=timeout,
        **options,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Program:
    """A program that runs until it is stopped; its output goes to `log`."""

    def __init__(self, command, log, env=None):
        self.command = [str(word) for word in command]
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds):
        """Its exit status; fails when it does not end in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command[0]} did not end within {seconds} s\n{self.tail()}") from None

    def stop(self, seconds=20):
        """SIGTERM, then SIGKILL; the exit status."""
        if self.alive():
            self.signal(signal.SIGTERM)
            try:
                return self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def kill(self):
        if self.alive():
            self.signal(signal.SIGKILL)
        return self.process.wait(10)

    def text(self):
        return self.log.read_text(errors="replace")

    def tail(self, lines=40):
        return "\n".join(self.text().splitlines()[-lines:])
