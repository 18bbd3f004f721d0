"""The pictures and the table that are made of the benchmarks' JSON. Nothing is measured here."""

import contextlib
import copy
import io
import json
import pathlib
import re
import stat
import sys
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test/bench"), str(ROOT / "test/system")]
from load import session, summary  # noqa: E402
from plots import __main__ as plots  # noqa: E402
from plots import axes, budgets, charts, cycles, files, svg  # noqa: E402

RESULTS = pathlib.Path(__file__).with_name("bench_results")
SVG = "{http://www.w3.org/2000/svg}"
# Writes the rows that it is told in $ROWS, and which options it had.
PROGRAM = """#!/usr/bin/python3
import pathlib, sys
here = pathlib.Path(__file__).parent
with open(here / "told", "a") as told: told.write(" ".join(sys.argv[1:-2]) + "\\n")
assert sys.argv[-2] == "--json"
rows = here / "rows"
if rows.exists(): pathlib.Path(sys.argv[-1]).write_text(rows.read_text())
sys.exit(int((here / "status").read_text()))
"""


def result(name):
    return files.read(RESULTS / f"{name}.json")


def parsed(text):
    return xml.etree.ElementTree.fromstring(text)


def of_class(root, name):
    return [each for each in root.iter() if name in (each.get("class") or "").split()]


def texts(root):
    return [each.text.replace("\u00a0", " ") for each in root.iter(f"{SVG}text")]


def run(*words):
    """(exit status, what it printed, its errors)."""
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        status = plots.main([str(word) for word in words])
    return status, out.getvalue(), errors.getvalue()


class Axes(unittest.TestCase):
    def test_equal_steps_are_one_two_or_five_of_a_power_of_ten_and_hold_all_values(self):
        for most in (0.03, 1, 7, 99, 100, 868, 12_345, 9_999_999):
            scale = axes.Linear(0, most)
            step = scale.ticks()[1]
            self.assertRegex(f"{step:e}", r"^[125]\.0+e")
            self.assertGreaterEqual(scale.most, most * (1 - 1e-9))
            self.assertLessEqual(len(scale.ticks()), 8)

    def test_what_is_less_than_nothing_has_its_place(self):
        scale = axes.Linear(-11.2, 9)
        self.assertLessEqual(scale.least, -11.2)
        self.assertTrue(any(abs(tick) < 1e-9 for tick in scale.ticks()))

    def test_powers_of_ten_lie_equally_far_apart(self):
        scale = axes.Log(1_000, 10_000_000)
        self.assertEqual([scale.part(tick) for tick in scale.ticks()], [0, 0.25, 0.5, 0.75, 1])
        self.assertEqual(axes.Log(1_001, 9_999).ticks(), [1_000, 10_000])
        with self.assertRaises(ValueError):
            axes.Log(0, 1)

    def test_an_axis_is_logarithmic_where_small_values_could_not_be_seen(self):
        self.assertIsInstance(axes.fitting([1, 51]), axes.Log)
        self.assertIsInstance(axes.fitting([1, 50]), axes.Linear)
        self.assertIsInstance(axes.fitting([-1, 1, 5000]), axes.Linear)
        self.assertEqual(axes.fitting([0]).part(0), 0)

    def test_numbers_are_short(self):
        for value, text in ((1_000, "1 k"), (999.7, "1 k"), (999_700, "1 M"), (12_345, "12.3 k"), (2e9, "2 G"), (0.25, "0.25"), (-1500, "-1.5 k")):
            self.assertEqual(axes.short(value).replace("\u00a0", " "), text)


