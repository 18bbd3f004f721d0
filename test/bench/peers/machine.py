"""What a figure is worth depends on: the machine, the versions of all programs, and the time that others took from it."""

import datetime
import os
import pathlib
import platform
import shutil

from harness.dut import ROOT, program
from harness.process import run

STEAL = 7  # the field of /proc/stat's first line: time in which a hypervisor let others run
VERSIONS = {
    "terminusd": ["terminusd", "--version"],
    "haproxy": ["haproxy", "-v"],
    "nginx": ["nginx", "-v"],
    "wrk": ["wrk", "-v"],
    "iperf3": ["iperf3", "--version"],
    "dpdk": ["pkg-config", "--modversion", "libdpdk"],
}
NEEDED = ("haproxy", "nginx", "wrk", "iperf3", "dpdk-testpmd")


def missing():
    """The programs of scripts/packages that are not here."""
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    if not pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so").exists():
        lacking.append("nginx's stream module")
    return lacking


def describe(versions=VERSIONS):
    """The machine by name, as JSON has it, and the versions of some programs."""
    cpus = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in cpus.splitlines() if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": model,
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": memory,
        "kernel": f"{platform.system()} {platform.release()}",
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
        "load_before": os.getloadavg()[0],
        "versions": {name: _version(*command) for name, command in versions.items()},
    }


def _commit():
    """Of the tree that this lies in, and whether it was changed since; unknown where it came without its history."""
    # Whoever owns the tree: it may be root who measures.
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", ROOT]
    if shutil.which("git") is None:
        return "unknown"
    done = run(*git, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*", check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _version(name, *options):
    """The first line that says a version; programs disagree on the stream and the option."""
    done = run(program(name, "release") if name == "terminusd" else name, *options, check=False)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if any(letter.isdigit() for letter in line)]
    return lines[0].strip() if lines else "unknown"


class Steal:
    """The share of all CPUs' time that was stolen since this was made."""

    def __init__(self):
        self._begin = self._times()

    def share(self):
        spent = [now - then for now, then in zip(self._times(), self._begin)]
        return spent[STEAL] / sum(spent) if sum(spent) else 0.0

    @staticmethod
    def _times():
        # Guests' time is in user time already.
        return [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
