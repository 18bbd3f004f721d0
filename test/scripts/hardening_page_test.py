"""scripts/hardening-page finds each row's tests, and each kind of gap: a check that cannot fail is a defect."""

import pathlib
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "hardening-page"
HEADER = "row\tattack\tdefence\tknown from\n"


class Page(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.addCleanup(self.tmp.cleanup)
        self.root = pathlib.Path(self.tmp.name)
        self.write("docs/hardening.tsv", HEADER + "1\tlies\tchecks\tRipple20\n2\tfloods\tlimits\t\n")
        self.write("test/unit/x/x_test.cpp", 'TEST_CASE("HARDENING 1: a lie | is refused") {\n}\n\nTEST_CASE(\n    "HARDENING 1, 2: both in "\n    "two pieces") {\n}\n')

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run_script(self, *options):
        done = subprocess.run([SCRIPT, *options, self.root], capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def test_names_the_tests_of_each_row_and_is_then_up_to_date(self):
        self.write("test/script/hardening/02_flood.pkt", "")
        self.assertEqual(self.run_script(), (0, ""))
        page = (self.root / "docs/hardening.md").read_text()
        self.assertIn("| 1 | lies | checks | Ripple20 | [x/x_test.cpp](../test/unit/x/x_test.cpp): “a lie \\| is refused”, “both in two pieces” |", page)
        self.assertIn("“both in two pieces”; [script/hardening/02_flood.pkt](../test/script/hardening/02_flood.pkt) |", page)
        self.assertEqual(self.run_script("--check"), (0, ""))

    def test_fails_when_it_is_out_of_date(self):
        code, out = self.run_script("--check")
        self.assertEqual(code, 1)
        self.assertIn("docs/hardening.md: is out of date", out)
        self.assertFalse((self.root / "docs/hardening.md").exists())

    def test_fails_for_a_row_without_a_test_of_its_name(self):
        self.write("test/unit/x/x_test.cpp", '// HARDENING 2\nTEST_CASE("a comment names nothing") {\n}\n\nTEST_CASE("HARDENING 1: one") {\n}\n')
        self.write("test/script/hardening/02_flood.pkt", "")
        code, out = self.run_script()
        self.assertEqual((code, out), (1, "docs/hardening.tsv: row 2 has no test that is named after it\n"))

    def test_fails_for_a_test_of_a_row_that_does_not_exist(self):
        self.write("test/unit/x/y_test.cpp", 'TEST_CASE("HARDENING 3: what") {\n}\n')
        self.assertEqual(self.run_script(), (1, "test/unit/x/y_test.cpp: is named after row 3, which docs/hardening.tsv doesn't have\n"))

    def test_fails_for_a_row_that_was_left_out(self):
        self.write("docs/hardening.tsv", HEADER + "2\tfloods\tlimits\t\n")
        code, out = self.run_script()
        self.assertEqual(code, 1)
        self.assertIn("its rows are not 1, 2, 3", out)


if __name__ == "__main__":
    unittest.main()
