"""SVG by hand: two kinds of charts, bars in groups and lines, each a document of its own.

It is readable on white and on dark: sheet, text, axes and colours are those of the reader's scheme (`prefers-color-scheme`). Where
a viewer knows nothing of that, they are the ones for white, on a white sheet.
"""

import dataclasses
from xml.sax.saxutils import escape

from . import axes

WIDTH, LEFT, RIGHT, TOP, PLOT, LEGEND = 960, 86, 24, 66, 330, 20
GROUP = 96  # wide at least; a document with many groups is wider than WIDTH
ASIDE = 4  # between whiskers of lines that have the same x
LETTER = 6.6  # about the width of a letter of the legend
STYLE = """
text{font:12px sans-serif;fill:#222}.title{font-size:16px;font-weight:bold}.note{fill:#555}
.value{paint-order:stroke;stroke:#fff;stroke-width:3px}
.sheet{fill:#fff}.axis,.whisker{stroke:#222;fill:none}.grid{stroke:#ddd;fill:none}
.budget{stroke:#c00000;stroke-width:2;fill:none}.aim{stroke:#007030;stroke-width:2;stroke-dasharray:5 3;fill:none}
.c0{fill:#2060a0;stroke:#2060a0}.c1{fill:#c07020;stroke:#c07020}.c2{fill:#408040;stroke:#408040}.c3{fill:#8050a0;stroke:#8050a0}
.c4{fill:#808080;stroke:#808080}.c5{fill:#a03050;stroke:#a03050}.c6{fill:#308090;stroke:#308090}.line{fill:none;stroke-width:2}
@media (prefers-color-scheme:dark){
text{fill:#e6e6e6}.note{fill:#aaa}.value{stroke:#16181c}.sheet{fill:#16181c}.axis,.whisker{stroke:#e6e6e6}.grid{stroke:#3a3d44}
.budget{stroke:#ff6b6b}.aim{stroke:#4fd08a}
.c0{fill:#6aa8e8;stroke:#6aa8e8}.c1{fill:#f0a860;stroke:#f0a860}.c2{fill:#7cc47c;stroke:#7cc47c}.c3{fill:#c090e0;stroke:#c090e0}
.c4{fill:#b0b0b0;stroke:#b0b0b0}.c5{fill:#e87090;stroke:#e87090}.c6{fill:#60c0d0;stroke:#60c0d0}.line{fill:none}}
"""
COLOURS = 7


@dataclasses.dataclass(frozen=True)
class Value:
    """What is drawn; `least` and `most` of the rounds make a whisker where they are known."""

    value: float
    least: float | None = None
    most: float | None = None

    def all(self):
        return [each for each in (self.least, self.value, self.most) if each is not None]


@dataclasses.dataclass(frozen=True)
class Group:
    """Bars side by side over one label: {name in the legend: Value}, and what they are held against."""

    label: str
    bars: dict
    budget: float | None = None
    aim: float | None = None


@dataclasses.dataclass(frozen=True)
class Chart:
    """What both kinds have: lines of text above, the axes' names with their units."""

    title: str
    notes: tuple
    y_name: str
    x_name: str = ""


def bars(chart, groups, level_names=("budget", "aim")):
    """A document with a group of bars for each label; what its levels are called is for the legend."""
    values = [each for group in groups for bar in group.bars.values() for each in bar.all()]
    values += [level for group in groups for level in (group.budget, group.aim) if level is not None]
    names = list(dict.fromkeys(name for group in groups for name in group.bars))
    sheet = _Sheet(
        chart, axes.fitting(values), names,
        [level_names[0]] * any(group.budget is not None for group in groups), [level_names[1]] * any(group.aim is not None for group in groups),
        max(WIDTH, LEFT + RIGHT + GROUP * len(groups)),
    )
    step, most = sheet.width / len(groups), max(len(group.bars) for group in groups)
    for number, group in enumerate(groups):
        left = LEFT + step * number
        wide = step * 0.7 / most
        begin = left + step / 2 - wide * len(group.bars) / 2
        for place, (name, bar) in enumerate(group.bars.items()):
            sheet.bar(bar, names.index(name), begin + wide * place, wide)
        for level, name in ((group.budget, "budget"), (group.aim, "aim")):  # over the bars: it is seen how far one is beyond it
            if level is not None:
                sheet.level(level, name, left + step * 0.05, left + step * 0.95)
        for place, bar in enumerate(group.bars.values()):
            sheet.number(bar, begin + wide * place, wide)
        sheet.label(left + step / 2, group.label, step)
    return sheet.document()


def lines(chart, series, budget=None, aim=None, at_least=()):
    """A document with a line for each {name: {x: Value}}; x on powers of ten and y with equal steps, `at_least` within x, levels right across."""
    xs = [*at_least, *(x for points in series.values() for x in points)]
    values = [each for points in series.values() for point in points.values() for each in point.all()]
    values += [level for level in (budget, aim) if level is not None]
    scale = axes.Linear(min(values), max(values))
    sheet = _Sheet(chart, scale, list(series), ["budget"] * (budget is not None), ["aim"] * (aim is not None))
    across = axes.Log(min(xs), max(xs))
    for tick in across.ticks():
        x = sheet.x(across.part(tick))
        sheet.add(f'<line class="grid" x1="{x:.1f}" y1="{sheet.top}" x2="{x:.1f}" y2="{sheet.top + PLOT}"/>')
        sheet.label(x, axes.short(tick), 100)
    for level, name in ((budget, "budget"), (aim, "aim")):
        if level is not None:
            sheet.level(level, name, LEFT, LEFT + sheet.width)
    for colour, points in enumerate(series.values()):
        ordered = sorted(points.items())
        path = " ".join(f"{sheet.x(across.part(x)):.1f},{sheet.y(point.value):.1f}" for x, point in ordered)
        sheet.add(f'<polyline class="c{colour % COLOURS} line" style="fill:none" points="{path}"/>')
        for x, point in ordered:
            middle = sheet.x(across.part(x))
            sheet.whisker(point, middle + ASIDE * (colour - (len(series) - 1) / 2))
            sheet.add(f'<circle class="c{colour % COLOURS}" cx="{middle:.1f}" cy="{sheet.y(point.value):.1f}" r="3.5"><title>{point.value:,.4g}</title></circle>')
    return sheet.document()


