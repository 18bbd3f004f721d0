"""Two accounts of a conversation side by side."""

import dataclasses
import difflib
import textwrap

SILENCE = "silence"


@dataclasses.dataclass(frozen=True)
class Difference:
    conversation: str
    packet: str  # the client's, in whose answer they differ
    linux: str
    terminus: str


def text(slot):
    return "; ".join(slot.replies) or SILENCE


def aligned(linux, terminus):
    """(Linux's slot, Terminus's slot) in order; None where a client's packet was played to one of them only."""
    matcher = difflib.SequenceMatcher(None, [slot.packet for slot in linux], [slot.packet for slot in terminus], autojunk=False)
    for kind, begin, end, other_begin, other_end in matcher.get_opcodes():
        if kind == "equal":
            yield from zip(linux[begin:end], terminus[other_begin:other_end])
        else:
            yield from ((slot, None) for slot in linux[begin:end])
            yield from ((None, slot) for slot in terminus[other_begin:other_end])


def rows(name, linux, terminus):
    """Every packet of the client's with both answers."""
    for one, other in aligned(linux, terminus):
        packet = (one or other).packet
        yield Difference(name, packet, text(one) if one else "not played", text(other) if other else "not played")


def differences(name, linux, terminus):
    return [row for row in rows(name, linux, terminus) if row.linux != row.terminus]


def table(found, width=40):
    """Rows for a person to read, in three columns under each conversation's name."""
    lines, conversation = [], None
    for row in found:
        if row.conversation != conversation:
            conversation = row.conversation
            lines += ["", conversation, f"  {'client':<{width}}  {'Linux':<{width}}  Terminus"]
        columns = [textwrap.wrap(cell, width) or [""] for cell in (row.packet, row.linux, row.terminus)]
        mark = " " if row.linux == row.terminus else "*"
        for i in range(max(map(len, columns))):
            cells = [column[i] if i < len(column) else "" for column in columns]
            lines.append(f"{mark if i == 0 else ' '} {cells[0]:<{width}}  {cells[1]:<{width}}  {cells[2]}".rstrip())
    return "\n".join(lines[1:])
