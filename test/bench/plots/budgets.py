"""DESIGN 6, row by row, beside what was measured of it; what was not measured is said as well."""

import dataclasses

from . import charts

GHZ = 3  # DESIGN's budgets are those of such a core
SEGMENT_BITS = 8 * 1448
TSO = "TSO and LRO"
HEADER = ("what", "connections open", "measured", "least … most", "must reach", "aim", "")
NOT_MEASURED = "not measured"
FROM_MEMORY = "All of it is measured in process, from memory: no NIC, no driver and no wire is in any of these figures."


@dataclasses.dataclass(frozen=True)
class Asked:
    """A row of DESIGN 6. `rate` is what one cycle an operation would be in its unit; without it the figure is counted.

    `rows` are the names in the JSON, their beginnings where they end in a colon and a space. `why` is the usual reason for there
    being none.
    """

    what: str
    unit: str
    rows: tuple
    must: float
    aim: float
    rate: float | None = None
    why: str = ""
    tso: bool = False


# Thousands of operations, and 10^9 bits, a second.
CONNECTIONS = {"unit": "k/s", "rate": GHZ * 1e6, "must": 500, "aim": 1000}
ASKED = (
    Asked("proxied connections, backend closes first", rows=("connection",), **CONNECTIONS),
    Asked("proxied connections, client closes first", rows=("client closes first",), **CONNECTIONS),
    Asked("proxied connections, as kernels do it (no budget of its own)", "k/s", ("as kernels do it",), 0, 0, GHZ * 1e6),
    Asked("spliced, MSS 1448, no TSO/LRO", "Gbit/s", ("full segment",), 40, 75, GHZ * SEGMENT_BITS),
    Asked("spliced, MSS 1448, TSO/LRO", "Gbit/s", ("full segment",), 40, 100, GHZ * SEGMENT_BITS, tso=True, why="worker --tso"),
    Asked("memory, idle proxied connection", "bytes", ("memory, idle",), 640, 256, why="from 100,000 open connections on"),
    Asked("memory, TIME_WAIT", "bytes", ("memory, TIME_WAIT",), 64, 24, why="from 100,000 TIME_WAITs on"),
    Asked("added latency p99 at half load", "µs", ("latency, p99",), 10, 5, why="every run was disturbed, or none was made"),
    Asked("loss of rate from few to many open connections", "%", ("loss, from ",), 25, 10, why="takes two numbers of open connections"),
    Asked("loss of rate from 1 to 2 workers", "%", ("loss, 1 to 2 workers: ",), 10, 3, why="every run was disturbed, there is one CPU, or none was made"),
)


def table(rows):
    """Lines of cells, without the header."""
    found = []
    for asked in ASKED:
        those = [row for row in rows if _is_of(row, asked)]
        found += [_line(row, asked) for row in those] or [(f"{asked.what}, {asked.unit}", "–", NOT_MEASURED, "", *_asked(asked), asked.why)]
    if not any(row["entries"] >= charts.OPEN_MOST for row in rows if row["what"].startswith("loss, from ")):
        found.append((f"loss of rate to {charts.OPEN_MOST:,} open connections", f"{charts.OPEN_MOST:,}", NOT_MEASURED, "", "≤ 25", "≤ 10", "takes some 30 GB of memory"))
    return found


def _is_of(row, asked):
    with_ = set(row.get("with", ()))
    if (TSO in with_) != asked.tso or with_ - {TSO}:
        return False  # IPv6, or a device that does nothing: DESIGN's budgets are of neither
    what = row["what"].strip()
    return any(what.startswith(name) if name.endswith(" ") else what == name for name in asked.rows)


def _line(row, asked):
    what = row["what"] if ": " in row["what"] else asked.what
    worker = row.get("figures", {}).get(charts.WORKER)
    spread = ""
    if asked.rate and worker:
        value = asked.rate / worker["cycles"]
        spread = f"{asked.rate / worker['cycles_most']:,.1f} … {asked.rate / worker['cycles_least']:,.1f}"
        is_met = (asked.must <= value, asked.aim <= value)
    else:
        value = row["figure"] / (1000 if asked.unit == "µs" else 1)
        is_met = (value <= asked.must, value <= asked.aim)
    verdict = "" if not asked.must else "met, and the aim" if is_met[1] else "met" if is_met[0] else "not met"
    if row["what"].startswith("loss, from ") and row["entries"] < charts.OPEN_MOST and is_met[0]:
        verdict = "so far"  # the budget is for ten million
    return (f"{what}, {asked.unit}", f"{row['entries']:,.0f}", f"{value:,.1f}", spread, *_asked(asked), verdict)


def _asked(asked):
    sign = "≥" if asked.rate else "≤"
    return (f"{sign} {asked.must:g}", f"{sign} {asked.aim:g}") if asked.must else ("", "")


def text(result):
    """As a person reads it in a terminal."""
    lines = [HEADER, *table(result.rows())]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    return "\n".join([f"DESIGN's budgets, rates at {GHZ} GHz", *shown, *notes(result)])


def markdown(result):
    """For a README: the machine, the table, and what was not measured."""
    lines = [f"{charts.machine(result.machine)}{_surroundings(result.machine)}. Rates are at {GHZ} GHz.", ""]
    lines += [_markdown_row(HEADER), _markdown_row(["---"] * len(HEADER))]
    lines += [_markdown_row(line) for line in table(result.rows()) if line[2] != NOT_MEASURED]
    absent = [line for line in table(result.rows()) if line[2] == NOT_MEASURED]
    lines += ["", "Not measured:", "", *(f"- {line[0]}" + (f" ({line[-1]})" if line[-1] else "") for line in absent)]
    return "\n".join([*lines, *(f"- {note}" for note in notes(result)[1:]), "", FROM_MEMORY])


def _surroundings(described):
    memory, kernel = described.get("memory_bytes"), described.get("kernel")
    return (f", {memory / 2**30:.0f} GiB" if isinstance(memory, (int, float)) else "") + (f", {kernel}" if kernel else "")


def notes(result):
    return [FROM_MEMORY, *(str(each) for each in result.content.get("not_measured", []))]


def _markdown_row(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