class Pictures(unittest.TestCase):
    def setUp(self):
        self.made = {name: parsed(text) for name, text in charts.of_result(result("cycles")).items()}

    def test_there_is_one_for_each_question(self):
        open_ones = ["operations-1000.svg", "operations-100000.svg"]
        self.assertEqual(list(self.made), [*open_ones, "rate-by-open.svg", "latency.svg", "table.svg", "wheel.svg", "memory.svg", "workers.svg"])

    def test_each_names_the_machine_and_the_axis(self):
        for name, root in self.made.items():
            self.assertIn("AMD EPYC, 2 CPUs, 2026-11-28, commit 21499a90fc0e", texts(root), name)
            rotated = [each.text for each in root.iter(f"{SVG}text") if each.get("transform")]
            self.assertEqual(len(rotated), 1, name)

    def test_nothing_lies_beyond_the_sheet(self):
        for name, root in self.made.items():
            width, height = float(root.get("width")), float(root.get("height"))
            for each in root.iter():
                for key, most in (("x", width), ("y", height), ("cx", width), ("cy", height), ("x2", width), ("y2", height)):
                    if each.get(key):
                        self.assertTrue(0 <= float(each.get(key)) <= most, (name, each.attrib))

    def test_colours_are_for_white_and_for_dark(self):
        for root in self.made.values():
            style = root.find(f"{SVG}style").text
            self.assertIn("prefers-color-scheme:dark", style)
            for drawn in root.iter():
                self.assertIsNone(drawn.get("fill"), "a colour that no scheme can change")

    def test_an_operation_has_bars_with_whiskers_and_its_budgets(self):
        root = self.made["operations-1000.svg"]
        operations = [row for row in result("cycles").rows() if row["entries"] == 1000 and "worker" in row.get("figures", {})]
        self.assertEqual(len(of_class(root, "bar")), 2 * len(operations))
        self.assertEqual(len(of_class(root, "whisker")), 2 * len(operations))
        budgeted = [row for row in operations if "budget" in row]
        self.assertEqual(len([each for each in of_class(root, "budget") if each.tag == f"{SVG}line"]), len(budgeted))
        for name in ("worker", "crowd", "budget", "aim", "full segment, TSO and LRO"):
            self.assertIn(name, " ".join(texts(root)))

    def test_a_bar_is_as_high_as_its_value(self):
        root = parsed(svg.bars(svg.Chart("t", (), "y"), [svg.Group("g", {"a": svg.Value(25.0), "b": svg.Value(50.0)}, budget=50.0)]))
        low, high = of_class(root, "bar")
        self.assertAlmostEqual(2 * float(low.get("height")), float(high.get("height")), delta=0.2)
        line = next(each for each in of_class(root, "budget") if each.tag == f"{SVG}line")
        self.assertEqual(line.get("y1"), high.get("y"))

    def test_the_rate_is_of_the_fewest_and_its_axis_goes_to_ten_million(self):
        root = self.made["rate-by-open.svg"]
        for label in ("1 k", "10 k", "100 k", "1 M", "10 M", "rate, % of that with 1,000 open", "connections open"):
            self.assertIn(label, texts(root))
        points = of_class(root, "line")[0].get("points").split()
        self.assertEqual(len(points), 2)
        (x1, _), (x2, _) = (map(float, point.split(",")) for point in points)
        self.assertAlmostEqual((x2 - x1) / (960 - svg.LEFT - svg.RIGHT), 0.5, places=3)

    def test_the_budget_of_the_rate_is_a_quarter_lost(self):
        root = self.made["rate-by-open.svg"]
        # The first operation's first point is 100 %, and the axis begins at nothing.
        whole = float(of_class(root, "line")[0].get("points").split()[0].split(",")[1])
        budget = next(float(each.get("y1")) for each in of_class(root, "budget") if each.tag == f"{SVG}line")
        base = max(float(each.get("y1")) for each in of_class(root, "grid"))
        self.assertAlmostEqual((base - budget) / (base - whole), 0.75, places=2)

    def test_latency_has_its_four_figures_for_each_number_of_open_connections(self):
        root = self.made["latency.svg"]
        self.assertEqual(len(of_class(root, "bar")), 8)
        for name in ("p50", "p99", "p99.9", "max", "microseconds"):
            self.assertIn(name, texts(root))

    def test_what_was_not_measured_has_no_picture(self):
        rows = [row for row in result("cycles").rows() if row["what"] == "erase"]
        self.assertEqual(list(charts.of_result(files.check({"machine": {}, "rows": rows}))), ["table.svg"])
        self.assertEqual(charts.of_result(files.check([])), {})

    def test_text_is_escaped(self):
        content = json.loads((RESULTS / "cycles.json").read_text())
        content["machine"]["cpu"] = '<b> & "x"'
        content["rows"][0]["what"] = "</svg>"
        for text in charts.of_result(files.check(content)).values():
            self.assertIn('<b> & "x"', parsed(text).findall(f"{SVG}text")[1].text)

    def test_peers_are_ratios_with_their_spread_by_measure(self):
        root = parsed(charts.of_result(result("peers"))["peers.svg"])
        ratios = [each for measure in charts.RATIOS for each in result("peers").content["measures"][measure]["ratios"].values() if each]
        self.assertGreater(len(ratios), 4)
        self.assertEqual(len(of_class(root, "bar")), len(ratios))
        self.assertEqual(len(of_class(root, "whisker")), len(ratios))
        self.assertIn("terminusd / haproxy", texts(root))

    def test_load_has_the_latencies_of_each_measure(self):
        latency = {"count": 9, "p50": 1000, "p99": 2000, "p99_9": 3000, "max": 4000}
        side = {"failures": {}, "totals": dict.fromkeys(summary.REPETITIONS, 0), "frames_per_second": 1.0, "responses_per_second": 1.0}
        client = side | {"latency_ns": {"response": latency, "connect": latency}}
        report = {"client": client, "backend": side, "reflector": side | {"ratio": 0.5}, "busy": 0.5, "limit": {"what": "rate"}}
        measured = summary.of_runs([session.Run(1, "latency", report)], ["latency"])
        made = charts.of_result(files.check({"machine": {}, "measures": measured}))
        self.assertEqual(len(of_class(parsed(made["load-latency.svg"]), "bar")), 4)


