"""scripts/quickstart: it works, twice, it cleans up however it ends, and it says what is missing when it cannot run."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

from harness.dut import ROOT
from harness.process import Program, run
from harness.waiting import wait_until

SCRIPT = ROOT / "scripts" / "quickstart"
SECONDS = 300  # the release build is there already; a cold one takes longer, and scripts/test has made it


def namespaces():
    return {line.split()[0] for line in run("ip", "netns", "list").stdout.splitlines() if line.startswith("tqs-")}


def run_folders():
    folder = pathlib.Path("/run/terminus-quickstart")
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def listening():
    """What listens on the host: sockets and who has them."""
    return {" ".join(line.split()[3:]) for line in run("ss", "-Hltnp").stdout.splitlines()}


def host_state():
    return run("ip", "-o", "link").stdout, run("ip", "route", "show", "table", "all").stdout


@pytest.fixture
def clean_machine():
    """Nothing of the quick start is there before the test, and nothing after it."""
    before = namespaces(), run_folders()
    sockets, host = listening(), host_state()
    yield
    wait_until(lambda: (namespaces(), run_folders()) == before, "the quick start has cleaned up")
    assert listening() <= sockets, "something listens outside our namespaces"
    assert host_state() == host, "the host's interfaces and routes are as before"


def once():
    return run(SCRIPT, "--once", timeout=SECONDS)


def test_once_shows_answers_states_and_metrics_and_exits_zero(clean_machine):
    out = once().stdout
    answers = re.findall(r"hello from backend (one|two) \(\S+\); the client here is (\S+)", out)
    assert [client for _, client in answers] == ["10.0.2.100"] * 2 + ["fd00:2::100"] * 2
    assert {backend for backend, _ in answers[:2]} == {"one", "two"}, "the backends take turns"
    assert re.search(r"^ +ESTAB .*10\.0\.1\.80:80", out, re.M), "the live connection is shown"
    assert re.search(r"^ +terminus_connections\{", out, re.M), "metrics are shown"
    assert "http://127.0.0.1:9464/metrics" in out
    assert out.rstrip().splitlines()[-1].startswith("4 of 4 requests")


def test_it_runs_twice_in_a_row(clean_machine):
    for _ in range(2):
        once()


@pytest.fixture
def running(tmp_path):
    program = Program([SCRIPT], tmp_path / "out")
    wait_until(lambda: "Ctrl-C ends it" in program.text() or not program.alive(), "it runs", SECONDS)
    assert program.alive(), program.tail()
    yield program
    if program.alive():
        program.stop()


@pytest.mark.parametrize("number,status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_it_cleans_up_when_it_is_stopped(clean_machine, running, number, status):
    os.killpg(running.pid, number) if number == signal.SIGINT else running.signal(number)
    assert running.wait(30) == status
    assert "terminusd stopped with status 0" in running.text()


def test_it_cleans_up_when_it_is_killed(clean_machine, running):
    netns = next(name for name in namespaces() if name == f"tqs-{running.pid}-dut")
    assert run("ip", "netns", "pids", netns).stdout.split(), "terminusd runs there"
    running.kill()


def test_a_new_run_removes_what_a_power_cut_left(clean_machine):
    """The state of a run whose guard died with it: a namespace and a folder that nobody holds."""
    left = "tqs-999999999"
    run("ip", "netns", "add", f"{left}-dut")
    folder = pathlib.Path("/run/terminus-quickstart") / left
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    once()
    assert f"{left}-dut" not in namespaces() and not folder.exists()


def test_it_leaves_a_neighbour_s_run_alone(clean_machine, running):
    once()
    assert running.alive()
    netns = f"tqs-{running.pid}-clients"
    assert "hello from backend" in run("ip", "netns", "exec", netns, "curl", "-sS", "http://10.0.1.80/").stdout


# --- what is missing, in one sentence -----------------------------------------------------------------------


def refusal(*prefix):
    done = subprocess.run([*prefix, "bash", SCRIPT, "--once"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def in_own_mounts(setup):
    """Runs the script where `setup` has changed what it sees of the machine, and nobody else."""
    return ["unshare", "--mount", "sh", "-c", setup + ' && exec "$@"', "sh"]


def test_it_says_that_it_needs_root(tmp_path_factory):
    folder = pathlib.Path("/tmp") / f"terminus-quickstart-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        copy = pathlib.Path(shutil.copy(SCRIPT, folder))
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "bash", copy, "--once"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 1
    assert re.fullmatch(r"quickstart: needs root, .*\n", done.stderr)


def test_it_says_that_there_is_no_tun_device():
    assert "/dev/net/tun" in refusal(*in_own_mounts("mount -t tmpfs none /dev/net"))


def test_it_says_that_it_needs_debian_12(tmp_path):
    (tmp_path / "os-release").write_text('ID=fedora\nVERSION_ID=40\nPRETTY_NAME="Fedora Linux 40"\n')
    said = refusal(*in_own_mounts(f"mount --bind {tmp_path}/os-release /etc/os-release"))
    assert "needs Debian 12" in said and "Fedora Linux 40" in said


def test_it_says_that_memory_is_missing(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 4000000 kB\nMemAvailable: 102400 kB\n")
    assert "100 MB" in refusal(*in_own_mounts(f"mount --bind {tmp_path}/meminfo /proc/meminfo"))


def test_an_unknown_option_shows_how_to_use_it():
    done = run(SCRIPT, "--twice", check=False)
    assert done.returncode == 2
    assert "scripts/quickstart --once" in done.stdout
