"""From the turns of a run to its JSON: medians and spreads, ratios round by round, and who was the limit."""

import dataclasses

from . import figures, reflectors

# What is compared: its name in the JSON and in tables, and how its numbers are written.
MEASURES = {
    "connections_per_second": ("connections/s", "z,.0f"),
    "requests_per_second": ("requests/s", "z,.0f"),
    "gigabits_per_second": ("Gbit/s", ".2f"),
    "added_p50_us": ("latency added, p50, µs", "z,.0f"),
    "added_p99_us": ("latency added, p99, µs", "z,.0f"),
    "idle_connection_bytes": ("bytes an idle connection", "z,.0f"),
    "idle_kernel_bytes": ("  of them in the kernel", "z,.0f"),
    "resident_mib": ("MiB beside these", "z,.0f"),
}
LATENCIES = {"added_p50_us": "latency_p50_us", "added_p99_us": "latency_p99_us"}
DIRECT = "direct"


def of_peers(turns, peers):
    """{"measures": ..., "limits": ..., "testpmd": ...} of `scripts/bench peers`."""
    rounds = {name: _rounds(turns, name) for name in (*peers, DIRECT)}
    derived = {name: _derived(rounds[name], rounds[DIRECT], name) for name in rounds}
    testpmd = {name: _figures(_rounds(turns, name)) for name in reflectors.TESTPMD if _rounds(turns, name)}
    return {
        "measures": {measure: _measure(measure, derived, peers) for measure in MEASURES},
        "testpmd": testpmd,
        "limits": _limits(turns, testpmd) if "terminusd" in peers else {},
    }


def of_limits(turns):
    """{"reflectors": ..., "distance": ...} of `scripts/bench limits`."""
    rounds = {name: _rounds(turns, name) for name in reflectors.NAMES}
    # How many a core could carry of testpmd's cost to how many of ours.
    distance = figures.ratio(_values(rounds["testpmd macswap"], "busy_ns_per_frame"), _values(rounds["terminusd"], "busy_ns_per_frame"))
    return {"reflectors": {name: _figures(those) for name, those in rounds.items()}, "distance": _json(distance)}


def _rounds(turns, peer):
    return [turn for turn in turns if turn.peer == peer]


def _values(turns, name):
    return [turn.figures.get(name) for turn in turns]


def _json(figure):
    return dataclasses.asdict(figure) if figure else None


def _figures(turns):
    names = sorted({name for turn in turns for name in turn.figures})
    return {name: _json(figures.figure(_values(turns, name))) for name in names}


def _derived(turns, direct, name):
    """{measure: a value for each round} of a peer. What is added is over the direct way's of the same round."""
    found = {measure: _values(turns, measure) for measure in MEASURES}
    if name == DIRECT:  # what is measured against
        whole = {added: _values(turns, whole) for added, whole in LATENCIES.items()}
        return found | whole | {"idle_kernel_bytes": [], "resident_mib": []}
    for added, whole in LATENCIES.items():
        found[added] = figures.differences(_values(turns, whole), _values(direct, whole))
    found["idle_kernel_bytes"] = figures.differences(_values(turns, "idle_kernel_bytes"), _values(direct, "idle_kernel_bytes"))
    found["idle_connection_bytes"] = figures.sums(_values(turns, "idle_bytes"), found["idle_kernel_bytes"])
    return found


def _measure(measure, derived, peers):
    first, *others = peers
    return {
        "peers": {name: _json(figures.figure(derived[name][measure])) for name in derived},
        "ratios": {other: _json(figures.ratio(derived[first][measure], derived[other][measure])) for other in others},
    }


def _limits(turns, testpmd):
    """By measurement: the worker's time, what the ports alone would take of it, and so who was the limit."""
    costs = {size: testpmd.get(name, {}).get("busy_ns_per_frame") for name, (mode, size) in reflectors.TESTPMD.items() if mode == "io"}
    by_size = {size: cost["median"] for size, cost in costs.items() if cost}
    own = [turn for turn in _rounds(turns, "terminusd") if turn.load]
    found = {}
    for name in own[0].load if own else ():
        seen = {what: figures.figure([turn.load.get(name, {}).get(what) for turn in own]) for what in own[0].load[name]}
        rate, bytes_rate = seen["frames_per_second"].median, seen["frame_bytes_per_second"].median
        vdev = figures.share_of_vdev(rate, bytes_rate, figures.cost_of_frames(by_size)) if by_size else None
        limit = figures.limit(seen["busy"].median, seen["waited"].median, vdev) if name != "latency" else "its fixed rate"
        found[name] = {what: _json(each) for what, each in seen.items()} | {"vdev": vdev, "limit": limit}
    return found