class Table(unittest.TestCase):
    def cells(self, rows):
        return {(line[0], line[1]): line for line in budgets.table(rows)}

    def test_rates_are_at_three_gigahertz_and_times_in_microseconds(self):
        row = {"what": "connection", "entries": 1000, "figures": {"worker": {"cycles": 6000, "cycles_least": 3000, "cycles_most": 12000, "nanoseconds": 1}}}
        latency = {"what": "latency, p99", "entries": 1000, "unit": "ns", "figure": 10_001}
        cells = self.cells([row, latency])
        self.assertEqual(cells["proxied connections, backend closes first, k/s", "1,000"][2:], ("500.0", "250.0 … 1,000.0", "≥ 500", "≥ 1000", "met"))
        self.assertEqual(cells["added latency p99 at half load, µs", "1,000"][2:], ("10.0", "", "≤ 10", "≤ 5", "not met"))

    def test_every_figure_of_design_is_there_even_if_nothing_was_measured(self):
        lines = budgets.table([])
        self.assertEqual(len(lines), len(budgets.ASKED) + 1)
        self.assertTrue(all(line[2] == budgets.NOT_MEASURED for line in lines))

    def test_a_segment_that_a_device_cuts_has_its_own_aim_and_other_protocols_none(self):
        segment = {"what": "full segment", "entries": 1000, "figures": {"worker": {"cycles": 340, "cycles_least": 340, "cycles_most": 340, "nanoseconds": 1}}}
        cells = self.cells([segment | {"with": [budgets.TSO]}, segment | {"with": ["IPv6"]}])
        self.assertEqual(cells["spliced, MSS 1448, TSO/LRO, Gbit/s", "1,000"][-2:], ("≥ 100", "met, and the aim"))
        self.assertEqual(cells["spliced, MSS 1448, no TSO/LRO, Gbit/s", "–"][2], budgets.NOT_MEASURED)

    def test_a_loss_is_judged_met_only_at_ten_million(self):
        loss = {"what": "loss, from 1000 open: request", "unit": "%", "figure": 9.0}
        name = "loss, from 1000 open: request, %"
        self.assertEqual(self.cells([loss | {"entries": 1_000_000}])[name, "1,000,000"][-1], "so far")
        self.assertEqual(self.cells([loss | {"entries": 10_000_000}])[name, "10,000,000"][-1], "met, and the aim")
        self.assertEqual(self.cells([loss | {"entries": 1_000_000, "figure": 26.0}])[name, "1,000,000"][-1], "not met")

    def test_as_markdown_it_names_the_machine_and_what_was_not_measured(self):
        status, text, _ = run("budgets", "--markdown", RESULTS / "cycles.json")
        self.assertEqual(status, 0)
        self.assertTrue(text.startswith("AMD EPYC, 2 CPUs, 2026-11-28, commit 21499a90fc0e, 24 GiB, Linux 6.18"))
        rows = [line for line in text.splitlines() if line.startswith("|")]
        self.assertEqual({len(re.findall(r"(?<!\\)\|", row)) for row in rows}, {len(budgets.HEADER) + 1})
        missing = text.split("Not measured:")[1]
        self.assertIn("- loss of rate to 10,000,000 open connections", missing)
        self.assertIn("- the wheel with ten million timers", missing)
        self.assertIn("no NIC", missing)
        self.assertNotIn("not measured |", text)


