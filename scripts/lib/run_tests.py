"""The phases of scripts/test: each builds or runs one kind of test and adds to one count.

A phase that fails never stops the later ones; whatever cannot be built or does not end counts as one failure.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import counting

ROOT = pathlib.Path(__file__).resolve().parents[2]
FUZZ_SECONDS = int(os.environ.get("TERMINUS_FUZZ_SECONDS", "60"))
PARSERS = {"fuzz_capture", "fuzz_frame", "fuzz_recording", "fuzz_tcp_options"}
PHASE_SECONDS_MAX = 40 * 60  # longer means hung; a sanitized build from nothing takes about twenty minutes on two cores

# -g1: functions and lines, which is what reports and backtraces show; variables would take a third more time to compile.
# Eight files of a library are compiled as one: a third of the time (docs/decisions/compile-time.md).
TOGETHER = ["-Dunity=on", "-Dunity_size=8"]
SANITIZED = ["-Dbuildtype=debug", "-Doptimization=1", "-Db_lundef=false", "-Dcpp_args=-g1", *TOGETHER]
BUILDS = {
    "build-test": [*SANITIZED, "-Db_sanitize=address,undefined"],
    "build-tsan": [*SANITIZED, "-Db_sanitize=thread"],
    "build-fuzz": [*SANITIZED, "-Db_sanitize=address,undefined", "-Dfuzz=true"],
    # scripts/soak: a million seeds want speed; assertions are on in every build. Without LTO g++ 12 warns, at -O3, of
    # members that a variant's destructor might read uninitialised (worker/repetition.cpp); it does not.
    "build-soak": ["-Dbuildtype=release", "-Dwerror=false"],
    "build-release": ["-Dbuildtype=release", "-Db_lto=true", "-Dcpp_link_args=-flto=auto", "-Dtests=false", *TOGETHER],
}
CANNOT_BE_HAD = 77  # scripts/rehearse without QEMU or Debian's kernel: it has said why
SYSTEM_PEERS = {"played_clients", "relay", "vdev_splice"}  # what system tests run beside terminus*
WITH_CLANG = {"build-tsan", "build-fuzz"}

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=0:second_deadlock_stack=1:exitcode=66",
}


class Run:
    """One run of the suite: the count, the time each phase took, and what failed."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.phases = []
        self.failures = []

    def add(self, name, passed=0, failed=0, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        if failed:
            self.failures.append(name)

    @contextlib.contextmanager
    def phase(self, name):
        print(f"\n== {name}", flush=True)
        before, start = (self.passed, self.failed, self.skipped), time.monotonic()
        try:
            yield
        except Exception as error:  # a phase that breaks is a failed test, and the next one runs
            print(f"{name}: {error}", flush=True)
            self.add(name, failed=1)
        counts = [now - then for now, then in zip((self.passed, self.failed, self.skipped), before)]
        self.phases.append((name, time.monotonic() - start, *counts))

    def report(self):
        print(f"\n{'phase':<24}{'seconds':>9}{'passed':>9}{'failed':>9}{'skipped':>9}")
        for name, seconds, passed, failed, skipped in self.phases:
            print(f"{name:<24}{seconds:>9.0f}{passed:>9}{failed:>9}{skipped:>9}")
        print(f"{'all':<24}{sum(phase[1] for phase in self.phases):>9.0f}")
        if self.failures:
            print("\nfailed: " + ", ".join(self.failures))
        print(f"\n{self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.failed == 0 and self.passed > 0 else 1


def execute(command, capture=False, timeout=PHASE_SECONDS_MAX, **environment):
    """Runs a command in a process group of its own and ends the group when the time is up or we are stopped."""
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=ROOT,
        env={**os.environ, **SANITIZER_OPTIONS, **{k: str(v) for k, v in environment.items()}},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if capture else None,
        stderr=subprocess.STDOUT if capture else None,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output or ""
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise


def set_up(name):
    """Makes the build folder, unless an earlier run has."""
    if (ROOT / name / "build.ninja").exists():
        return
    shutil.rmtree(ROOT / name, ignore_errors=True)  # half a set-up
    environment = {"CC": "clang", "CXX": "clang++"} if name in WITH_CLANG else {}
    code, output = execute(["meson", "setup", name, *BUILDS[name]], capture=True, **environment)
    if code != 0:
        print(output)
        raise RuntimeError(f"meson could not set up {name}")


def build(name, wanted=None):
    """Builds all of the folder, or the programs whose names `wanted` accepts; raises when they don't compile."""
    set_up(name)
    targets = []
    if wanted is not None:
        _, listing = execute(["meson", "introspect", "--targets", name], capture=True)
        programs = [target for target in json.loads(listing) if target["type"] == "executable"]
        targets = [os.path.relpath(program["filename"][0], ROOT / name) for program in programs if wanted(program["name"])]
        if not targets:
            raise RuntimeError(f"{name} has none of the wanted programs")
    code, _ = execute(["ninja", "-C", name, "-k", "0", *targets])
    if code != 0:
        raise RuntimeError(f"{name} does not build")


def tsan_programs(name):
    """The test programs that Meson would run in the suite `tsan`."""
    set_up(name)
    _, listing = execute(["meson", "introspect", "--tests", name], capture=True)
    return {
        pathlib.Path(test["cmd"][0]).name
        for test in json.loads(listing)
        if any(suite.split(":")[-1] == "tsan" for suite in test["suite"])
    }


def meson_tests(run, name, *selection):
    """Runs Meson's tests and counts the cases inside each program, not the programs."""
    log = ROOT / name / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    execute(["meson", "test", "-C", name, "--no-rebuild", "--print-errorlogs", *selection])
    for line in log.read_text().splitlines() if log.exists() else []:
        result = json.loads(line)
        passed, failed = counting.cases(result.get("stdout", "") + result.get("stderr", ""), result["result"] == "OK")
        run.add(result["name"], passed, failed)
    if not log.exists():
        raise RuntimeError(f"no test of {name} ran")


def checks(run):
    with run.phase("format and lint"):
        for check in (["scripts/format", "--check"], ["scripts/lint"], ["scripts/rfc-pages", "--check"]):
            code, _ = execute(check)
            run.add(" ".join(check), passed=code == 0, failed=code != 0)


def unit(run):
    with run.phase("sanitized build"):
        build("build-test")
    with run.phase("unit and script tests"):
        meson_tests(run, "build-test")


def fuzz(run, seconds=None):
    """Each target for `seconds`. Without a number the parsers' share FUZZ_SECONDS and try the same every time; the others
    need the whole tree built by clang, which is more than their share, and have their corpora replayed as tests."""
    with run.phase("fuzz build"):
        build("build-fuzz", lambda name: name.startswith("fuzz_") if seconds is not None else name in PARSERS)
    with run.phase("fuzz"):
        targets = sorted(p for p in (ROOT / "build-fuzz/test/fuzz").glob("fuzz_*") if p.is_file() and os.access(p, os.X_OK))
        if seconds is None:
            targets = [target for target in targets if target.name in PARSERS]
        if not targets:
            raise RuntimeError("there is no fuzz target")
        for target in targets:
            if seconds is not None:
                fuzz_one(run, target, seconds, seed=0)
            else:
                fuzz_one(run, target, max(10, FUZZ_SECONDS // len(targets)), seed=1)


def fuzz_one(run, target, seconds, seed):
    """libFuzzer's `seed`: 0 is another one each time."""
    found = ROOT / "build-fuzz" / "corpus" / target.name
    found.mkdir(parents=True, exist_ok=True)
    known = ROOT / "test/fuzz/corpus" / target.name.removeprefix("fuzz_")
    code, output = execute(
        [target, f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1",
         f"-artifact_prefix={ROOT}/build-fuzz/{target.name}-", found, *([known] if known.is_dir() else [])],
        capture=True,
        timeout=seconds + 300,
    )
    runs = next((int(line.rsplit(":", 1)[1]) for line in output.splitlines() if "number_of_executed_units" in line), 0)
    print(f"{target.name}: {runs} inputs in {seconds} s, {'nothing found' if code == 0 else 'FAILED'}", flush=True)
    if code != 0:
        print(output[-6000:])
    run.add(target.name, passed=code == 0 and runs > 0, failed=code != 0 or runs == 0)


def tsan(run):
    with run.phase("thread sanitizer build"):
        programs = tsan_programs("build-tsan")
        build("build-tsan", lambda name: name in programs)
    with run.phase("thread sanitizer"):
        meson_tests(run, "build-tsan", "--suite", "tsan")


def system(run, pytest_options, name="system tests", **environment):
    with run.phase("release build"):
        build("build-release")
    with run.phase(name):
        build("build-test", lambda name: name.startswith("terminus") or name in SYSTEM_PEERS)
        report = ROOT / "build-test" / "system.xml"
        report.unlink(missing_ok=True)
        execute(
            ["/usr/bin/python3", "-B", "-m", "pytest", "-p", "no:cacheprovider", "--durations=15", "-v", f"--junitxml={report}", "test/system", *pytest_options],
            TERMINUS_BUILD=ROOT / "build-test",
            TERMINUS_RELEASE=ROOT / "build-release",
            **environment,
        )
        run.add(name, *counting.junit(report))


def rehearse(run):
    """One NIC model on an emulated server; needs QEMU, which may not be there."""
    with run.phase("release build"):
        build("build-release")
    with run.phase("rehearsal"):
        report = ROOT / "build-rehearse" / "rehearse.xml"
        report.parent.mkdir(exist_ok=True)
        report.unlink(missing_ok=True)
        code, _ = execute(["scripts/rehearse", "--no-install", "--junit", report], TERMINUS_RELEASE=ROOT / "build-release")
        if code == CANNOT_BE_HAD:
            run.add("rehearsal", skipped=1)
        else:
            run.add("rehearsal", *counting.junit(report))


def arguments():
    own, pytest_options = sys.argv[1:], []
    if "--" in own:
        cut = own.index("--")
        own, pytest_options = own[:cut], own[cut + 1 :]
    parser = argparse.ArgumentParser(prog="scripts/test")
    parser.add_argument("--checks", action="store_true", help="formatting, headers and the pages of docs/rfc")
    parser.add_argument("--unit", action="store_true", help="unit and script tests, sanitized")
    parser.add_argument("--fuzz", action="store_true", help="the fuzz targets, for a bounded time")
    parser.add_argument("--tsan", action="store_true", help="worker, control and steering under ThreadSanitizer")
    parser.add_argument("--system", action="store_true", help="real peers in network namespaces (root)")
    parser.add_argument("--rehearse", action="store_true", help="an emulated server with PCI NICs (root, QEMU)")
    parser.add_argument("--no-install", action="store_true", help="trust that the packages are there")
    return parser.parse_args(own), pytest_options


def main():
    options, pytest_options = arguments()
    chosen = [options.checks, options.unit, options.fuzz, options.tsan, options.system, options.rehearse]
    every = not any(chosen)
    # A stopped run ends its children through the exceptions in execute().
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run = Run()
    if every or options.checks:
        checks(run)
    if every or options.unit:
        unit(run)
    if every or options.fuzz:
        fuzz(run)
    if every or options.tsan:
        tsan(run)
    if every or options.system:
        system(run, pytest_options)
    if every or options.rehearse:
        rehearse(run)
    return run.report()


if __name__ == "__main__":
    sys.exit(main())
