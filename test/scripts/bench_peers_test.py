"""The arithmetic of scripts/bench peers and limits, and what becomes of it in tables and pictures. Nothing is measured here."""

import pathlib
import sys
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test/bench"), str(ROOT / "test/system")]
from peers import chart, figures, processes, reflectors, report, summary  # noqa: E402
from peers.session import Turn  # noqa: E402

PEERS = ["terminusd", "haproxy"]


class Figures(unittest.TestCase):
    def test_a_figure_is_the_median_and_the_range_of_the_rounds_that_have_one(self):
        self.assertEqual(figures.figure([3, None, 1, 10]), figures.Figure(3, 1, 10))
        self.assertEqual(figures.figure([1, 2]), figures.Figure(1.5, 1, 2))
        self.assertIsNone(figures.figure([None]))
        self.assertIsNone(figures.figure([]))

    def test_the_spread_is_the_range_in_parts_of_the_median(self):
        self.assertEqual(figures.Figure(100, 80, 130).spread(), 0.5)
        self.assertEqual(figures.Figure(-100, -130, -80).spread(), 0.5)
        self.assertIsNone(figures.Figure(0, -1, 1).spread())

    def test_ratios_are_of_the_same_round(self):
        # The machine halves its speed in the second round; both suffer, and the ratio doesn't.
        self.assertEqual(figures.ratio([200, 100], [100, 50]), figures.Figure(2, 2, 2))
        self.assertEqual(figures.ratio([200, None], [100, 50]), figures.Figure(2, 2, 2))
        self.assertIsNone(figures.ratio([None], [1]))

    def test_there_is_no_ratio_to_what_got_lost_in_the_noise(self):
        for ours, theirs in (([5, 5], [5, 0]), ([5, 5], [5, -1]), ([-1, 5], [5, 5])):
            self.assertIsNone(figures.ratio(ours, theirs))

    def test_a_round_that_lacks_one_of_both_has_no_difference_and_no_sum(self):
        self.assertEqual(figures.differences([5, None, 7], [2, 2, None]), [3, None, None])
        self.assertEqual(figures.sums([5, None, 7], [2, 2, None]), [7, None, None])

    def test_quantiles_are_measured_values(self):
        hundred = list(range(1, 101))
        self.assertEqual([figures.quantile(hundred, share) for share in (0, 0.5, 0.99, 1)], [1, 50, 99, 100])
        self.assertEqual(figures.quantile([7], 0.99), 7)

    def test_the_cost_of_frames_follows_their_sizes(self):
        per_frame, per_byte = figures.cost_of_frames({100: 1000.0, 1100: 2000.0})
        self.assertEqual((per_frame, per_byte), (900.0, 1.0))
        self.assertEqual(figures.cost_of_frames({100: 1000.0}), (1000.0, 0.0))
        self.assertEqual(figures.cost_of_frames({100: 1000.0, 1100: 900.0}), (1000.0, 0.0))

    def test_time_in_which_others_ran_is_not_a_workers(self):
        self.assertEqual(figures.without_waiting(1000, 0.75, 0.25), 750)
        self.assertEqual(figures.without_waiting(1000, 0, 0), 1000)

    def test_who_waited_is_the_thread_that_ran_most_meanwhile(self):
        # The first thread had run longest before, the last one is new.
        before, after = {"1": (9.0, 1.0), "2": (0.5, 0.0)}, {"1": (9.5, 3.0), "2": (2.5, 0.25), "3": (9.0, 9.0)}
        self.assertEqual(processes.busiest(before, after), (2.0, 0.25))

    def test_the_share_of_the_ports_is_their_cost_of_that_many_frames(self):
        self.assertAlmostEqual(figures.share_of_vdev(100_000, 20_000_000, (1000.0, 10.0)), 0.3)

    def test_who_passes_on_all_that_was_offered_is_not_the_limit(self):
        self.assertTrue(figures.carries_all(97, 100))
        self.assertFalse(figures.carries_all(96, 100))

    def test_the_limit_is_named_by_whose_time_is_used_up(self):
        for busy, waited, vdev, expected in (
            (0.95, 0.0, 0.2, "Terminus"),
            (0.95, 0.0, None, "Terminus"),
            (0.96, 0.0, 0.48, "the vdev"),
            (0.89, 0.0, 0.8, "client and backend"),
            (0.95, 0.1, 0.8, "the shared cores"),
            (0.30, 0.5, 0.1, "the shared cores"),
        ):
            self.assertEqual(figures.limit(busy, waited, vdev), expected)


