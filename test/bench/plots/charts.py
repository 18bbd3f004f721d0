"""Which pictures there are of a result: {name of the file: SVG}. A picture of which nothing was measured is not made."""

import re

from . import axes
from .svg import Chart, Group, Value, bars, lines

WORKER, CROWD = "worker", "crowd"
LATENCY = ("p50", "p99", "p99.9", "max")
BESIDE = {"table": ("flow::Table", "rte_hash"), "wheel": ("timer::Wheel", "rte_timer")}
LOSS_BUDGET, LOSS_AIM = 25, 10  # DESIGN 6, per cent of the rate from a thousand to ten million open connections
LATENCY_BUDGET, LATENCY_AIM = 10_000, 5_000  # DESIGN 6, nanoseconds, 99 %
OPEN_FEWEST, OPEN_MOST = 1_000, 10_000_000
RATIOS = {
    "connections_per_second": ("connections/s", True),
    "requests_per_second": ("requests/s", True),
    "gigabits_per_second": ("Gbit/s", True),
    "added_p50_us": ("latency added, p50", False),
    "added_p99_us": ("latency added, p99", False),
    "idle_connection_bytes": ("bytes an idle connection", False),
}
QUANTILES = {"p50": "p50", "p99": "p99", "p99_9": "p99.9", "max": "max"}


def of_result(result):
    return {"cycles": _cycles, "peers": _peers, "load": _load}[result.kind](result)


def machine(described):
    """One line: processor, how many, when, which commit; what a file doesn't say is called unknown."""
    cpus = described.get("cpus")
    return ", ".join((
        described.get("cpu") or "processor unknown", f"{cpus} CPUs" if cpus else "number of CPUs unknown",
        described.get("date") or "date unknown", f"commit {described.get('commit') or 'unknown'}",
    ))


def name_of(row):
    """A row's name, and what its device could or could not where that is not the usual."""
    return ", ".join((row["what"].strip(), *row.get("with", ())))


def _cycles(result):
    where, rows = machine(result.machine), result.rows()
    timed = [row for row in rows if WORKER in row.get("figures", {})]
    made = {}
    for entries in sorted({row["entries"] for row in timed}):
        made[f"operations-{entries:.0f}.svg"] = _operations(where, entries, [row for row in timed if row["entries"] == entries])
    made["rate-by-open.svg"] = _rate_by_open(where, timed)
    made["latency.svg"] = _latency(where, rows)
    for title, candidates in BESIDE.items():
        made[f"{title}.svg"] = _beside(where, title, candidates, rows)
    made["memory.svg"] = _memory(where, rows)
    made["workers.svg"] = _workers(where, rows)
    return {name: picture for name, picture in made.items() if picture}


def _of(figure, by=1.0):
    return Value(figure["cycles"] * by, figure["cycles_least"] * by, figure["cycles_most"] * by)


def _levels(row):
    budget = row.get("budget", {})
    return {"budget": budget.get("most"), "aim": budget.get("aim")}


def _operations(where, entries, rows):
    groups = [Group(name_of(row), {name: _of(row["figures"][name]) for name in (WORKER, CROWD) if name in row["figures"]}, **_levels(row)) for row in rows]
    notes = (where, "median of the rounds, whiskers from the least to the most; the crowd is clients and backends, whose cycles are not the worker's")
    return bars(Chart(f"Cycles of each operation, {entries:,.0f} connections open", notes, "cycles of the time stamp counter"), groups)


def _rate_by_open(where, rows):
    series = {}
    for row in rows:
        series.setdefault(name_of(row), {})[row["entries"]] = row["figures"][WORKER]
    drawn = {}
    for name, points in series.items():
        if len(points) > 1:
            reference = 100 * points[min(points)]["cycles"]
            drawn[name] = {
                entries: Value(reference / each["cycles"], reference / each["cycles_most"], reference / each["cycles_least"]) for entries, each in points.items()
            }
    if not drawn:
        return None
    fewest = min(min(points) for points in drawn.values())
    notes = (where, f"budget: no more than {LOSS_BUDGET} % lost, aim {LOSS_AIM} %, from a thousand to ten million; whiskers from the slowest round to the fastest")
    chart = Chart("Rate against open connections", notes, f"rate, % of that with {fewest:,.0f} open", "connections open")
    return lines(chart, drawn, 100 - LOSS_BUDGET, 100 - LOSS_AIM, (OPEN_FEWEST, OPEN_MOST))


