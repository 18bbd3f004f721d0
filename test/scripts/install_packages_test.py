"""scripts/install-packages keeps services from starting and leaves the policy file as it found it.

The script runs against a policy file, a package list and an apt-get of the test's own.
"""

import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "install-packages"
DEADLINE = 20

APT = """#!/bin/bash
echo "$*" >>"{dir}/apt.log"
cat "{policy}" >"{dir}/policy-seen"
"{policy}"; echo $? >"{dir}/policy-answer"
touch "{dir}/apt-started"
while [[ -e "{dir}/apt-waits" ]]; do sleep 0.02; done
exit $(cat "{dir}/apt-exit" 2>/dev/null || echo 0)
"""


def wait_for(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {DEADLINE} s: {what}")
        time.sleep(0.02)


@unittest.skipUnless(os.geteuid() == 0, "installing needs root")
class InstallPackages(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.tmp.name)
        self.policy = self.dir / "policy-rc.d"
        (self.dir / "packages").write_text(
            "build  terminus-no-such-package  # never installed\ntest dpkg # always installed\n"
        )
        bin_dir = self.dir / "bin"
        bin_dir.mkdir()
        for name, text in (
            ("apt-get", APT.format(dir=self.dir, policy=self.policy)),
            ("systemctl", "#!/bin/sh\n"),
        ):
            (bin_dir / name).write_text(text)
            (bin_dir / name).chmod(0o755)
        self.env = dict(
            os.environ,
            PATH=f"{bin_dir}:{os.environ['PATH']}",
            TERMINUS_PACKAGES=str(self.dir / "packages"),
            TERMINUS_POLICY_FILE=str(self.policy),
            TERMINUS_PACKAGES_LOCK=str(self.dir / "lock"),
        )

    def tearDown(self):
        (self.dir / "apt-waits").unlink(missing_ok=True)
        self.tmp.cleanup()

    def start(self, *sections):
        return subprocess.Popen(
            [SCRIPT, *sections],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run_script(self, *sections):
        process = self.start(*sections)
        out, err = process.communicate(timeout=DEADLINE)
        return process.returncode, out, err

    def leftovers(self):
        return sorted(p.name for p in self.dir.glob("policy-rc.d*"))

    def test_says_no_to_services_while_apt_works_and_leaves_no_policy_where_there_was_none(self):
        code, _, err = self.run_script("build")
        self.assertEqual(code, 0, err)
        self.assertEqual((self.dir / "policy-answer").read_text().strip(), "101")
        self.assertEqual(self.leftovers(), [])

    def test_puts_back_the_very_file_that_was_there(self):
        self.policy.write_text("#!/bin/sh\nexit 104\n")
        self.policy.chmod(0o750)
        before = self.policy.stat()
        code, _, err = self.run_script("build")
        self.assertEqual(code, 0, err)
        after = self.policy.stat()
        self.assertEqual((self.dir / "policy-answer").read_text().strip(), "101")
        self.assertEqual((after.st_ino, after.st_mode, after.st_mtime_ns), (before.st_ino, before.st_mode, before.st_mtime_ns))
        self.assertEqual(self.leftovers(), ["policy-rc.d"])

    def test_puts_back_a_symbolic_link_as_a_link(self):
        self.policy.symlink_to("/bin/true")
        self.assertEqual(self.run_script("build")[0], 0)
        self.assertEqual(os.readlink(self.policy), "/bin/true")

    def test_restores_after_a_failed_installation_and_says_which_packages(self):
        self.policy.write_text("#!/bin/sh\nexit 0\n")
        (self.dir / "apt-exit").write_text("100")
        code, _, err = self.run_script("build")
        self.assertEqual(code, 1)
        self.assertIn("terminus-no-such-package", err)
        self.assertEqual(self.policy.read_text(), "#!/bin/sh\nexit 0\n")
        self.assertEqual(self.leftovers(), ["policy-rc.d"])

    def check_restored_after(self, deliver):
        self.policy.write_text("#!/bin/sh\nexit 104\n")
        (self.dir / "apt-waits").touch()
        process = self.start("build")
        wait_for((self.dir / "apt-started").exists, "apt-get runs")
        self.assertIn("terminus", self.policy.read_text())
        deliver(process)
        (self.dir / "apt-waits").unlink(missing_ok=True)
        process.communicate(timeout=DEADLINE)
        self.assertNotEqual(process.returncode, 0)
        wait_for(lambda: self.leftovers() == ["policy-rc.d"], "the policy is restored")
        self.assertEqual(self.policy.read_text(), "#!/bin/sh\nexit 104\n")

    def test_restores_when_interrupted_at_the_keyboard(self):
        self.check_restored_after(lambda p: os.killpg(p.pid, signal.SIGINT))

    def test_restores_when_terminated(self):
        self.check_restored_after(lambda p: p.send_signal(signal.SIGTERM))

    def test_restores_when_killed_but_not_before_the_orphaned_apt_has_ended(self):
        def kill(process):
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=DEADLINE)
            self.assertIn("terminus", self.policy.read_text(), "services could start under the orphan")

        self.check_restored_after(kill)

    def test_a_later_run_heals_what_a_power_cut_left(self):
        self.policy.write_text("#!/bin/sh\n# terminus: a temporary policy, removed when its installation ends\nexit 101\n")
        saved = self.dir / "policy-rc.d.before-terminus"
        saved.write_text("#!/bin/sh\nexit 104\n")
        self.assertEqual(self.run_script("build")[0], 0)
        self.assertEqual(self.policy.read_text(), "#!/bin/sh\nexit 104\n")
        self.assertEqual(self.leftovers(), ["policy-rc.d"])

    def test_does_not_touch_anything_when_all_is_installed(self):
        code, out, err = self.run_script("test")
        self.assertEqual((code, out, err), (0, "", ""))
        self.assertFalse((self.dir / "apt.log").exists())


class PackageList(unittest.TestCase):
    def test_every_line_has_a_known_section_and_says_why(self):
        lines = (SCRIPT.parent / "packages").read_text().splitlines()
        entries = [line for line in lines if line.strip() and not line.startswith("#")]
        self.assertGreater(len(entries), 10)
        for line in entries:
            entry, _, why = line.partition("#")
            self.assertIn(entry.split()[0], ("build", "run", "test", "bench", "record", "rehearse"), line)
            self.assertTrue(why.strip(), line)
        names = [line.split()[1] for line in entries]
        self.assertEqual(len(names), len(set(names)), "a package is listed twice")


if __name__ == "__main__":
    unittest.main()
