"""The counts on the last line of scripts/test are those of the programs it ran."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lib"))
import counting  # noqa: E402


class Counting(unittest.TestCase):
    def test_counts_catch2_cases(self):
        self.assertEqual(counting.cases("All tests passed (1 assertion in 1 test case)\n", True), (1, 0))
        self.assertEqual(counting.cases("All tests passed (812 assertions in 74 test cases)\n", True), (74, 0))
        red = "test cases:  5 |  4 passed | 1 failed\nassertions: 20 | 19 passed | 1 failed\n"
        self.assertEqual(counting.cases(red, False), (4, 1))
        self.assertEqual(counting.cases("test cases: 2 | 2 failed\n", False), (0, 2))

    def test_a_leak_after_green_cases_is_a_failure(self):
        self.assertEqual(counting.cases("All tests passed (8 assertions in 7 test cases)\nLeakSanitizer", False), (7, 1))

    def test_a_crash_before_any_summary_is_a_failure(self):
        self.assertEqual(counting.cases("AddressSanitizer: heap-use-after-free", False), (0, 1))

    def test_a_program_that_tests_nothing_is_a_failure(self):
        self.assertEqual(counting.cases("All tests passed (0 assertions in 0 test cases)", True), (0, 1))
        self.assertEqual(counting.cases("Ran 0 tests in 0.000s\n\nOK\n", True), (0, 1))

    def test_counts_unittest_cases(self):
        self.assertEqual(counting.cases("....\nRan 4 tests in 0.1s\n\nOK\n", True), (4, 0))
        self.assertEqual(counting.cases("Ran 6 tests in 1.2s\n\nFAILED (failures=1, errors=2)\n", False), (3, 3))

    def test_any_other_program_is_one_test(self):
        self.assertEqual(counting.cases("", True), (1, 0))
        self.assertEqual(counting.cases("", False), (0, 1))

    def test_reads_a_junit_report_and_fails_for_none(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "r.xml"
            self.assertEqual(counting.junit(path), (0, 1, 0))
            path.write_text('<testsuites><testsuite tests="9" failures="1" errors="1" skipped="2"/></testsuites>')
            self.assertEqual(counting.junit(path), (5, 2, 2))
            path.write_text('<testsuites><testsuite tests="0" failures="0" errors="0" skipped="0"/></testsuites>')
            self.assertEqual(counting.junit(path), (0, 1, 0))


if __name__ == "__main__":
    unittest.main()
