"""scripts/soak runs what it is asked for and nothing else, and counts a seed that ends its process."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import sys
import unittest
from unittest import mock

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS / "lib"))
import run_tests  # noqa: E402


def load():
    loader = importlib.machinery.SourceFileLoader("soak", str(SCRIPTS / "soak"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("soak", loader))
    with mock.patch.object(sys, "dont_write_bytecode", True):
        loader.exec_module(module)
    return module


class Phases(unittest.TestCase):
    def run_script(self, *options):
        """What it does, in order, with every program replaced by one that passes; and its exit code."""
        done = []

        def execute(command, capture=False, timeout=None, **environment):
            done.append((" ".join(str(word) for word in command), environment))
            return 0, "1 passed, 0 failed\n"

        def fuzz(run, seconds):
            done.append((f"fuzz {seconds}", {}))
            run.add("fuzz", passed=1)

        def build(name, wanted=None):
            done.append((f"build {name}", {}))

        with contextlib.ExitStack() as stack:
            for name, fake in (("execute", execute), ("fuzz", fuzz), ("build", build)):
                stack.enter_context(mock.patch.object(run_tests, name, fake))
            stack.enter_context(mock.patch.object(run_tests.counting, "junit", lambda _: (36, 0, 0)))
            stack.enter_context(mock.patch.object(pathlib.Path, "unlink", lambda *_, **__: None))
            stack.enter_context(mock.patch.object(sys, "argv", ["scripts/soak", "--jobs", "1", *options]))
            self.output = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            return done, load().main()

    def test_are_the_simulations_and_fuzzing_by_default(self):
        done, code = self.run_script("--seeds", "1500")
        commands = [command for command, _ in done]
        self.assertEqual(commands[0], "build build-soak")
        self.assertEqual(
            [command.split("terminus-sim ")[1] for command in commands[1:-4]],
            [f"--kind {kind} --seeds {seeds}" for kind in ("pair", "hostile", "proxy") for seeds in ("1 1000", "1001 500")],
        )
        self.assertTrue(commands[-4].endswith("scripts/release --no-install app/terminusd/terminusd"), commands[-4])
        self.assertTrue(commands[-3].endswith("build-pgo/app/terminusd/terminusd --version"), commands[-3])
        self.assertTrue(commands[-2].endswith("terminus-bench soak --open 20000 --seconds 600"), commands[-2])
        self.assertEqual(commands[-1], "fuzz 3600")
        self.assertEqual(code, 0)

    def test_with_goodput_are_each_control_on_each_path(self):
        done, code = self.run_script("--seeds", "0", "--worker", "0", "--fuzz", "0", "--goodput")
        commands = [command for command, _ in done]
        self.assertEqual(commands[:2], ["build build-release", "build build-test"])
        self.assertIn("pytest", commands[2])
        self.assertIn("test/system -k goodput -s", commands[2])
        self.assertEqual(done[2][1]["TERMINUS_GOODPUT"], "all")
        self.assertEqual(len(done), 3)
        self.assertIn("36 passed, 0 failed", self.output.getvalue())
        self.assertEqual(code, 0)

    def test_with_differential_are_the_answers_beside_the_kernels(self):
        done, code = self.run_script("--seeds", "0", "--worker", "0", "--fuzz", "0", "--differential")
        self.assertIn("test/system -k differential", done[2][0])
        self.assertEqual(done[2][1]["TERMINUS_DIFFERENTIAL"], "1")
        self.assertEqual((len(done), code), (3, 0))

    def test_without_any_fail(self):
        done, code = self.run_script("--seeds", "0", "--worker", "0", "--fuzz", "0")
        self.assertEqual((done, code), ([], 1))


class Simulations(unittest.TestCase):
    def test_go_on_behind_a_seed_that_ends_the_process(self):
        outputs = ["repeat it by: terminus-sim --kind pair --seed 3\nterminate called\n", "7 passed, 0 failed\n"]
        asked = []

        def execute(command, capture=False):
            asked.append(command[4:])
            return 1, outputs.pop(0)

        with mock.patch.object(run_tests, "execute", execute), contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(load().simulate("terminus-sim", "pair", 1, 10), (9, 1))
        self.assertEqual(asked, [[1, 10], [4, 7]])


if __name__ == "__main__":
    unittest.main()
