"""The comparison as a picture: a panel for each measure, a bar for each peer, a whisker from the least round to the most."""

from xml.sax.saxutils import escape

from .summary import MEASURES

COLOURS = ("#2060a0", "#c07020", "#408040", "#909090")
LABEL, BAR, GAP, PANEL_GAP, LENGTH, VALUE = 90, 18, 6, 34, 480, 90


def svg(summary, names, heading):
    """An SVG document; a measure that nobody has gets no panel."""
    parts, top = [f'<text x="10" y="20" font-weight="bold">{escape(heading)}</text>'], 50
    for measure, (title, form) in MEASURES.items():
        these = {name: figure for name, figure in summary["measures"][measure]["peers"].items() if name in names and figure}
        if not these:
            continue
        parts.append(f'<text x="10" y="{top}" font-weight="bold">{escape(title.strip())}</text>')
        top += 8
        longest = max(max(figure["most"] for figure in these.values()), 0) or 1
        for name, figure in these.items():
            parts += _bar(top, name, figure, form, longest, COLOURS[list(names).index(name) % len(COLOURS)])
            top += BAR + GAP
        top += PANEL_GAP
    width = LABEL + LENGTH + VALUE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="{width}" height="{top}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _bar(top, name, figure, form, longest, colour):
    def at(value):
        return LABEL + LENGTH * max(value, 0) / longest

    middle = top + BAR / 2
    return [
        f'<text x="{LABEL - 6}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>',
        f'<rect x="{LABEL}" y="{top}" width="{at(figure["median"]) - LABEL:.1f}" height="{BAR}" fill="{colour}"/>',
        f'<line x1="{at(figure["least"]):.1f}" y1="{middle}" x2="{at(figure["most"]):.1f}" y2="{middle}" stroke="black"/>',
        f'<text x="{at(figure["most"]) + 6:.1f}" y="{middle + 4}">{figure["median"]:{form}}</text>',
    ]
