"""Finds the citations of RFCs in sources and tests, and the function, type or test that each stands in or above.

C++ here is formatted by clang-format, which is what makes it readable line by line: what begins in column 0 is at the
level of a namespace, and the brace that closes it is in column 0 too.
"""

import dataclasses
import re

IGNORED = "test/scripts/"  # tests of this scanner
CPP = {".cpp", ".hpp", ".ipp"}
SUFFIXES = CPP | {".py", ".pkt"}

POINTED = r"\d+(?:\.\d+)+|[Aa]ppendix\s+[A-Z](?:\.\d+)*|[Ff]igure\s+\d+"
SECTION = rf"(?:{POINTED}|\d{{1,2}}(?![\w^%*/-]))"
# After a comma a bare number is more often a count than a section, unless the list ends there.
FURTHER_SECTION = rf"(?:(?:,\s*|\s+)(?:and\s+|to\s+)?(?:{POINTED}|\d{{1,2}}(?=[:;).]|,?$)))"
OF_RFC = rf"(\d{{3,5}})\b(?:\s+({SECTION}{FURTHER_SECTION}*))?"
# `RFC 1191, 8201, 5927 7.2`: further numbers of four digits are RFCs.
CITATION = re.compile(rf"\bRFC\s+{OF_RFC}((?:(?:,|\s+and|\s+or)\s+\d{{4}}\b(?:\s+{SECTION})?)*)")
# A draft is cited by its name, whichever version: `draft-ietf-ccwg-bbr 4.1.2.3`.
DRAFT = re.compile(rf"\b(draft-ietf(?:-[a-z]+)+)(?:-\d\d)?\b(?:\s+({SECTION}{FURTHER_SECTION}*))?")
IDENTIFIER = re.compile(r"\b(MUST|SHLD|MAY|REC)-(\d+)\b(?:\s+to\s+(?:\1-)?(\d+)\b)?")

LITERALS = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
TEST_CASE = re.compile(rf"^\w*TEST_CASE\w*\(\s*{LITERALS}")
TYPE = re.compile(r"^(?:class|struct|union|enum(?:\s+class)?|concept)\s+(?:alignas\(\w+\)\s+|\[\[\w+\]\]\s+)?(\w+)")
FUNCTION = re.compile(r"((?:\w+(?:<\w+>)?::)*~?\w+)\s*\(")
NO_OWNER = ("#", "//", "/*", " ", "}", ")", "namespace", "using", "template", "static_assert", "extern")


@dataclasses.dataclass(frozen=True)
class Citation:
    path: str  # from the root
    label: str  # the function, type or test; empty for a whole file
    is_test: bool
    sections: dict  # by RFC or draft its sections, "" for it as a whole
    ids: frozenset  # requirements of RFC 9293


@dataclasses.dataclass(frozen=True)
class Owner:
    """What citations belong to: lines [first, last] of a file, from 0."""

    first: int
    last: int
    name: str
    is_test: bool = False
    has_members: bool = False


def identifiers(text):
    """The ids that a text names, ranges such as `MUST-24 to MUST-29` spelled out."""
    found = set()
    for kind, first, last in IDENTIFIER.findall(text):
        found.update(f"{kind}-{number}" for number in range(int(first), int(last or first) + 1))
    return frozenset(found)


def sections(text):
    """By RFC or draft, the sections that a text cites."""
    cited = DRAFT.findall(text)
    for match in CITATION.finditer(text):
        cited += [(match[1], match[2]), *re.findall(OF_RFC, match[3])]
    found = {}
    for document, listed in cited:
        named = re.findall(rf"{POINTED}|\b\d{{1,2}}\b", listed or "") or [""]
        found.setdefault(document, set()).update(re.sub(r"\s+", " ", name[:1].lower() + name[1:]) for name in named)
    return {document: frozenset(names) for document, names in found.items()}


def of_tree(root):
    """Every citation of lib/ and test/, in the order of the files."""
    found = []
    for folder in ("lib", "test"):
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix in SUFFIXES and not name.startswith(IGNORED):
                found += of_file(name, path.read_text())
    return found


