#!/usr/bin/python3
"""Replays test/pcap/in and holds what is sent against test/pcap/golden, and the numbers against each capture's conditions.

    replay_test.py PATH/TO/terminus-replay [--update | UNITTEST OPTIONS]

A capture is in/NAME.pcap or in/NAME.pcapng; in/NAME.yaml, where there is one, takes the place of config.yaml, and each line
of in/NAME.assert is a condition, and of in/NAME.options an option. --update makes what is sent now the expectation, for a reader of the change to judge.
"""

import concurrent.futures
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "terminus-replay"
CAPTURES = {path.stem: path for path in sorted((HERE / "in").iterdir()) if path.suffix in (".pcap", ".pcapng")}
REPEATED, REPETITIONS = "client_resets", 100
AT_ONCE = 4  # DPDK sleeps for a tenth of a second when it starts, to measure the clock


def golden(name):
    return HERE / "golden" / f"{name}.pcap"


def replay(name, sent, *options):
    return run_program(name, CAPTURES[name], sent, *lines(name, "options"), *options)


def run_program(name, capture, sent, *options):
    own = HERE / "in" / f"{name}.yaml"
    config = own if own.exists() else HERE / "config.yaml"
    command = [PROGRAM, f"--vdev=net_pcap0,rx_pcap={capture},tx_pcap={sent}", "--", "-c", config, *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def lines(name, kind):
    path = HERE / "in" / f"{name}.{kind}"
    return path.read_text().splitlines() if path.exists() else []


def conditions(name):
    return [f"--assert={line}" for line in lines(name, "assert")]


def is_foreign(name):
    """Whether the capture is of another server: these are not replayed by their mode's default, exact."""
    return any(line.startswith("--mode=") for line in lines(name, "options"))


def all_at_once(function, arguments):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, arguments))


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)


class Corpus(Folder):
    def test_each_capture_gives_what_is_expected_of_it(self):
        self.assertTrue(CAPTURES)
        runs = all_at_once(lambda name: replay(name, self.path / name, f"--expect={golden(name)}", *conditions(name)), CAPTURES)
        for name, run in zip(CAPTURES, runs):
            with self.subTest(name):
                self.assertEqual(run.returncode, 0, f"\n{run.stderr}{run.stdout}")
                self.assertEqual((self.path / name).read_bytes(), golden(name).read_bytes())

    def test_each_capture_has_its_line_in_the_index_and_each_line_its_capture(self):
        found = re.findall(r"^\| `(\w+)` \| (\S.*) \|$", (HERE / "README.md").read_text(), re.M)
        self.assertEqual(sorted(name for name, _ in found), sorted(CAPTURES))

    def test_nothing_lies_about_that_belongs_to_no_capture(self):
        files = [*(HERE / "in").iterdir(), *(HERE / "golden").iterdir()]
        self.assertEqual({path.stem for path in files} - set(CAPTURES), set())

    def test_another_seed_gives_other_bytes_and_the_same_end(self):
        first, second = self.path / "1.pcap", self.path / "2.pcap"
        one, other = replay("half_open_expires", first), replay("half_open_expires", second, "--seed=2")
        self.assertNotEqual(first.read_bytes(), second.read_bytes())
        self.assertEqual(one.stdout, other.stdout)

    def test_two_workers_give_the_same_bytes_each_time(self):
        config = self.path / "two.yaml"
        config.write_text((HERE / "config.yaml").read_text() + "workers: {count: 2}\n")
        made = set()
        for _ in range(3):
            sent = self.path / "sent.pcap"
            command = [PROGRAM, f"--vdev=net_pcap0,rx_pcap={CAPTURES['syn_flood']},tx_pcap={sent}", "--", "-c", config,
                       "--assert=hand_overs{worker=\"0\",direction=\"sent\"} > 0", "--assert=closes{reason=\"synack_timeout\"} > 0"]
            run = subprocess.run(command, capture_output=True, text=True, timeout=120)
            self.assertEqual(run.returncode, 0, run.stderr)
            made.add(sent.read_bytes())
        self.assertEqual(len(made), 1)


class Foreign(Folder):
    """Captures of other servers."""

    NAMES = [name for name in CAPTURES if is_foreign(name)]

    def each(self, *ways):
        """Runs each capture in each way, and gives all runs."""
        self.assertTrue(self.NAMES)
        return all_at_once(lambda job: (*job, self.run_one(*job)), [(name, way) for name in self.NAMES for way in ways])

    def run_one(self, name, way):
        options = [f"--mode={way}" if option.startswith("--mode=") else option for option in lines(name, "options")]
        return run_program(name, CAPTURES[name], self.path / f"{name}.{way}", *options,
                           f"--played={self.path / f'{name}.{way}.played'}", "--report=json")

    def test_what_was_played_replays_exactly_to_the_same_bytes(self):
        for name, way, run in self.each("causal", "strict"):
            with self.subTest(name, way=way):
                self.assertEqual(run.returncode, 0, run.stderr)
                again = self.path / "again"
                exact = run_program(name, self.path / f"{name}.{way}.played", again, f"--expect={self.path / f'{name}.{way}'}")
                self.assertEqual(exact.returncode, 0, exact.stderr)
                self.assertEqual(again.read_bytes(), (self.path / f"{name}.{way}").read_bytes())

    def test_a_run_gives_the_same_each_time(self):
        runs = all_at_once(lambda number: self.run_one("foreign_loss", "causal").stdout, range(4))
        self.assertEqual(len(set(runs)), 1)

    def test_two_workers_account_for_every_byte_too(self):
        config = self.path / "two.yaml"
        config.write_text((HERE / "config.yaml").read_text() + "workers: {count: 2}\n")
        played, sent, again = self.path / "played", self.path / "sent", self.path / "again"
        command = [PROGRAM, f"--vdev=net_pcap0,rx_pcap={CAPTURES['foreign_loss']},tx_pcap={sent}", "--", "-c", config,
                   *lines("foreign_loss", "options"), f"--played={played}", *conditions("foreign_loss")]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stderr)
        command = [PROGRAM, f"--vdev=net_pcap0,rx_pcap={played},tx_pcap={again}", "--", "-c", config, f"--expect={sent}"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stderr)


class Repetition(Folder):
    def test_the_same_capture_gives_the_same_bytes_each_time(self):
        def one(number):
            sent = self.path / str(number)
            run = replay(REPEATED, sent)
            return hashlib.sha256(sent.read_bytes()).hexdigest(), run.returncode, run.stdout

        self.assertEqual(len(set(all_at_once(one, range(REPETITIONS)))), 1)
        self.assertEqual((self.path / "0").read_bytes(), golden(REPEATED).read_bytes())


def update():
    with tempfile.TemporaryDirectory() as folder:
        for name in CAPTURES:
            before = golden(name).read_bytes() if golden(name).exists() else b""
            run = replay(name, pathlib.Path(folder, "sent.pcap"), f"--expect={golden(name)}", "--update", *conditions(name))
            if run.returncode != 0:
                print(f"{name}: {run.stderr}")
            elif golden(name).read_bytes() != before:
                print(f"{name}: changed")


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    else:
        unittest.main()
