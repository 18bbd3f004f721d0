"""From the runs to the JSON and to the table that a person reads."""

import collections
import dataclasses

from peers import figures

# What is shown of a measure: its title, the client's figure, how it is written.
SHOWN = {
    "connections": ("connections/s", "connections_per_second", ",.0f"),
    "requests": ("requests/s", "responses_per_second", ",.0f"),
    "bulk-up": ("Gbit/s up", "text_gbits_sent", ".3f"),
    "bulk-down": ("Gbit/s down", "text_gbits_received", ".3f"),
    "latency": ("requests/s, open loop", "responses_per_second", ",.0f"),
    "idle": ("idle connections", "open", ",.0f"),
}
QUANTILES = ("p50", "p99", "p99_9", "max")
REPETITIONS = ("retransmissions", "duplicates", "out_of_order")
LIMITS = {
    "device": "the device",
    "generator": "the generator",
    "under_test": "terminusd",
    "rate": "the rate asked for",
    "unknown": "unknown",
}


def of_runs(runs, measures):
    """{measure: its figures}, medians of the rounds that gave a report."""
    return {measure: _measure(measure, [run.report for run in runs if run.measure == measure and run.report]) for measure in measures}


def _measure(measure, reports):
    _, name, _ = SHOWN[measure]
    clients = [report["client"] for report in reports]
    both = [report[side] for report in reports for side in ("client", "backend")]
    latencies = [client["latency_ns"]["connect" if measure in ("connections", "idle") else "response"] for client in clients]
    return {
        "figure": _json([client[name] for client in clients]),
        "frames_per_second": _json([client["frames_per_second"] for client in clients]),
        "reflector": {
            "frames_per_second": _json([report["reflector"]["frames_per_second"] for report in reports]),
            "round_trips_per_second": _json([report["reflector"]["responses_per_second"] for report in reports]),
        },
        "of_reflector": _json([report["reflector"].get("ratio") for report in reports]),
        "generator_busy": _json([report["busy"] for report in reports]),
        "limits": dict(collections.Counter(report["limit"]["what"] for report in reports)),
        "latency_us": {quantile: _json([latency[quantile] / 1000 for latency in latencies if latency["count"]]) for quantile in QUANTILES},
        "seconds_to_open": _json([report.get("seconds_to_open") or None for report in reports]),
        "failures": _sum(side["failures"] for side in both),
        "repetitions": _sum({name: side["totals"][name] for name in REPETITIONS} for side in both),
    }


def _json(values):
    figure = figures.figure(values)
    return dataclasses.asdict(figure) if figure else None


def _sum(counts):
    """By kind, those that are not zero."""
    total = collections.Counter()
    for kinds in counts:
        total.update(kinds)
    return {kind: count for kind, count in total.items() if count}


def text(measured):
    """A line for each measure, the reflector beside it, and under them what failed."""
    lines = [_row("", ["", "frames/s", "a reflector's frames/s", "of it", "the limit", "p50, p99, p99.9, max, µs"])]
    for measure, found in measured.items():
        title, _, form = SHOWN[measure]
        latency = [found["latency_us"][quantile] for quantile in QUANTILES]
        lines.append(_row(title, [
            _figure(found["figure"], form), _figure(found["frames_per_second"], ",.0f"),
            _figure(found["reflector"]["frames_per_second"], ",.0f"), _figure(found["of_reflector"], ".0%"),
            ", ".join(LIMITS[limit] for limit in found["limits"]) or "–",
            " ".join(f"{quantile['median']:,.0f}" if quantile else "–" for quantile in latency),
        ]))
    return "\n".join([*lines, "", *_wrong(measured)])


def _wrong(measured):
    lines = []
    for measure, found in measured.items():
        if found["seconds_to_open"]:
            lines.append(f"all {measure} connections were open after {_figure(found['seconds_to_open'], '.2f')} s")
        lines += [f"FAILED {kind}, {measure}: {count}" for kind, count in found["failures"].items()]
        if found["repetitions"]:
            lines.append(f"repeated, {measure}: " + ", ".join(f"{kind} {count}" for kind, count in found["repetitions"].items()))
    return lines if any(found["failures"] for found in measured.values()) else [*lines, "nothing failed"]


def _row(title, cells):
    return (f"{title:<22}" + "".join(f"  {cell:<{width}}" for cell, width in zip(cells, (26, 32, 32, 18, 18, 24)))).rstrip()


def _figure(figure, form):
    """The median, and in brackets the least and the most."""
    if figure is None:
        return "–"
    return f"{figure['median']:{form}} ({figure['least']:{form}} … {figure['most']:{form}})"