def turns():
    """Two rounds of two peers, the direct way and testpmd; the machine is half as fast in the second."""
    made = []
    for number, speed in ((1, 2.0), (2, 1.0)):
        common = {"gigabits_per_second": speed, "idle_bytes": 1000.0, "resident_mib": 9.0}
        made.append(Turn(number, "terminusd", common | {"connections_per_second": 10_000 * speed, "latency_p50_us": 150 / speed, "idle_kernel_bytes": 7500.0}))
        load = {"cpus": 0.9, "waited": 0.0, "busy": 0.95, "frames_per_second": 100_000 * speed, "frame_bytes_per_second": 7_400_000 * speed}
        made[-1].load["connections"] = load
        made.append(Turn(number, "haproxy", common | {"connections_per_second": 5_000 * speed, "latency_p50_us": 100 / speed, "idle_kernel_bytes": 15_500.0}))
        made.append(Turn(number, "direct", {"latency_p50_us": 50 / speed, "idle_kernel_bytes": 7_500.0}))
        made.append(Turn(number, "testpmd io", {"busy_ns_per_frame": 4_000.0, "frames_per_second": 150_000.0}))
    made[1].errors["wrk read"] = 3
    return made


class Summary(unittest.TestCase):
    def setUp(self):
        self.found = summary.of_peers(turns(), PEERS)

    def test_ratios_and_what_is_added_are_taken_round_by_round(self):
        measures = self.found["measures"]
        self.assertEqual(measures["connections_per_second"]["peers"]["terminusd"], {"median": 15_000, "least": 10_000, "most": 20_000})
        self.assertEqual(measures["connections_per_second"]["ratios"], {"haproxy": {"median": 2, "least": 2, "most": 2}})
        self.assertEqual(measures["added_p50_us"]["peers"]["terminusd"], {"median": 75, "least": 50, "most": 100})
        self.assertEqual(measures["added_p50_us"]["ratios"]["haproxy"]["median"], 2)
        self.assertEqual(measures["added_p50_us"]["peers"]["direct"]["median"], 37.5)
        self.assertIsNone(measures["requests_per_second"]["peers"]["terminusd"])

    def test_the_kernels_memory_of_a_connection_is_without_that_of_client_and_backend(self):
        measures = self.found["measures"]
        self.assertEqual(measures["idle_kernel_bytes"]["peers"]["terminusd"]["median"], 0)
        self.assertEqual(measures["idle_connection_bytes"]["peers"]["terminusd"]["median"], 1000)
        self.assertEqual(measures["idle_connection_bytes"]["peers"]["haproxy"]["median"], 9000)
        self.assertIsNone(measures["idle_connection_bytes"]["peers"]["direct"])

    def test_the_limit_is_told_from_the_worker_and_from_testpmd(self):
        seen = self.found["limits"]["connections"]
        self.assertAlmostEqual(seen["vdev"], 0.6)
        self.assertEqual(seen["limit"], "the vdev")
        without = summary.of_peers([turn for turn in turns() if turn.peer != "testpmd io"], PEERS)
        self.assertEqual((without["limits"]["connections"]["vdev"], without["limits"]["connections"]["limit"]), (None, "Terminus"))

    def test_a_run_without_a_single_figure_has_a_table_all_the_same(self):
        empty = [Turn(1, name, died=[name]) for name in (*PEERS, "direct")]
        found = summary.of_peers(empty, PEERS)
        self.assertEqual(found["limits"], {})
        self.assertIn("connections/s", report.peers(found, PEERS))
        self.assertIn("DIED in round 1: haproxy", report.troubles(empty))

    def test_the_distance_is_testpmds_cost_of_a_frame_to_ours(self):
        made = [Turn(1, "testpmd macswap", {"busy_ns_per_frame": 4_000.0}), Turn(1, "terminusd", {"busy_ns_per_frame": 5_000.0})]
        found = summary.of_limits(made)
        self.assertEqual(found["distance"]["median"], 0.8)
        self.assertIn("Terminus answers 0.80", report.limits(found))
        self.assertNotIn("had to wait", report.limits(found))
        made[0].figures |= {"frames_per_second": 99.0, "offered_per_second": 100.0}
        self.assertIn("had to wait", report.limits(summary.of_limits(made)))
        self.assertIsNone(summary.of_limits([])["distance"])


class Report(unittest.TestCase):
    def test_the_table_has_medians_with_least_and_most(self):
        text = report.peers(summary.of_peers(turns(), PEERS), PEERS)
        self.assertIn("15,000 (10,000 … 20,000)", text)
        self.assertIn("about 60%", text)

    def test_errors_of_clients_are_counted_and_told(self):
        self.assertEqual(report.troubles(turns()), "errors, haproxy: wrk read 3")
        self.assertEqual(report.troubles([]), "no client saw an error")

    def test_the_picture_is_well_formed_and_has_a_bar_for_each_figure(self):
        text = chart.svg(summary.of_peers(turns(), PEERS), PEERS, "a < b")
        root = xml.etree.ElementTree.fromstring(text)
        drawn = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("fill") != "white"]
        measured = ("connections/s", "Gbit/s", "p50", "an idle connection", "in the kernel", "beside")
        self.assertEqual(len(drawn), 2 * len(measured))

    def test_testpmds_cycles_become_nanoseconds(self):
        line = "  CPU cycles/packet=4900.00 (total cycles=1 / total io packets=1) at 2450 MHz Clock"
        self.assertEqual(reflectors.cycles_to_ns(line), 2000.0)
        self.assertIsNone(reflectors.cycles_to_ns("Bye..."))


if __name__ == "__main__":
    unittest.main()