class _Sheet:
    """A document in the making: head, legend, the axis upwards, and what is added."""

    def __init__(self, chart, scale, names, budget, aim, whole_width=WIDTH):
        self._scale, self._parts, self._whole_width = scale, [], whole_width
        self.width = whole_width - LEFT - RIGHT
        self._head(chart)
        self._legend(names, budget, aim)
        self._axis(chart)

    def x(self, part):
        return LEFT + self.width * part

    def y(self, value):
        return self.top + PLOT * (1 - self._scale.part(value))

    def add(self, part):
        self._parts.append(part)

    def bar(self, bar, colour, left, wide):
        base = self.y(max(0.0, self._scale.least))
        end = self.y(bar.value)
        self.add(f'<rect class="c{colour % COLOURS} bar" x="{left:.1f}" y="{min(base, end):.1f}" width="{wide * 0.9:.1f}" height="{abs(end - base):.1f}"><title>{bar.value:,.4g}</title></rect>')
        self.whisker(bar, left + wide * 0.45)

    def number(self, bar, left, wide):
        if wide >= 26:  # else numbers would run into each other
            above = min(self.y(each) for each in (*bar.all(), max(0.0, self._scale.least)))
            self.text(left + wide * 0.45, above - 5, axes.short(bar.value), "middle", "value")

    def whisker(self, bar, x):
        if bar.least is None or bar.most is None:
            return
        low, high = self.y(bar.least), self.y(bar.most)
        self.add(f'<path class="whisker" d="M{x - 4:.1f} {low:.1f}h8M{x - 4:.1f} {high:.1f}h8M{x:.1f} {low:.1f}V{high:.1f}"/>')

    def level(self, value, name, left, right):
        self.add(f'<line class="{name}" x1="{left:.1f}" y1="{self.y(value):.1f}" x2="{right:.1f}" y2="{self.y(value):.1f}"><title>{name} {value:,.4g}</title></line>')

    def label(self, x, text, wide):
        """Under the axis, in as many lines as it takes."""
        rows, room = [""], max(6, int(wide / LETTER))
        for word in text.split(" "):
            if rows[-1] and len(rows[-1]) + 1 + len(word) > room:
                rows.append("")
            rows[-1] = f"{rows[-1]} {word}".strip()
        for number, row in enumerate(rows):
            self.text(x, self.top + PLOT + 18 + 15 * number, row, "middle")
        self._deepest = max(self._deepest, len(rows))

    def text(self, x, y, text, anchor="start", kind=""):
        attribute = f' class="{kind}"' if kind else ""
        self.add(f'<text{attribute} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(str(text))}</text>')

    def document(self):
        height = self.top + PLOT + 15 * self._deepest + 36
        if self._x_name:
            self.text(LEFT + self.width / 2, height - 10, self._x_name, "middle")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self._whole_width}" height="{height}" viewBox="0 0 {self._whole_width} {height}" role="img">\n'
            f"<title>{escape(self._title)}</title>\n<style>{escape(STYLE)}</style>\n"
            f'<rect class="sheet" width="{self._whole_width}" height="{height}"/>\n' + "\n".join(self._parts) + "\n</svg>\n"
        )

    def _head(self, chart):
        self._title, self._x_name, self._deepest = chart.title, chart.x_name, 1
        self.text(12, 24, chart.title, kind="title")
        for number, note in enumerate(chart.notes):
            self.text(12, 44 + 16 * number, note, kind="note")
        self.top = TOP + 16 * len(chart.notes)

    def _legend(self, names, budget, aim):
        x, y = LEFT, self.top - 26
        entries = [(f'<rect class="c{number % COLOURS}" x="{{x:.0f}}" y="{{y:.0f}}" width="12" height="12"/>', name) for number, name in enumerate(names)]
        for kind, called in (("budget", budget), ("aim", aim)):
            entries += [(f'<path class="{kind}" d="M{{x:.0f}} {{middle:.0f}}h14"/>', name) for name in called]
        for mark, name in entries:
            wide = 30 + LETTER * len(name)
            if x + wide > self._whole_width - RIGHT and x > LEFT:
                x, y = LEFT, y + LEGEND
            self.add(mark.format(x=x, y=y, middle=y + 6))
            self.text(x + 18, y + 11, name)
            x += wide
        self.top = y + 38

    def _axis(self, chart):
        for tick in self._scale.ticks():
            y = self.y(tick)
            self.add(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + self.width}" y2="{y:.1f}"/>')
            self.text(LEFT - 8, y + 4, axes.short(tick), "end")
        self.add(f'<path class="axis" d="M{LEFT} {self.top}V{self.top + PLOT}H{LEFT + self.width}"/>')
        middle = self.top + PLOT / 2
        self.add(f'<text transform="rotate(-90 18 {middle})" x="18" y="{middle}" text-anchor="middle">{escape(chart.y_name)}</text>')
