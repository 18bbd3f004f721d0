"""scripts/bench load."""

import argparse
import dataclasses
import json
import os
import pathlib
import signal
import sys

from harness.network import sweep
from peers import machine, report
from plots import __main__ as plots

from . import session, summary

VERSIONS = {name: machine.VERSIONS[name] for name in ("terminusd", "dpdk")}


def arguments():
    everything = argparse.ArgumentParser(prog="scripts/bench")
    about = "terminusd between terminus-load's clients and backends on memif, and a reflector beside it; docs/benchmarks.md"
    parser = everything.add_subparsers(dest="command", required=True).add_parser("load", description=about)
    parser.add_argument("--measure", nargs="+", choices=session.CHOICES, default=list(session.CHOICES), help="latency is an open loop (all)")
    parser.add_argument("--rounds", type=_positive, default=3, help="in each of which everything has its turn (3)")
    parser.add_argument("--seconds", type=_positive, default=3, help="for each measurement (3)")
    parser.add_argument("--concurrency", type=_positive, default=64, help="connections, or a reflector's frames, at once (64)")
    parser.add_argument("--streams", type=_positive, default=4, help="bulk connections (4)")
    parser.add_argument("--idle", type=_positive, default=10000, help="connections that do nothing (10000)")
    parser.add_argument("--rate", type=_positive, help="requests a second for latency (half of what requests gave)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="the results, every run of them")
    parser.add_argument("--plots", type=pathlib.Path, metavar="DIR", help="latencies as SVG, into this folder")
    return everything.parse_args()


def _positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def run(options):
    """Measures, prints and writes; the exit status."""
    described, steal = machine.describe(VERSIONS), machine.Steal()
    with session.Bed(options) as bed:
        runs = session.runs(bed, options)
    settings = {name: value for name, value in vars(options).items() if name not in ("command", "json", "plots")} | {"vdev": "memif"}
    measured = summary.of_runs(runs, options.measure)
    result = {"machine": described, "settings": settings, "steal": steal.share(), "measures": measured}
    result["runs"] = [dataclasses.asdict(one) for one in runs]
    print(report.machine(described, settings, result["steal"]), end="\n\n")
    print(summary.text(measured))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.plots:
        plots.write(result, options.plots)
    return 1 if any(one.trouble or one.report["failures"] for one in runs) else 0


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("bench: network namespaces need root")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # through what ends the processes
    sweep()
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
