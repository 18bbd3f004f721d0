"""Plays captures to both sides, and holds what they answer against each other and against what is known."""

import collections
import concurrent.futures
import csv
import os
import pathlib
import tempfile

from . import compare, recordings, replies, scenes, sides
from .recordings import ROOT, frames

EXPECTED = pathlib.Path(__file__).with_name("expected.tsv")
COLUMNS = ["conversation", "client", "linux", "terminus", "why"]
AT_ONCE = 4
# Those of test/pcap that are about what clients do. Not those with several segments under way, as lost_segment: their round
# trip of 0.2 ms is less than the kernel's timers can tell, so that it is chance whether a probe of the tail or the client's
# next ACK is first. The scenes have 40 ms.
REPLAYED = [
    "served", "served6", "half_closed", "syn_again", "half_open_expires", "client_resets",
    "resets_that_miss", "out_of_order", "response_unacknowledged", "response_acknowledged_late", "zero_window",
]


def own_captures():
    """The scenes and the clients of test/pcap: {name: records}."""
    made = scenes.captures()
    for number, name in enumerate(REPLAYED):
        made[f"test/pcap {name}"] = recordings.of_replay(name, recordings.FIRST_PORT + number)
    return made


def packed(end):
    return frames.packed(end[0]), end[1]


def play(capture, name_of, settings=sides.Settings()):
    """Every packet of a capture's clients with both answers, and what couldn't be played to the kernel as recorded.
    `name_of` names a conversation by its client and server, ends of (packed address, port)."""
    with tempfile.TemporaryDirectory(prefix="terminus-differential-") as name:
        folder = pathlib.Path(name)
        scripts = sides.steps_of(capture)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            both = [pool.submit(side, capture, scripts, folder, settings) for side in (sides.linux, sides.terminus)]
            (heard_linux, unplayed), heard_terminus = (one.result() for one in both)
    servers = {packed(server) for _, server in scripts}
    linux, terminus = (replies.conversations(records, servers) for records in (heard_linux, heard_terminus))
    rows = []
    for client, server in ((packed(client), packed(server)) for client, server in scripts):
        ends = tuple(sorted([client, server]))
        rows += compare.rows(name_of(client, server), replies.slots(linux.get(ends, [])), replies.slots(terminus.get(ends, [])))
    return rows, unplayed


def play_batch(batch):
    with tempfile.TemporaryDirectory(prefix="terminus-differential-") as folder:
        capture = batch.write(pathlib.Path(folder, "capture.pcap"))
        return play(capture, lambda *ends: batch.names[tuple(sorted(ends))])


def run(captures):
    """The same of {name: records}, each of one conversation, as many at once as can be."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(play_batch, recordings.batches(captures)))
    return [row for rows, _ in done for row in rows], [line for _, lines in done for line in lines]


def differing(rows):
    return [row for row in rows if row.linux != row.terminus]


# --- what is known ---


def this_kernel():
    """"Linux 6.18"."""
    system = os.uname()
    return f"{system.sysname} {'.'.join(system.release.split('.')[:2])}"


def known_kernel():
    """The one whose answers are expected."""
    return EXPECTED.read_text().splitlines()[0].removeprefix("# ")


def expected():
    """{compare.Difference: the word under which docs/rfc/linux.md explains it}."""
    lines = EXPECTED.read_text().splitlines()[1:]
    rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return {compare.Difference(*(row[column] for column in COLUMNS[:4])): row["why"] for row in rows}


def write_expected(found):
    """`found` becomes what is known; a new one's reason is `?`, for a reader to give."""
    before = expected() if EXPECTED.exists() else {}
    lines = [f"# {this_kernel()}", "\t".join(COLUMNS)]
    for row in dict.fromkeys(found):
        lines.append("\t".join([row.conversation, row.packet, row.linux, row.terminus, before.get(row, "?")]))
    EXPECTED.write_text("\n".join(lines) + "\n")


def surprises(found):
    """(new differences, known ones that are gone)."""
    known = expected()
    return [row for row in found if row not in known], [row for row in known if row not in set(found)]


def run_own():
    """The differences of our own captures. Those that surprise are played again, twice at most: on a machine that stands
    still for a moment the kernel's timers fire late, and clients are late to answer."""
    captures = own_captures()
    found = differing(run(captures)[0])
    for _ in range(2):
        again = {row.conversation for rows in surprises(found) for row in rows} & captures.keys()
        if not again:
            break
        kept = [row for row in found if row.conversation not in again]
        found = kept + differing(run({name: captures[name] for name in captures if name in again})[0])
    return found


def explained():
    """The words that docs/rfc/linux.md explains."""
    lines = (ROOT / "docs/rfc/linux.md").read_text().splitlines()
    return {line.split("`")[1] for line in lines if line.startswith("| `")}