def _latency(where, rows):
    groups = []
    for row in rows:
        figures = row.get("figures", {})
        if row["what"] != "latency" or not all(name in figures for name in LATENCY):
            continue
        times = {name: _of(figures[name], _microseconds_a_cycle(figures[name])) for name in LATENCY}
        groups.append(Group(f"{name_of(row)}, {row['entries']:,.0f} open", times, LATENCY_BUDGET / 1000, LATENCY_AIM / 1000))
    notes = (where, "open loop at half the measured rate; budget and aim are those of p99; whiskers from the least round to the most")
    return bars(Chart("Latency: frame in to frame out", notes, "microseconds"), groups) if groups else None


def _microseconds_a_cycle(figure):
    return figure["nanoseconds"] / figure["cycles"] / 1000 if figure["cycles"] else 0.0


def _beside(where, title, candidates, rows):
    ours, theirs = candidates
    groups = [
        Group(f"{row['what']}, {axes.short(row['entries'])}", {name: _of(row["figures"][name]) for name in candidates if name in row["figures"]})
        for row in rows if ours in row.get("figures", {})
    ]
    notes = (where, "by entries; median of the rounds, whiskers from the least to the most")
    return bars(Chart(f"{ours} beside {theirs}", notes, "cycles of the time stamp counter"), groups) if groups else None


def _memory(where, rows):
    groups = [
        Group(f"{name_of(row).removeprefix('memory, ')}, {row['entries']:,.0f} open", {"measured": Value(row["figure"])}, **_levels(row))
        for row in rows if row["what"].startswith("memory, ") and "figure" in row
    ]
    return bars(Chart("Memory of a connection", (where, "an idle proxied connection with both legs, and a TIME_WAIT"), "bytes each"), groups) if groups else None


def _workers(where, rows):
    losses = {match[1]: row for row in rows if (match := re.fullmatch(r"loss, 1 to 2 workers: (.*)", row["what"])) and "figure" in row}
    groups = []
    for row in rows:
        if "2 workers" not in row.get("figures", {}):
            continue
        kind, alone = row["what"].removesuffix(", a core"), row["figures"]["1 worker"]["cycles"]
        times = {name: _of(figure) for name, figure in row["figures"].items()}
        loss = losses.get(kind)
        label = f"{kind}: loss {loss['figure']:.1f} %" if loss else kind
        # So many cycles are what is left of the rate.
        levels = {name: alone / (1 - level / 100) for name, level in _levels(loss).items() if level is not None} if loss else {}
        groups.append(Group(label, times, **levels))
    notes = (where, "cycles of a core: alone, and while the other one works; budget and aim are for two workers (10 % and 3 % of the rate)")
    return bars(Chart("From one worker to two", notes, "cycles of the time stamp counter"), groups) if groups else None


def _peers(result):
    where, groups = machine(result.machine), []
    settings = result.content.get("settings", {})
    peers = settings.get("peers") or ["the first"]
    for measure, (title, is_more_better) in RATIOS.items():
        ratios = result.content["measures"].get(measure, {}).get("ratios", {})
        there = {f"{peers[0]} / {name}": _spread(ratio) for name, ratio in ratios.items() if ratio}
        if there:
            groups.append(Group(f"{title} ({'more' if is_more_better else 'less'} is better)", there, budget=1.0))
    if not groups:
        return {}
    notes = (where, f"round by round: median, whiskers from the least to the most; the red line is 1, as much as the other; vdev {settings.get('vdev', 'unknown')}")
    return {"peers.svg": bars(Chart(f"{peers[0]} beside other proxies", notes, "ratio"), groups, level_names=("equal", "aim"))}


def _load(result):
    where, groups = machine(result.machine), []
    for measure, found in result.content["measures"].items():
        times = {name: _spread(found["latency_us"][key]) for key, name in QUANTILES.items() if found["latency_us"].get(key)}
        if times:
            groups.append(Group(measure, times))
    notes = (where, "on memif; medians of the rounds, whiskers from the least to the most; only 'latency' is an open loop")
    return {"load-latency.svg": bars(Chart("Under load: latency at the client", notes, "microseconds"), groups)} if groups else {}


def _spread(figure):
    return Value(figure["median"], figure["least"], figure["most"])