def of_file(name, text):
    """The citations of one file. In test/ only those of a test count: a helper tests nothing."""
    suffix, lines, in_tests = "." + name.rsplit(".", 1)[1], text.splitlines(), name.startswith("test/")
    if suffix in CPP:
        owners, texts = cpp_owners(lines), [*cpp_comments(lines), *test_names(cpp_owners(lines))]
    elif suffix == ".py":
        owners, texts = python_owners(lines), [(n, n, line) for n, line in enumerate(lines)]
    else:
        owners, texts = [Owner(0, len(lines), "", is_test=True)], cpp_comments(lines)
    found = []
    for first, last, comment in texts:
        cited, ids = sections(comment), identifiers(comment)
        owner = owner_at(owners, lines, first, last)
        if (cited or ids) and (not in_tests or (owner and owner.is_test)):
            found.append(Citation(name, label(owner, lines, first, last), in_tests, cited, ids))
    return found


def cpp_comments(lines):
    """(first line, last line, text) of each comment; one that goes on in the same column on the next line is one."""
    found = []
    for number, line in enumerate(lines):
        start = comment_start(line)
        if start is None:
            continue
        text = line[start:].lstrip("/<").strip()
        alone = not line[:start].strip()
        if found and alone and found[-1][1] == number - 1 and found[-1][3] == start:
            first, _, before, _ = found.pop()
            found.append((first, number, before + " " + text, start))
        else:
            found.append((number, number, text, start))
    return [(first, last, text) for first, last, text, _ in found]


def comment_start(line):
    """Where a `//` comment begins, or None; one within a string is none."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', lambda literal: "_" * len(literal[0]), line)
    start = bare.find("//")
    return None if start < 0 else start


def test_names(owners):
    return [(owner.first, owner.first, owner.name) for owner in owners if owner.is_test]


def cpp_owners(lines):
    owners, number = [], 0
    while number < len(lines):
        line = lines[number]
        if not line or line.startswith(NO_OWNER):
            number += 1
            continue
        first = number
        header = code_of(line)
        while number + 1 < len(lines) and not re.search(r"[{;]", header):
            number += 1
            header += " " + code_of(lines[number])
        if not code_of(lines[number]).endswith((";", "}")) or header.count("{") > header.count("}"):
            while number + 1 < len(lines) and not lines[number].startswith("}"):
                number += 1
        owners += filter(None, [owner_of(first, number, header)])
        number += 1
    return owners


def owner_of(first, last, header):
    if test := TEST_CASE.match(header):
        name = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', test[1]))
        return Owner(first, last, f"“{name}”", is_test=True)
    if kind := TYPE.match(header):
        return Owner(first, last, kind[1], has_members=True)
    before_value = re.split(r"\s=\s|\{", header, maxsplit=1)[0]
    if function := FUNCTION.search(before_value):
        return Owner(first, last, re.sub(r"<\w+>", "", function[1]))
    variable = re.search(r"(\w+)(?:\[[^\]]*\])?\s*;?$", before_value)
    return Owner(first, last, variable[1]) if variable else None


def code_of(line):
    start = comment_start(line)
    return (line if start is None else line[:start]).strip()


def python_owners(lines):
    owners = []
    for number, line in enumerate(lines):
        if function := re.match(r"(\s*)def (\w+)", line):
            last = number
            while last + 1 < len(lines) and (not lines[last + 1].strip() or lines[last + 1].startswith(function[1] + " ")):
                last += 1
            owners.append(Owner(number, last, f"`{function[2]}`", is_test=function[2].startswith("test")))
    return owners


def owner_at(owners, lines, first, last):
    """The innermost owner around the lines, else the one that begins right behind them."""
    around = [owner for owner in owners if owner.first <= first <= owner.last]
    if around:
        return around[-1]
    following = last + 1
    while following < len(lines) and (not lines[following].strip() or re.match(r"\s*(//|#\s|@|template)", lines[following])):
        following += 1
    return next((owner for owner in owners if owner.first == following), None)


def label(owner, lines, first, last):
    """The owner's name, with the member that the citation is beside or above."""
    if owner is None:
        return ""
    if not owner.has_members or not owner.first < first:
        return owner.name
    line = first
    while line < owner.last and not code_of(lines[line]):
        line += 1
    while line > owner.first and lines[line].startswith(" " * 5):  # within a member: up to its first line
        line -= 1
    code = code_of(lines[line])
    member = re.search(r"(~?\w+)\s*\(", code.split("=")[0]) or re.search(r"(\w+)\s*(?:\{|=|;)", code) or re.search(r"(\w+),?$", code)
    return f"{owner.name}::{member[1]}" if member and line > owner.first else owner.name
