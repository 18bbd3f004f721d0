"""config/systemd/terminusd.service: systemd takes it, and its command line is one of ours."""

import os
import re
import shlex
import shutil
import subprocess

import pytest

from harness.dut import ROOT, SANITIZERS, program

UNIT = ROOT / "config" / "systemd" / "terminusd.service"


def value(key):
    """What the unit sets a key to, once."""
    values = re.findall(rf"^{key}=(.*)$", UNIT.read_text(), re.M)
    assert len(values) == 1, f"{key}: {values}"
    return values[0]


def test_the_command_line_is_ours():
    words = shlex.split(value("ExecStart"))
    assert words[0].endswith("/terminusd")
    words[0] = program("terminusd")
    config = words.index("--config") + 1
    assert words[config] == "/etc/terminus/terminus.yaml"
    words[config] = ROOT / "config" / "terminus.yaml"
    done = subprocess.run([*words, "--check"], capture_output=True, text=True, env={**os.environ, **SANITIZERS}, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(": OK\n")


def test_capabilities_that_stay_after_the_start_are_given_to_it():
    assert "CAP_NET_ADMIN" in value("CapabilityBoundingSet").split()
    assert value("LimitMEMLOCK") == "infinity"


def test_the_stop_waits_for_the_default_drain():
    text = (ROOT / "config" / "terminus.yaml").read_text()
    delay, grace = (int(re.search(rf"^  {key}: (\d+)s", text, re.M)[1]) for key in ("delay", "grace"))
    assert int(value("TimeoutStopSec")) > delay + grace


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_has_nothing_to_say_against_it(tmp_path):
    unit = tmp_path / UNIT.name
    # verify wants the program to be there.
    unit.write_text(UNIT.read_text().replace(shlex.split(value("ExecStart"))[0], str(program("terminusd").resolve())))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    said = [line for line in (done.stdout + done.stderr).splitlines() if UNIT.name in line]
    assert said == [] and done.returncode == 0, done.stdout + done.stderr
