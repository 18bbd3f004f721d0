"""scripts/rfc-pages finds citations where they are, and each kind of gap: a check that cannot fail is a defect."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS / "lib"))
import rfc_citations

CODE = """\
#include "tcp/x.hpp"

namespace terminus::tcp {

// RFC 6298 2.4: a bound.
constexpr Duration kLeast = 1s;

struct Window {
    std::uint32_t size = 0;  ///< bytes (RFC 9293
                             ///< MUST-1)
    void grow() {
        ++size;  // RFC 5681 3.1
    }
};

/// RFC 9293 3.8.4, MUST-24 to
/// MUST-26: keepalives.
base::Result<Window, Fault> Connection::keep(std::uint32_t first,
                                             std::uint32_t second) {
    const char* text = "// RFC 1337";
    if (first == 0) return {};  // RFC 1191, 8201, 5927 7.2: too big

    return {};
}

}  // namespace terminus::tcp
"""

TESTS = """\
// RFC 6528: a helper tests nothing.
void help() {}

// RFC 9293 3.8.4, MUST-24.
TEST_CASE("one name "
          "in two pieces") {  // SHLD-12
    CHECK(true);  // RFC 9293 figure 8 and appendix A.1
}
"""


class Citations(unittest.TestCase):
    def found(self, name, text):
        return {(c.label, *sorted((rfc, s) for rfc, all in c.sections.items() for s in all), *sorted(c.ids)) for c in rfc_citations.of_file(name, text)}

    def test_belong_to_the_function_type_or_constant_they_are_in_or_above(self):
        keep = "Connection::keep"
        self.assertEqual(
            self.found("lib/tcp/x.cpp", CODE),
            {
                ("kLeast", ("6298", "2.4")),
                ("Window::size", ("9293", ""), "MUST-1"),
                ("Window::grow", ("5681", "3.1")),
                (keep, ("9293", "3.8.4"), "MUST-24", "MUST-25", "MUST-26"),
                (keep, ("1191", ""), ("5927", "7.2"), ("8201", "")),
            },
        )

    def test_in_tests_count_for_test_cases_only(self):
        name = "“one name in two pieces”"
        self.assertEqual(
            self.found("test/unit/tcp/x_test.cpp", TESTS),
            {(name, ("9293", "3.8.4"), "MUST-24"), (name, "SHLD-12"), (name, ("9293", "appendix A.1"), ("9293", "figure 8"))},
        )

    def test_in_packet_scripts_count_for_the_script(self):
        self.assertEqual(self.found("test/script/x.pkt", "+0 `true`\n// RFC 1337, MUST-13\n"), {("", ("1337", ""), "MUST-13")})

    def test_in_python_belong_to_the_function(self):
        text = 'def helper():\n    """RFC 2018 2"""\n\ndef test_it():\n    # RFC 2018 3\n    pass\n'
        self.assertEqual(self.found("test/system/test_x.py", text), {("`test_it`", ("2018", "3"))})

    def test_of_a_draft_are_known_by_its_name(self):
        text = "draft-ietf-ccwg-bbr-05 4.1.2.3: the sample; draft-ietf-ccwg-bbr, Drain; RFC 3465 2.1"
        self.assertEqual(rfc_citations.sections(text), {"draft-ietf-ccwg-bbr": {"4.1.2.3", ""}, "3465": {"2.1"}})

    def test_take_no_count_for_a_section(self):
        self.assertEqual(rfc_citations.sections("RFC 5681 3.1, 3 segments"), {"5681": {"3.1"}})
        self.assertEqual(rfc_citations.sections("RFC 2018 2, 3: both"), {"2018": {"2", "3"}})
        self.assertEqual(rfc_citations.sections("RFC 6298 5.4 to 5.6."), {"6298": {"5.4", "5.6"}})
        self.assertEqual(rfc_citations.sections("RFC 7323 2^32"), {"7323": {""}})


class Pages(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.addCleanup(self.tmp.cleanup)
        self.root = pathlib.Path(self.tmp.name)
        self.write("docs/rfc/rfcs.tsv", "rfc\ttitle\n9293\tTCP\n1337\tHazards\n2018\tSACK\n")
        self.write("docs/rfc/9293-requirements.tsv", "id\tsection\tlevel\ttext\nMUST-1\t3.1\tMUST\tunsigned\nMAY-1\t3.6.1\tMAY\thalf\n")
        self.excuse("")
        self.write("lib/tcp/x.cpp", "// RFC 9293 3.1, MUST-1\nvoid f() {}\n")
        self.write("test/unit/x_test.cpp", '// MUST-1, RFC 1337 2\nTEST_CASE("a | b") {\n}\n')

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def excuse(self, ids, why="for a reason"):
        self.deviate(f"9293\t3.1\t{ids}\tthis\tthat\t{why}\n" if ids else "")

    def deviate(self, rows):
        self.write("docs/rfc/deviations.tsv", "rfc\tsection\tids\tthe rfc\tterminus\twhy\n" + rows)

    def run_script(self, *options):
        done = subprocess.run([SCRIPTS / "rfc-pages", *options, self.root], capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def expect_problem(self, what):
        code, out = self.run_script()
        self.assertEqual((code, len(out.splitlines())), (1, 1), out)
        self.assertIn(what, out)

    def test_are_written_for_the_rfcs_that_are_cited_and_then_up_to_date(self):
        self.assertEqual(self.run_script(), (0, ""))
        self.assertEqual(sorted(p.name for p in (self.root / "docs/rfc").glob("*.md")), ["1337.md", "9293.md", "README.md"])
        page = (self.root / "docs/rfc/9293.md").read_text()
        self.assertIn("1 of them MUST: 1 have a test, 0 a reason", page)
        self.assertIn("| MUST-1 | MUST | 3.1 | unsigned | [tcp/x.cpp](../../lib/tcp/x.cpp): f | [x_test.cpp](../../test/unit/x_test.cpp): “a \\| b” |", page)
        self.assertIn("| MAY-1 | MAY | 3.6.1 | half | — | — |", page)
        self.assertEqual(self.run_script("--check"), (0, ""))

    def test_don_t_change_when_lines_move(self):
        self.run_script()
        self.write("lib/tcp/x.cpp", "\nvoid g();\n\n// RFC 9293 3.1, MUST-1\nvoid f() {}\n")
        self.assertEqual(self.run_script("--check"), (0, ""))

    def test_that_are_out_of_date_fail_the_check_and_stay_as_they_are(self):
        self.run_script()
        self.write("docs/rfc/1337.md", "old")
        self.write("docs/rfc/2018.md", "cited no more")
        code, out = self.run_script("--check")
        self.assertEqual(code, 1)
        self.assertEqual([line.split(":")[0] for line in out.splitlines()], ["docs/rfc/1337.md", "docs/rfc/2018.md"])
        self.assertEqual((self.root / "docs/rfc/1337.md").read_text(), "old")
        self.assertEqual(self.run_script(), (0, ""))
        self.assertFalse((self.root / "docs/rfc/2018.md").exists())

    def test_leave_the_one_that_is_written_by_hand_and_lead_to_it(self):
        self.write("docs/rfc/linux.md", "by hand")
        self.assertEqual(self.run_script(), (0, ""))
        self.assertEqual((self.root / "docs/rfc/linux.md").read_text(), "by hand")
        self.assertIn("(linux.md)", (self.root / "docs/rfc/README.md").read_text())

    def test_fail_for_a_must_without_a_test(self):
        self.write("test/unit/x_test.cpp", "// MUST-1: no test, a helper\nvoid help() {\n}\n")
        self.expect_problem("MUST-1: has neither a test nor a reason")

    def test_fail_for_a_must_that_no_code_cites(self):
        self.write("lib/tcp/x.cpp", "void f() {}\n")
        self.expect_problem("MUST-1: is cited by no code")

    def test_take_a_written_reason_and_show_it(self):
        self.write("test/unit/x_test.cpp", "")
        self.excuse("MUST-1")
        self.assertEqual(self.run_script(), (0, ""))
        self.assertIn("0 have a test, 1 a reason", (self.root / "docs/rfc/9293.md").read_text())
        self.excuse("MUST-1", why="")
        self.expect_problem("MUST-1: has neither a test nor a reason")

    def test_are_written_for_what_is_only_deviated_from(self):
        self.deviate("2018\t8\t\tthis\tthat\tfor a reason\n")
        self.assertEqual(self.run_script(), (0, ""))
        self.assertIn("| 8 | this | that | for a reason |", (self.root / "docs/rfc/2018.md").read_text())
        self.assertIn("| [2018](2018.md) | SACK | — | — |", (self.root / "docs/rfc/README.md").read_text())

    def test_fail_for_a_deviation_from_what_has_no_page(self):
        self.deviate("2019\t8\t\tthis\tthat\tfor a reason\n")
        self.expect_problem("deviations.tsv: names RFC 2019")

    def test_are_written_for_drafts_behind_the_rfcs(self):
        self.write("docs/rfc/rfcs.tsv", "rfc\ttitle\ndraft-ietf-ccwg-bbr\tBBR\n9293\tTCP\n1337\tHazards\n")
        self.write("lib/tcp/bbr.cpp", "// draft-ietf-ccwg-bbr 4.1\nvoid g() {}\n")
        self.assertEqual(self.run_script(), (0, ""))
        page = (self.root / "docs/rfc/draft-ietf-ccwg-bbr.md").read_text()
        self.assertIn("# draft-ietf-ccwg-bbr: BBR\n", page)
        self.assertIn("| 4.1 | [tcp/bbr.cpp](../../lib/tcp/bbr.cpp): g | — |", page)
        index = (self.root / "docs/rfc/README.md").read_text()
        self.assertLess(index.index("9293"), index.index("draft-ietf-ccwg-bbr"))

    def test_fail_for_an_id_that_does_not_exist(self):
        self.write("lib/tcp/y.cpp", "// MUST-99\nvoid g() {}\n")
        self.expect_problem("lib/tcp/y.cpp: cites MUST-99")


if __name__ == "__main__":
    unittest.main()
