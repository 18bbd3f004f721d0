"""Reading Prometheus's text format."""

import re

_LINE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    """One scrape: sums over all series that carry the given labels."""

    def __init__(self, text):
        self.text = text
        self.series = []
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, labels, value = _parse(line)
                self.series.append((name, labels, value))

    def sum(self, name, /, **labels):
        found = [v for n, have, v in self.series if n == name and labels.items() <= have.items()]
        assert found, f"no series {name}{labels or ''}"
        return sum(found)

    def labels(self, name, label):
        return {have[label] for n, have, _ in self.series if n == name and label in have}


def _parse(line):
    found = _LINE.match(line)
    assert found, f"not a line of the text format: {line!r}"
    return found.group(1), dict(_LABEL.findall(found.group(2) or "")), float(found.group(3))
