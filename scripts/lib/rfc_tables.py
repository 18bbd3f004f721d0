"""Tables of docs/rfc: .tsv files in, cells of Markdown out."""

import re


def read(path):
    """The rows of a file with a header line and tabs between its columns, each a dictionary."""
    lines = path.read_text().splitlines()
    names = lines[0].split("\t")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(names):
            raise SystemExit(f"{path}:{number}: has {len(cells)} columns, not {len(names)}")
        rows.append(dict(zip(names, cells)))
    return rows


def name(document):
    """What a number of rfcs.tsv is called; a draft has a name already."""
    return f"RFC {document}" if document.isdigit() else document


def document_key(document):
    """RFCs by their numbers, then drafts."""
    return (0, int(document), "") if document.isdigit() else (1, 0, document)


def section_key(section):
    """Sections in the order of the RFC, then appendices, figures, and the RFC as a whole."""
    kind = 0 if section[:1].isdigit() else 1 if section.startswith("appendix") else 2 if section else 3
    words = re.split(r"[. ]", section)
    return kind, [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in words]


def places(citations):
    """A cell that links each file once, with what cites there; a dash when nothing does."""
    by_path = {}
    for citation in citations:
        by_path.setdefault(citation.path, set()).add(citation.label)
    cells = []
    for path in sorted(by_path):
        labels = ", ".join(sorted(escape(label) for label in by_path[path] if label))
        name = path.split("/", 1)[1].removeprefix("unit/")
        cells.append(f"[{name}](../../{path})" + (f": {labels}" if labels else ""))
    return "; ".join(cells) or "—"


def escape(label):
    return label.replace("|", "\\|").replace("<", "&lt;")
