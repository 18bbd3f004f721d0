"""terminus-bench, run once or several times over, and its rows put together with the machine that they are of."""

import json
import pathlib
import subprocess
import sys
import tempfile

from peers import machine

from . import budgets

BENCHES = ("worker", "scaling", "table", "wheel", "held", "soak")
SKIPPED = 77  # terminus-bench left out what there was no memory for
# What a device could or could not do, or the protocol, by the option that says so: such rows aren't DESIGN's.
WITH = {"--tso": budgets.TSO, "--no-offloads": "no offloads", "--ipv6": "IPv6"}
# What all takes together stays within 20 minutes on two cores; a timer of DPDK's takes 25,000 cycles beside ten millions, and has no budget.
OPEN = "1000,100000,1000000,10000000"
OPERATIONS = ["--proxied", "100000"]
ENTRIES, FEWER_ENTRIES, ENTRIES_BYTES = "1000,1000000,10000000", "1000,1000000", 8 << 30


def plain(options, available_bytes):
    """(the runs, what they leave out) of `scripts/bench` without the name of a benchmark; `options` follow, and so prevail."""
    largest = available_bytes >= ENTRIES_BYTES
    left_out = []
    if not largest:
        left_out.append(f"the table with ten million entries: {ENTRIES_BYTES >> 30} GiB are to be available, {available_bytes / 2**30:.1f} are")
    runs = [
        ["worker", "scaling", *_unless(options, "--open", OPEN), *_unless(options, *OPERATIONS), *options],
        ["worker", *_unless(options, *OPERATIONS), *_without(options, "--open", "--work", "--tso"), "--tso", "--open", "1000", "--work", "segment"],
        ["table", *_unless(options, "--entries", ENTRIES if largest else FEWER_ENTRIES), *options],
        ["wheel", *_unless(options, "--entries", FEWER_ENTRIES), *options],
    ]
    if not _has(options, "--entries"):
        left_out.append("the wheel with ten million timers: it has no budget, and DPDK's own takes minutes for them")
    return runs, left_out if not _has(options, "--entries") else []


def run(program, options):
    """(exit status, result or None where nothing is measured). What terminus-bench prints is printed."""
    named = [option for option in options if option in BENCHES]
    is_plain = not named and not any(option in ("-h", "--help") for option in options)
    runs, left_out = plain(options, available_bytes()) if is_plain else ([options], [])
    rows, status = [], 0
    described = machine.describe({})  # before anything is loaded by us
    for words in runs:
        ended, found = _once(program, words)
        rows += found
        # A plain run measures what there is memory for, and says what it left out.
        if ended and not (is_plain and ended == SKIPPED and found):
            status = status or ended
    if not rows:
        return status, None
    result = {"machine": described, "settings": {"runs": runs}, "rows": rows}
    return status, result | ({"not_measured": left_out} if left_out else {})


def _once(program, words):
    with tempfile.TemporaryDirectory(prefix="terminus-bench-") as folder:
        file = pathlib.Path(folder) / "rows.json"
        sys.stdout.flush()
        ended = subprocess.run([program, *words, "--json", file], check=False).returncode
        rows = json.loads(file.read_text()) if file.exists() else []
    with_ = [name for option, name in WITH.items() if option in words]
    of_worker = [row | {"with": with_} if with_ and _is_workers(row) else row for row in rows]
    return ended if ended >= 0 else 128 - ended, of_worker


def _is_workers(row):
    return "worker" in row.get("figures", {}) or row["what"] == "latency" or row["what"].startswith(("memory, ", "latency, ", "loss, from "))


def _has(options, name):
    return any(option == name or option.startswith(f"{name}=") for option in options)


def _unless(options, name, value):
    return [] if _has(options, name) else [name, value]


def _without(options, *names):
    kept, is_left_out = [], False
    for option in options:
        if option.startswith("--"):  # values follow their option
            is_left_out = option.split("=")[0] in names
        if not is_left_out:
            kept.append(option)
    return kept


def available_bytes():
    lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
