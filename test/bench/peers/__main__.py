"""scripts/bench peers and scripts/bench limits."""

import argparse
import dataclasses
import json
import os
import pathlib
import signal
import sys

from harness.network import sweep
from plots import __main__ as plots

from . import bed, chart, machine, proxies, report, session, summary


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures terminusd on its ports; docs/benchmarks.md says how to read it.")
    commands = parser.add_subparsers(dest="command", required=True)
    peers = commands.add_parser("peers", help="terminusd, HAProxy and nginx in turn between the same client and backend")
    peers.add_argument("--peers", nargs="+", choices=proxies.NAMES, default=list(proxies.NAMES), help="ratios are of the first to the others (all)")
    peers.add_argument("--measure", nargs="+", choices=session.CHOICES, default=list(session.CHOICES), help="ports is testpmd's rate on them (all)")
    peers.add_argument("--idle", type=_positive, default=2000, help="connections that do nothing, for their memory (2000)")
    peers.add_argument("--plot", type=pathlib.Path, metavar="FILE", help="a bar chart, as SVG")
    peers.add_argument("--plots", type=pathlib.Path, metavar="DIR", help="ratios as SVG, into this folder")
    limits = commands.add_parser("limits", help="terminusd beside testpmd's io and macswap before the same generator")
    for command in (peers, limits):
        command.add_argument("--rounds", type=_positive, default=5, help="in each of which everybody has a turn (5)")
        command.add_argument("--seconds", type=_positive, default=3, help="for each measurement (3)")
        command.add_argument("--vdev", type=_vdev, default="af_packet", help=f"{', '.join(bed.VDEVS)}; options may follow after a comma (af_packet)")
        command.add_argument("--json", type=pathlib.Path, metavar="FILE", help="the results, every turn of them")
    return parser.parse_args()


def _positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _vdev(text):
    if text.split(",")[0] not in bed.VDEVS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(bed.VDEVS)}")
    return text


def run(options):
    """Measures, prints and writes; the exit status."""
    described, steal = machine.describe(), machine.Steal()
    with bed.Bed() as made:
        turns = (session.peers if options.command == "peers" else session.limits)(made, options)
    settings = {name: value for name, value in vars(options).items() if name not in ("command", "json", "plot", "plots")}
    result = {"machine": described, "settings": settings, "steal": steal.share(), "died": [what for turn in turns for what in turn.died]}
    result |= summary.of_peers(turns, options.peers) if options.command == "peers" else summary.of_limits(turns)
    result["turns"] = [dataclasses.asdict(turn) for turn in turns]
    print(report.machine(described, settings, result["steal"]), end="\n\n")
    print(report.peers(result, options.peers) if options.command == "peers" else report.limits(result), end="\n\n")
    print(report.troubles(turns))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.command == "peers" and options.plot:
        options.plot.write_text(chart.svg(result, options.peers, f"{described['cpu']}, {options.vdev}, median of {options.rounds} rounds"))
    if options.command == "peers" and options.plots:
        plots.write(result, options.plots)
    return 1 if result["died"] else 0


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("bench: network namespaces need root")
    lacking = machine.missing()
    if lacking:
        sys.exit(f"bench: not here: {', '.join(lacking)} (scripts/install-packages run test bench)")
    proxies.check_descriptors(options.idle if options.command == "peers" else 0)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # through what closes the namespaces
    sweep()
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
