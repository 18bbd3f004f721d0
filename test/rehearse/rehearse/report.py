"""What came of the cases: a line as each ends, a table, JUnit XML, and the count that scripts/test reads."""

import dataclasses
import time
import traceback
import xml.etree.ElementTree as xml


class Skip(Exception):
    """A case that this machine can't have, and why."""


@dataclasses.dataclass
class Outcome:
    model: str
    name: str
    result: str  # passed, failed or skipped
    seconds: float
    detail: str = ""


class Report:
    """The outcomes of all cases, in the order in which they ran."""

    def __init__(self):
        self.outcomes = []

    def run(self, model, name, function):
        """Runs a case; whether it passed."""
        start = time.monotonic()
        try:
            function()
            result, detail = "passed", ""
        except Skip as why:
            result, detail = "skipped", str(why)
        except Exception:  # a case that breaks is a failed one, and the next one runs
            result, detail = "failed", traceback.format_exc()
        self.add(Outcome(model, name, result, time.monotonic() - start, detail))
        return result == "passed"

    def add(self, outcome):
        self.outcomes.append(outcome)
        print(_line(outcome), flush=True)
        if outcome.result == "failed":
            print(outcome.detail, flush=True)

    def count(self, result):
        return sum(outcome.result == result for outcome in self.outcomes)

    def print_table(self):
        print()
        for outcome in self.outcomes:
            print(_line(outcome))
        counts = [f"{self.count(result)} {result}" for result in ("passed", "failed", "skipped")]
        print("\n" + ", ".join(counts if self.count("skipped") else counts[:2]), flush=True)

    def write_junit(self, path):
        suite = xml.Element("testsuite", name="rehearse", tests=str(len(self.outcomes)), failures=str(self.count("failed")), skipped=str(self.count("skipped")))
        for outcome in self.outcomes:
            case = xml.SubElement(suite, "testcase", classname=outcome.model, name=outcome.name, time=f"{outcome.seconds:.1f}")
            if outcome.result != "passed":
                tag = {"failed": "failure", "skipped": "skipped"}[outcome.result]
                xml.SubElement(case, tag, message=outcome.detail.strip().splitlines()[-1]).text = outcome.detail
        xml.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _line(outcome):
    why = f"  {outcome.detail}" if outcome.result == "skipped" else ""
    return f"{outcome.model:<9}{outcome.name:<68}{outcome.result:<8}{outcome.seconds:>6.1f} s{why}"