class Errors(unittest.TestCase):
    def broken(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "some.json"
            path.write_text(text)
            status, _, errors = run("plot", path, "--out", folder)
            self.assertEqual((status, list(pathlib.Path(folder).glob("*.svg"))), (1, []))
            return errors.replace(str(path), "some.json")

    def test_what_is_no_json_is_told_by_line_and_column(self):
        self.assertIn("some.json: line 2, column 1: not JSON", self.broken("[\n"))

    def test_json_of_something_else_is_told_by_its_place(self):
        for text, told in (
            ("3", "at the top: a number"),
            ("{}", "at the top: neither 'rows' nor 'measures'"),
            ('{"distance": null}', "limits"),
            ('[{"what": 1}]', "rows[0].what: a number, where a string is expected"),
            ('[{"what": "x", "entries": 1}]', "rows[0].figure: not there"),
            ('[{"what": "x", "entries": 1, "unit": "%", "figure": NaN}]', "rows[0].figure: no finite number (nan)"),
            ('[{"what": "x", "entries": 1, "figures": {"worker": {"cycles": "7"}}}]', "rows[0].figures.worker.cycles: a string, where a number is expected"),
            ('{"measures": {}}', "measures: empty"),
            ('{"measures": {"idle": {"peers": {"a": 1}, "ratios": {}}}}', "measures.idle.peers.a: a number"),
            ("[]", "nothing in it that there is a picture of"),
        ):
            self.assertIn(told, self.broken(text))

    def test_a_file_that_is_not_there_is_told(self):
        status, _, errors = run("plot", "/nonexistent/a.json")
        self.assertEqual((status, errors), (1, "bench: /nonexistent/a.json: can't be read: No such file or directory\n"))

    def test_peers_have_no_table_of_budgets(self):
        status, _, errors = run("budgets", RESULTS / "peers.json")
        self.assertEqual(status, 1)
        self.assertIn("a result of peers", errors)


class Cycles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.program = self.folder / "terminus-bench"
        self.program.write_text(PROGRAM)
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        self.answer(0)

    def answer(self, status, rows=()):
        (self.folder / "status").write_text(str(status))
        if rows:
            (self.folder / "rows").write_text(json.dumps(rows))

    def told(self):
        return (self.folder / "told").read_text().splitlines()

    def test_a_named_benchmark_runs_as_it_was_asked_for_and_is_written_with_its_machine(self):
        rows = result("cycles").rows()
        self.answer(0, rows)
        status, _, _ = run("cycles", self.program, "worker", "--open", "1000", "--json", self.folder / "out.json", "--plots", self.folder / "plots")
        self.assertEqual((status, self.told()), (0, ["worker --open 1000"]))
        written = files.read(self.folder / "out.json")
        self.assertEqual(written.rows(), rows)
        self.assertLessEqual({"cpu", "cpus", "date", "commit"}, set(written.machine))
        self.assertEqual({path.name for path in (self.folder / "plots").iterdir()}, set(charts.of_result(written)))

    def test_what_a_device_could_is_kept_with_the_rows(self):
        segment = copy.deepcopy(next(row for row in result("cycles").rows() if row["what"] == "full segment"))
        self.answer(0, [segment])
        _, found = cycles.run(self.program, ["worker", "--tso", "--ipv6"])
        self.assertEqual(found["rows"][0]["with"], [budgets.TSO, "IPv6"])

    def test_an_exit_status_and_the_lack_of_figures_are_passed_on(self):
        self.answer(3)
        self.assertEqual(run("cycles", self.program, "held", "--json", self.folder / "out.json")[0], 3)
        self.assertFalse((self.folder / "out.json").exists())

    def test_without_a_name_all_that_design_asks_for_is_measured(self):
        self.answer(cycles.SKIPPED, result("cycles").rows())
        status, text, _ = run("cycles", self.program)
        self.assertEqual(status, 0)  # what there was no memory for is in the table
        worker, tso, table, wheel = self.told()
        self.assertEqual(worker, f"worker scaling --open {cycles.OPEN} --proxied 100000")
        self.assertIn("--tso --open 1000 --work segment", tso)
        self.assertTrue(table.startswith("table --entries 1000,1000000"))
        self.assertEqual(wheel, "wheel --entries 1000,1000000")
        for asked in budgets.ASKED:
            self.assertIn(asked.what if ": " not in asked.rows[0] and not asked.rows[0].startswith("loss") else asked.rows[0], text)

    def test_a_named_benchmark_without_memory_is_skipped(self):
        self.answer(cycles.SKIPPED, result("cycles").rows())
        self.assertEqual(run("cycles", self.program, "worker")[0], cycles.SKIPPED)

    def test_a_part_that_fails_is_told_though_the_others_were_measured(self):
        self.answer(1, result("cycles").rows())
        self.assertEqual(run("cycles", self.program)[0], 1)

    def test_options_prevail_over_what_is_usual(self):
        runs, left_out = cycles.plain(["--open", "1000", "2000", "--entries=64", "--rounds", "2"], 64 << 30)
        self.assertEqual(runs[0], ["worker", "scaling", "--proxied", "100000", "--open", "1000", "2000", "--entries=64", "--rounds", "2"])
        self.assertEqual(runs[1][-7:], ["--rounds", "2", "--tso", "--open", "1000", "--work", "segment"])
        self.assertNotIn("2000", runs[1])
        self.assertEqual(runs[3], ["wheel", "--open", "1000", "2000", "--entries=64", "--rounds", "2"])
        self.assertEqual(left_out, [])

    def test_the_largest_table_needs_memory_for_it(self):
        for available, entries in ((cycles.ENTRIES_BYTES, cycles.ENTRIES), (cycles.ENTRIES_BYTES - 1, cycles.FEWER_ENTRIES)):
            runs, left_out = cycles.plain([], available)
            self.assertEqual(runs[2], ["table", "--entries", entries])
            self.assertEqual(any("table with ten million" in each for each in left_out), entries == cycles.FEWER_ENTRIES)


if __name__ == "__main__":
    unittest.main()
