"""How many tests a program ran, read from what it printed."""

import re
import xml.etree.ElementTree

CATCH2_GREEN = re.compile(r"All tests passed \(\d+ assertions? in (\d+) test cases?\)")
CATCH2_RED = re.compile(r"^test cases:\s*(\d+)(.*)$", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.M)
UNITTEST_RED = re.compile(r"^FAILED \((.*)\)$", re.M)


def cases(output, succeeded):
    """(passed, failed) of a test program: Catch2 and unittest say it, any other program is one test.

    A program that failed without saying how many cases did (a crash, a sanitizer's finding) is one failure more.
    """
    passed, failed = said(output)
    if passed is None:
        return (1, 0) if succeeded else (0, 1)
    if not succeeded and failed == 0:
        failed = 1
    if succeeded and passed == 0 and failed == 0:
        failed = 1  # it tested nothing
    return passed, failed


def said(output):
    if found := CATCH2_GREEN.search(output):
        return int(found.group(1)), 0
    if found := CATCH2_RED.search(output):
        numbers = dict(reversed(pair) for pair in re.findall(r"\|\s*(\d+) (passed|failed)", found.group(2)))
        return int(numbers.get("passed", 0)), int(numbers.get("failed", 0))
    if found := UNITTEST.search(output):
        red = UNITTEST_RED.search(output)
        failed = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", red.group(1))) if red else 0
        return int(found.group(1)) - failed, failed
    return None, None


def junit(path):
    """(passed, failed, skipped) of a JUnit report; a report that is missing or empty is one failure."""
    try:
        suites = list(xml.etree.ElementTree.parse(path).getroot().iter("testsuite"))
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0, 1, 0
    total, failed, skipped = (
        sum(int(suite.get(name, 0)) for suite in suites for name in names)
        for names in (("tests",), ("failures", "errors"), ("skipped",))
    )
    return (total - failed - skipped, failed, skipped) if total else (0, 1, 0)
