"""The tables that a person reads, from what the JSON has."""

from . import figures
from .summary import DIRECT, MEASURES

GENERATOR = "the generator"
TITLE, CELL = 26, 27


def machine(described, settings, steal):
    """What was measured on."""
    versions = described["versions"]
    return "\n".join((
        f"{described['cpu']}, {described['cpus']} CPUs, {described['memory_bytes'] / 2**30:.0f} GiB, {described['kernel']}, "
        f"load before {described['load_before']:.2f}",
        *(f"  {name}: {versions[name]}" for name in versions),
        f"{settings['rounds']} × {settings['seconds']} s for each measurement, vdev {settings['vdev']}; {steal:.1%} of the time was stolen",
    ))


def peers(summary, names):
    """Each peer's medians with the least and the most of its rounds, ratios, and who was the limit."""
    columns = [*names, DIRECT]
    lines = [_row("", columns)]
    for measure, (title, form) in MEASURES.items():
        these = summary["measures"][measure]["peers"]
        lines.append(_row(title, [_figure(these[name], form) for name in columns]))
    lines.append("")
    first, *others = names
    lines.append(_row(f"ratio: {first} to", others) if others else "")
    for measure, (title, _) in MEASURES.items():
        ratios = summary["measures"][measure]["ratios"]
        if any(ratios.values()):
            lines.append(_row(title, [_figure(ratios[name], ".2f") for name in others]))
    return "\n".join([*lines, "", *_limits(summary)])


def _limits(summary):
    if not summary["limits"]:
        return []
    lines = [_row("terminusd's worker", ["busy", "waited for its CPU", "frames passed on/s", "the ports alone", "the limit"])]
    for name, seen in summary["limits"].items():
        vdev = seen["vdev"]
        lines.append(_row(name, [
            _figure(seen["busy"], ".0%"), _figure(seen["waited"], ".0%"), _figure(seen["frames_per_second"], ",.0f"),
            "–" if vdev is None else f"about {vdev:.0%}", seen["limit"],
        ]))
    return [*lines, "", *_reflectors(summary["testpmd"])]


def limits(summary):
    """What each carries before the same generator, and the distance."""
    lines = [
        *_reflectors(summary["reflectors"]),
        "",
        f"of what a core carries with testpmd's macswap, Terminus answers {_figure(summary['distance'], '.2f')}",
    ]
    if _limited_by(summary["reflectors"]["testpmd macswap"]) == GENERATOR:
        lines.append("testpmd had to wait for frames, so that its bursts were small: a core carries more than this says")
    return "\n".join(lines)


def _reflectors(found):
    lines = [_row("the same ports", ["arrived/s", "offered/s", "busy, ns a frame", "a core's worth, /s", "waited for its CPU", "limited by"])]
    for name, seen in found.items():
        cost = seen.get("busy_ns_per_frame")
        lines.append(_row(name, [
            _figure(seen.get("frames_per_second"), ",.0f"), _figure(seen.get("offered_per_second"), ",.0f"), _figure(cost, ",.0f"),
            f"{1e9 / cost['median']:,.0f}" if cost else "–",
            _figure(seen.get("waited"), ".0%"), _limited_by(seen),
        ]))
    return lines


def _limited_by(seen):
    arrived, offered = (seen.get(name) for name in ("frames_per_second", "offered_per_second"))
    if not arrived or not offered:
        return "–"
    return GENERATOR if figures.carries_all(arrived["median"], offered["median"]) else "itself"


def troubles(turns):
    """What went wrong, by peer: clients' errors over all rounds, and who died."""
    errors, died = {}, []
    for turn in turns:
        died += [f"DIED in round {turn.round}: {what}" for what in turn.died]
        for name, count in turn.errors.items():
            errors.setdefault(turn.peer, {}).setdefault(name, 0)
            errors[turn.peer][name] += count
    lines = [f"errors, {peer}: " + ", ".join(f"{name} {count}" for name, count in those.items()) for peer, those in errors.items()]
    return "\n".join(lines or ["no client saw an error"]) + "".join(f"\n{line}" for line in died)


def _row(title, cells):
    return (f"{title:<{TITLE}}" + "".join(f"  {cell:<{CELL}}" for cell in cells)).rstrip()


def _figure(figure, form):
    """The median, and in brackets the least and the most."""
    if figure is None:
        return "–"
    return f"{figure['median']:{form}} ({figure['least']:{form}} … {figure['most']:{form}})"
