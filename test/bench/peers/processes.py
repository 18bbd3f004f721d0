"""What the kernel tells of processes: their children, time on a CPU, time waiting for one, memory."""

import contextlib
import os
import pathlib

TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """A process and its descendants, those that live."""
    alive = set()
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                alive |= tree(int(child))
        if not is_zombie(pid):
            alive.add(pid)
    return alive


def is_zombie(pid):
    return _stat(pid)[0] == "Z"


def cpu_seconds(pids):
    """User and system time so far, in seconds. What interrupts do for a process is not in it."""
    return sum((int(fields[11]) + int(fields[12])) / TICKS for fields in map(_stat, pids))


def schedules(pids):
    """{thread: (for how long it has run, for how long it was ready to and another ran)}, in seconds."""
    made = {}
    for path in (path for pid in pids for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")):
        ran, waited, _ = path.read_text().split()
        made[path.parent.name] = int(ran) / 1e9, int(waited) / 1e9
    return made


def busiest(before, after):
    """(ran, waited) between two schedules() of the thread that ran most meanwhile."""
    return max((after[thread][0] - before[thread][0], after[thread][1] - before[thread][1]) for thread in before.keys() & after.keys())


def memory_bytes(pids):
    """Resident memory of all together; what they share counts once (PSS)."""
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) << 10
    return total


def kernel_slab_bytes():
    """The kernel's own memory for small things, sockets among them, of the whole machine."""
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Slab:"):
            return int(line.split()[1]) << 10
    return 0


def _stat(pid):
    """The fields of /proc/PID/stat from the state on; the name before it may have any character."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
