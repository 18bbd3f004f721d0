"""What terminusd --doctor prints, read."""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Finding:
    level: str  # ok, note, warning or error
    topic: str
    what: str
    mend: str = ""


def parse(table):
    """The findings of a table, in its order."""
    found = []
    for line in table.splitlines():
        if row := re.match(r"(ok|note|warning|error) +(\S.*?)  +(\S.*)$", line):
            found.append(Finding(*row.groups()))
        elif (more := re.match(r" +-> (.*)$", line)) and found:
            found[-1] = dataclasses.replace(found[-1], mend=more.group(1))
    return found
