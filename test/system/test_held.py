"""A million proxied connections at once, in one worker driven from memory: no kernel holds as many sockets here.

It runs on the release build, as test_bulk.py does: under sanitizers as many would take memory and time that nobody has.
"""

import subprocess

import pytest

from harness.dut import BUILDS

BENCH = BUILDS["release"] / "test/bench/terminus-bench"
SKIPPED = 77


def test_a_million_idle_connections_each_answer_a_request_and_are_accounted_for():
    done = subprocess.run([BENCH, "held", "--open", "1000000"], capture_output=True, text=True, timeout=600)
    if done.returncode == SKIPPED:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    for step in ("1000000 proxied connections", "each has had its own answer", "closed", "accounted for: every buffer"):
        assert step in done.stdout, done.stdout
