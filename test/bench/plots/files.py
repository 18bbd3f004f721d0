"""The benchmarks' JSON files, read and checked: whatever is drawn afterwards is there and is a number.

Three shapes: {"machine", "rows"} of terminus-bench (or the rows alone, as it writes them itself), {"machine", "measures"} with
figures by peer of `scripts/bench peers`, the same with a client's figures of `scripts/bench load`.
"""

import dataclasses
import json
import math


class NotOurs(Exception):
    """The file is not what a benchmark writes; the text says where and why."""


@dataclasses.dataclass(frozen=True)
class Result:
    """A file's content; `kind` is cycles, peers or load."""

    kind: str
    machine: dict
    content: dict

    def rows(self):
        return self.content["rows"]


def read(path):
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotOurs(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise NotOurs(f"{path}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    try:
        return check(found)
    except NotOurs as error:
        raise NotOurs(f"{path}: {error}") from None


def check(found):
    """A Result of what a file holds; NotOurs names the place."""
    if isinstance(found, list):
        found = {"machine": {}, "rows": found}
    if not isinstance(found, dict):
        raise NotOurs(f"at the top: {_kind_of(found)}, where a benchmark's result has an object or an array of rows")
    machine = _take(found, "machine", dict, "", needed=False) or {}
    for name in ("cpu", "date", "commit", "kernel"):
        _take(machine, name, str, "machine.", needed=False)
    if "rows" in found:
        for number, row in enumerate(_take(found, "rows", list, "")):
            _row(row, f"rows[{number}]")
        for number, each in enumerate(_take(found, "not_measured", list, "", needed=False) or []):
            if not isinstance(each, str):
                raise NotOurs(f"not_measured[{number}]: {_kind_of(each)}, where a string is expected")
        return Result("cycles", machine, found)
    if "measures" not in found:
        hint = "; this one is of limits, which has no picture" if "distance" in found else ""
        raise NotOurs(f"at the top: neither 'rows' nor 'measures' is there, so no benchmark's result that can be drawn{hint}")
    kinds = {name: _measure(name, measure) for name, measure in _take(found, "measures", dict, "").items()}
    if len(set(kinds.values())) != 1:
        raise NotOurs("measures: empty, or partly of peers and partly of load")
    return Result(next(iter(kinds.values())), machine, found)


def _row(row, place):
    if not isinstance(row, dict):
        raise NotOurs(f"{place}: {_kind_of(row)}, where an object is expected")
    _take(row, "what", str, f"{place}.")
    if _take(row, "entries", float, f"{place}.") < 0:
        raise NotOurs(f"{place}.entries: less than nothing")
    if "figures" in row:
        for name, figure in _take(row, "figures", dict, f"{place}.").items():
            where = f"{place}.figures.{name}"
            if not isinstance(figure, dict):
                raise NotOurs(f"{where}: {_kind_of(figure)}, where an object is expected")
            for key in ("cycles", "cycles_least", "cycles_most", "nanoseconds"):
                _take(figure, key, float, f"{where}.")
    else:
        _take(row, "figure", float, f"{place}.")
        _take(row, "unit", str, f"{place}.")
    for number, each in enumerate(_take(row, "with", list, f"{place}.", needed=False) or []):
        if not isinstance(each, str):
            raise NotOurs(f"{place}.with[{number}]: {_kind_of(each)}, where a string is expected")
    budget = _take(row, "budget", dict, f"{place}.", needed=False)
    for key in ("most", "aim") if budget is not None else ():
        _take(budget, key, float, f"{place}.budget.")


def _measure(name, measure):
    place = f"measures.{name}"
    if not isinstance(measure, dict):
        raise NotOurs(f"{place}: {_kind_of(measure)}, where an object is expected")
    if "peers" in measure:
        for part in ("peers", "ratios"):
            for peer, figure in _take(measure, part, dict, f"{place}.").items():
                _spread(figure, f"{place}.{part}.{peer}")
        return "peers"
    if "latency_us" in measure:
        _spread(measure.get("figure"), f"{place}.figure")
        for quantile, figure in _take(measure, "latency_us", dict, f"{place}.").items():
            _spread(figure, f"{place}.latency_us.{quantile}")
        return "load"
    raise NotOurs(f"{place}: neither 'peers' nor 'latency_us' is there")


def _spread(figure, place):
    if figure is None:
        return
    if not isinstance(figure, dict):
        raise NotOurs(f"{place}: {_kind_of(figure)}, where an object or null is expected")
    for key in ("median", "least", "most"):
        _take(figure, key, float, f"{place}.")


NAMES = {dict: "an object", list: "an array", str: "a string", float: "a number"}


def _take(where, key, kind, place, needed=True):
    if key not in where:
        if needed:
            raise NotOurs(f"{place}{key}: not there")
        return None
    value = where[key]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not (is_number if kind is float else isinstance(value, kind)):
        raise NotOurs(f"{place}{key}: {_kind_of(value)}, where {NAMES[kind]} is expected")
    return value


def _kind_of(value):
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return "a number" if math.isfinite(value) else f"no finite number ({value})"
    return NAMES[type(value)]
