#!/usr/bin/python3
"""terminus-drill from outside: what it prints, its exit codes, its JUnit file; above all, that it fails when it must.

    terminus_drill_test.py PATH/TO/terminus-drill
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "terminus-drill"
LISTENING = """0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000 <mss 1000>
"""
GOOD = LISTENING + "+0 > S. 0:0(0) ack 1 <mss 1460>\n"
BAD = LISTENING + "+0 > S. 0:0(0) ack 2 <mss 1460>\n"
SKIPPED = "`tc qdisc add dev tun0 root fq`\n" + GOOD


class Drill(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def drill(self, *args):
        return subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=60)

    def test_a_tree_of_scripts_is_counted_and_one_that_fails_makes_the_run_fail(self):
        self.write("b/good.pkt", GOOD)
        bad = self.write("b/c/bad.pkt", BAD)
        self.write("a/skipped.pkt", SKIPPED)
        self.write("b/other.txt", "no script")
        run = self.drill(str(self.path))
        self.assertEqual(run.returncode, 1)
        self.assertEqual(run.stdout.splitlines()[-1], "1 passed, 1 failed, 1 skipped")
        self.assertIn(f"{bad}:5: the acknowledgement number is 1, not 2\n", run.stdout)
        self.assertIn("    expected 0.000000 > S. 0:0(0) ack 2 <mss 1460>\n    actual   0.000000 > S. 0:0(0) ack 1 ", run.stdout)
        self.assertIn("skipped: the command `tc` is not here", run.stdout)

    def test_a_run_without_failures_succeeds(self):
        run = self.drill(self.write("good.pkt", GOOD), "-q")
        self.assertEqual((run.returncode, run.stdout), (0, "1 passed, 0 failed, 0 skipped\n"))

    def test_definitions_and_tunables_reach_the_scripts(self):
        script = self.write("d.pkt", LISTENING + "+0 > S. 0:0(0) ack NUMBER <mss 1460>\n")
        self.assertEqual(self.drill(script, "-D", "NUMBER=1").returncode, 0)
        self.assertEqual(self.drill(script, "--define", "NUMBER=2").returncode, 1)
        offered = self.write("t.pkt", LISTENING.replace("<mss 1000>", "<mss 1000,nop,wscale 7>") + "+0 > S. 0:0(0) ack 1 <mss 1460>\n")
        self.assertEqual(self.drill(offered, "--set", "tcp.window_scaling=false").returncode, 0)
        self.assertEqual(self.drill(offered, "--set", "tcp.window_scaling=true").returncode, 1)

    def test_a_script_for_another_ip_version_is_skipped_and_listed(self):
        both = self.write("both.pkt", LISTENING + "+0 > S. 0:0(0) ack 1 <...>\n")
        four = self.write("four.pkt", "--ip_version=ipv4\n" + GOOD)
        six = self.write("six.pkt", "--ip_version=ipv6\n" + GOOD.replace("1460", "1440"))
        for version, skipped in (("ipv4", [six]), ("ipv4-mapped-ipv6", [six]), ("ipv6", [four]), (None, [])):
            run = self.drill(str(self.path), *(["--ip_version", version] if version else []))
            lines = run.stdout.splitlines()
            self.assertEqual(run.returncode, 0, run.stdout)
            self.assertEqual(lines[-1], f"{3 - len(skipped)} passed, 0 failed, {len(skipped)} skipped")
            self.assertEqual([line.split(": it is for")[0] for line in lines[:-1]], [f"{path}:1: skipped" for path in skipped])
        self.assertEqual(self.drill(both, "--ip_version", "ipv6").returncode, 0)

    def test_the_public_scripts_baseline_sets_what_there_is(self):
        # Its timestamps, SACK and window of 540,000 bytes, and no ECN; and it wins over what was set before.
        script = self.write("b.pkt", """`sysctl -q net.ipv4.tcp_sack=0
../../common/defaults.sh`
""" + LISTENING.replace("< S 0", "< SEW 0").replace("<mss 1000>", "<mss 1000,sackOK,TS val 1 ecr 0,nop,wscale 7>")
                            + "+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 5 ecr 1,nop,wscale 8>\n")
        run = self.drill(script)
        self.assertEqual(run.returncode, 0, run.stdout)

    def test_what_has_no_effect_is_taken_and_all_else_refused_by_name(self):
        taken = "--gateway_ip=192.168.0.2\n--netmask_ip=255.255.0.0\n`sysctl -q net.ipv4.tcp_fack=1 net.ipv4.tcp_recovery=1`\n"
        self.assertEqual(self.drill(self.write("taken.pkt", taken + GOOD)).returncode, 0)
        for line, reason in (("--init_scripts=defaults.sh", "the option --init_scripts is not here"),
                             ("--gateway_ip=home", "--gateway_ip can't be `home`"),
                             ("`sysctl -q net.ipv4.tcp_recovery=0`", "net.ipv4.tcp_recovery can't be `0`"),
                             ("`sysctl -q net.ipv4.tcp_thin_dupack=1`", "net.ipv4.tcp_thin_dupack=1: there is no tunable"),
                             ("`/tmp/sysctl_restore_${PPID}.sh`", "the command `/tmp/sysctl_restore_")):
            run = self.drill(self.write("refused.pkt", line + "\n" + GOOD))
            self.assertEqual(run.returncode, 1, line)
            self.assertIn(":1: " + reason, run.stdout)

    def test_junit_names_each_script_with_its_verdict(self):
        for name, text in (("good.pkt", GOOD), ("bad.pkt", BAD), ("skipped.pkt", SKIPPED)):
            self.write(name, text)
        report = self.path / "out.xml"
        self.drill(str(self.path), "--junit", str(report))
        suite = xml.etree.ElementTree.parse(report).getroot()
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("skipped")), ("3", "1", "1"))
        verdicts = {pathlib.Path(case.get("name")).name: [child.tag for child in case] for case in suite}
        self.assertEqual(verdicts, {"good.pkt": [], "bad.pkt": ["failure"], "skipped.pkt": ["skipped"]})

    def test_what_cannot_be_run_is_no_success(self):
        empty = self.path / "empty"
        empty.mkdir()
        for args in (["/nowhere.pkt"], [str(empty)], [], [self.write("g.pkt", GOOD), "--set", "tcp.nonsense=1"],
                     [self.write("g.pkt", GOOD), "--ip_version", "ipv5"], ["--frobnicate"]):
            run = self.drill(*args)
            self.assertEqual(run.returncode, 2, args)
            self.assertNotEqual(run.stderr, "")


if __name__ == "__main__":
    unittest.main()
