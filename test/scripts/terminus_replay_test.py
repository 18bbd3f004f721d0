#!/usr/bin/python3
"""terminus-replay from outside: what it prints, its exit codes, its files; above all, that it fails when it must.

    terminus_replay_test.py PATH/TO/terminus-replay
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "terminus-replay"
CORPUS = pathlib.Path(__file__).resolve().parents[1] / "pcap"
ANY = CORPUS / "in/any_bridge_host.pcap"
CLIENT_RESETS, GOLDEN = CORPUS / "in/client_resets.pcap", CORPUS / "golden/client_resets.pcap"
FOREIGN = CORPUS / "in/foreign_failures.pcap"
RECORD_HEADER, WINDOW = 16, 14 + 20 + 14


class Replay(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.sent = self.path / "sent.pcap"

    def replay(self, *options, capture=CLIENT_RESETS, sent=None, config=CORPUS / "config.yaml", eal=()):
        device = f"net_pcap0,rx_pcap={capture},tx_pcap={sent or self.sent}"
        return self.run_program(*eal, f"--vdev={device}", "--", "-c", config, *options)

    def run_program(self, *words):
        return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60)

    def refused(self, run, *parts):
        self.assertEqual(run.returncode, 2, run.stderr)
        for part in parts:
            self.assertIn(part, run.stderr)

    # ---- the report

    def test_it_ends_with_testpmds_statistics_and_a_summary(self):
        run = self.replay()
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("  ---------------------- Forward statistics for port 0  ----------------------\n", run.stdout)
        self.assertIn("\n  RX-packets: 8              RX-dropped: 0             RX-total: 8\n", run.stdout)
        self.assertIn("+++++++++++++++ Accumulated forward statistics for all ports+++++++++++++++", run.stdout)
        self.assertIn("    client rst_received                           1  the peer sent RST\n", run.stdout)
        self.assertNotIn("Drops", run.stdout)  # lines of 0 are left out, and their titles
        self.assertEqual(run.stderr, "")

    def test_the_report_as_json(self):
        report = json.loads(self.replay("--report=json").stdout)
        self.assertEqual(report["ports"][0]["rx_packets"], 8)
        self.assertEqual(report["ports"][0]["device"], "net_pcap0")
        self.assertIn({"name": "closes", "labels": {"leg": "client", "reason": "rst_received"}, "value": 1.0}, report["numbers"])
        self.assertFalse(report["cut_short"])

    # ---- what hosts' captures are like

    def test_wrong_checksums_are_dropped_or_repaired(self):
        for option, wanted in ([], 0), (["--checksums=verify"], 0), (["--checksums=repair"], 10):
            report = json.loads(self.replay("--report=json", *option, capture=ANY).stdout)
            dropped = [one["value"] for one in report["numbers"] if one["name"] == "drops" and one["labels"]["reason"] == "tcp_checksum"]
            self.assertEqual(report["ports"][0]["repaired_checksums"], wanted)
            self.assertEqual(report["ports"][0]["unfinished_checksums"], wanted)
            self.assertEqual(dropped, [] if wanted else [6])
        self.assertIn("front: 10 packets had a wrong checksum, which was repaired; 10 of them had one left to the sender's device",
                      self.replay("--checksums=repair", capture=ANY).stdout)
        self.refused(self.replay("--checksums=ignore"), "--checksums")

    def test_what_repair_leaves_alone_is_said(self):
        for name, count in ("fragments", 3), ("snapped", 1):
            run = self.replay("--checksums=repair", f"--assert=capture_unrepaired_packets == {count}", capture=CORPUS / f"in/{name}.pcap")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn(f"front: {count} packets are fragments or were cut, and keep the checksums that they have", run.stdout)

    def test_packets_that_several_interfaces_saw_are_received_once(self):
        run = self.replay(capture=ANY)
        self.assertIn("front: 12 packets were seen at another interface before, and were left out", run.stdout)
        self.assertIn("RX-packets: 12 ", run.stdout)
        self.assertEqual(json.loads(self.replay("--report=json", capture=ANY).stdout)["ports"][0]["duplicates"], 12)

    # ---- drawings

    def test_each_connection_is_drawn(self):
        folder = self.path / "drawings"
        run = self.replay(f"--plot={folder}")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        names = sorted(path.name for path in folder.iterdir())
        self.assertEqual(names, [f"net_pcap0-{n}-{what}.svg" for n in (1, 2) for what in ("client", "ladder", "server")])
        for path in folder.iterdir():
            xml.etree.ElementTree.parse(path)
        ladder = (folder / "net_pcap0-1-ladder.svg").read_text()
        self.assertIn(">SYN 0:0(0) win", ladder)
        self.assertIn(">RST ", ladder)

    def test_drawings_need_what_was_sent_and_a_folder(self):
        run = self.run_program(f"--vdev=net_pcap0,rx_pcap={CLIENT_RESETS}", "--", "-c", CORPUS / "config.yaml", f"--plot={self.path}")
        self.refused(run, "--plot", "net_pcap0", "tx_pcap")
        (self.path / "file").touch()
        self.refused(self.replay(f"--plot={self.path / 'file/folder'}"), "file/folder")

    def test_eal_options_are_passed_on_and_two_words_make_a_device(self):
        run = self.run_program("--no-huge", "-m", "256", "--vdev", f"net_pcap0,rx_pcap={CLIENT_RESETS}", "--", "-c", CORPUS / "config.yaml")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.refused(self.replay(eal=["--no-such-option"]), "--no-such-option")

    def test_the_limit_cuts_short_what_does_not_end(self):
        run = self.replay("--limit=1", "--assert=half_open_connections == 1", capture=CORPUS / "in/half_open_expires.pcap")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("Connections were left when --limit was over.", run.stdout)

    # ---- the comparison

    def last_segment(self, data):
        """Where the last TCP segment's frame begins; it is one over IPv4."""
        found, at = None, 24
        while at < len(data):
            frame, length = at + RECORD_HEADER, int.from_bytes(data[at + 8 : at + 12], "little")
            if data[frame + 12 : frame + 14] == b"\x08\0" and data[frame + 23] == 6:
                found = frame
            at = frame + length
        return found

    def test_one_byte_that_differs_fails_with_the_packet_the_field_and_the_history(self):
        changed = bytearray(GOLDEN.read_bytes())
        changed[self.last_segment(changed) + WINDOW] ^= 1
        golden = self.path / "golden.pcap"
        golden.write_bytes(changed)
        run = self.replay(f"--expect={golden}")
        self.assertEqual(run.returncode, 1)
        self.assertIn(f"expect net_pcap0: {self.sent} is not as {golden}\n", run.stderr)
        self.assertIn("  tcp.window: expected ", run.stderr)
        self.assertIn("  the connection so far (< received, > sent):\n", run.stderr)

    def test_packets_that_are_missing_or_too_many_fail(self):
        data = GOLDEN.read_bytes()
        first = int.from_bytes(data[24 + 8 : 24 + 12], "little")
        golden = self.path / "golden.pcap"
        golden.write_bytes(data[:24] + data[24 + RECORD_HEADER + first :])
        run = self.replay(f"--expect={golden}")
        self.assertEqual(run.returncode, 1)
        self.assertIn("is one too many", run.stderr)
        golden.write_bytes(data + data[24 : 24 + RECORD_HEADER + first])
        run = self.replay(f"--expect={golden}")
        self.assertEqual(run.returncode, 1)
        self.assertIn("is missing", run.stderr)

    def test_update_writes_the_expectation(self):
        golden = self.path / "golden.pcap"
        self.refused(self.replay(f"--expect={golden}"), "golden.pcap: No such file")
        self.assertEqual(self.replay(f"--expect={golden}", "--update").returncode, 0)
        self.assertEqual(golden.read_bytes(), GOLDEN.read_bytes())
        self.assertEqual(self.replay(f"--expect=net_pcap0={golden}").returncode, 0)

    def test_an_expectation_needs_its_device_and_an_output(self):
        self.refused(self.replay("--expect=net_pcap7=x.pcap"), "there is no such device")
        run = self.run_program(f"--vdev=net_pcap0,rx_pcap={CLIENT_RESETS}", "--", "-c", CORPUS / "config.yaml", f"--expect={GOLDEN}")
        self.refused(run, "needs tx_pcap=FILE")
        self.refused(self.replay("--update"), "--update")

    # ---- recordings of terminusd

    def test_a_file_that_is_no_recording_or_breaks_off_in_its_head_is_refused_with_the_place(self):
        self.refused(self.run_program("--recording", GOLDEN), f"{GOLDEN}: byte 0: this is no recording")
        whole = (CORPUS.parent / "fuzz/corpus/recording/whole").read_bytes()
        broken = self.path / "broken.rec"
        broken.write_bytes(whole[:20])
        self.refused(self.run_program("--recording", broken), f"{broken}: byte 20: the file breaks off")
        self.refused(self.run_program("--recording", self.path / "none.rec"), "none.rec: No such file or directory")

    def test_a_recording_comes_with_its_own_configuration(self):
        self.refused(self.run_program("--recording", GOLDEN, "-c", CORPUS / "config.yaml"), "--recording")
        self.refused(self.run_program("--export", self.path), "--recording")
        self.refused(self.run_program("--seed", "1"), "--config or --recording")

    # ---- conditions

    def test_conditions_hold_or_fail(self):
        self.assertEqual(self.replay('--assert=closes{reason="rst_received"} == 1', "--assert=terminus_drops_total < 1").returncode, 0)
        for wrong in ('closes{reason="rst_received"} != 1', "closes > 2", "closes >= 3", "closes < 2", "closes <= 1", "drops == 1"):
            run = self.replay(f"--assert={wrong}")
            self.assertEqual(run.returncode, 1, wrong)
            self.assertIn(f"assert {wrong}: it is ", run.stderr)

    def test_what_is_not_counted_is_an_error_with_names_that_are_near(self):
        self.refused(self.replay("--assert=close == 0"), "there is no number close; near are closes")
        self.refused(self.replay('--assert=closes{reason="rst_recieved"} == 0'), "there is no reason rst_recieved; near are rst_received")
        self.refused(self.replay('--assert=closes{cause="x"} == 0'), "there is no label cause; near are leg")
        for text in ("closes", "closes == x", "closes{reason=rst} == 1", 'closes{reason="rst" == 1', "closes = 1"):
            self.refused(self.replay(f"--assert={text}"), f"--assert '{text}': ")

    def test_the_results_as_junit(self):
        file = self.path / "r.xml"
        run = self.replay(f"--junit={file}", f"--expect={GOLDEN}", "--assert=closes == 9")
        self.assertEqual(run.returncode, 1)
        suite = xml.etree.ElementTree.parse(file).getroot()
        self.assertEqual((suite.get("name"), suite.get("tests"), suite.get("failures")), ("terminus-replay", "3", "1"))
        self.assertEqual([case.get("name") for case in suite], ["replay", "expect net_pcap0", "assert closes == 9"])
        self.assertEqual(suite[2].find("failure").get("message"), "it is 2")

    # ---- captures of other servers

    def test_the_report_tells_what_was_played_and_what_was_not(self):
        run = self.replay("--mode=causal", "--checksums=repair", capture=FOREIGN)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("\n  Played from the capture of front:\n"
                      "    192.0.2.8:80 is played to www (192.0.2.80:80), the one service on its port\n", run.stdout)
        self.assertRegex(run.stdout, r"\n    conversations played +3\n      with every byte accounted for +3\n")
        self.assertRegex(run.stdout, r"\n  Not mapped:\n    not IP +6  packets 1-2, 5-6, 13-14\n    not TCP +2  packets ")
        report = json.loads(self.replay("--mode=causal", "--checksums=repair", "--report=json", capture=FOREIGN).stdout)["foreign"][0]
        self.assertEqual([one["server"] for one in report["conversations"]], ["192.0.2.8:80", "192.0.2.9:80", "192.0.2.7:80"])
        self.assertTrue(all(one["accounted_for"] for one in report["conversations"]))
        self.assertEqual(report["conversations"][2]["response_bytes_reached"], 532)

    def test_what_no_service_takes_is_listed(self):
        config = self.path / "other.yaml"
        config.write_text((CORPUS / "config.yaml").read_text().replace("192.0.2.80:80]", "192.0.2.80:90]"))
        run = self.replay("--mode=causal", "--report=json", '--assert=foreign_conversations{state="not_played"} == 3', capture=FOREIGN, config=config)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual({one["why"] for one in json.loads(run.stdout)["foreign"][0]["unplayed"]}, {"no service takes its server's place"})
        config.write_text((CORPUS / "config.yaml").read_text().replace("192.0.2.2/24", "192.0.2.1/24"))
        run = self.replay("--mode=causal", capture=FOREIGN, config=config)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("    192.0.2.1:59080 > 192.0.2.8:80 from packet 3: its client has an address of the configuration's\n", run.stdout)

        config.write_text((CORPUS / "config.yaml").read_text().replace("192.0.2.2/24", "192.0.2.129/25")
                          + "routes: [{to: 192.0.2.10/32, port: front}, {to: 192.0.2.99/32, port: front}]\n")
        run = self.replay("--mode=causal", '--assert=foreign_conversations{state="not_played"} == 3', capture=FOREIGN, config=config)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(": no route leads to its client\n", run.stdout)

    def test_backends_may_be_behind_another_port(self):
        config, files = self.path / "two.yaml", [self.path / name for name in ("front", "back", "front.again", "back.again")]
        config.write_text((CORPUS / "config.yaml").read_text().replace(
            "pools:\n", "  - {name: back, device: net_pcap1, addresses: [198.51.100.2/24]}\npools:\n", 1).replace("192.0.2.10:", "198.51.100.10:"))

        def replay(front, back, *options):
            return self.run_program(f"--vdev=net_pcap0,{front}", f"--vdev=net_pcap1,{back}", "--", "-c", config, *options)

        played = [self.path / "front.played", self.path / "back.played"]
        run = replay(f"rx_pcap={FOREIGN},tx_pcap={files[0]}", f"tx_pcap={files[1]}", "--mode=causal", "--checksums=repair",
                     f"--played=net_pcap0={played[0]}", f"--played=net_pcap1={played[1]}",
                     '--assert=foreign_conversations{state="accounted_for"} == 3', '--assert=port_rx_packets{port="back"} > 5')
        self.assertEqual(run.returncode, 0, run.stderr)
        run = replay(f"rx_pcap={played[0]},tx_pcap={files[2]}", f"rx_pcap={played[1]},tx_pcap={files[3]}",
                     f"--expect=net_pcap0={files[0]}", f"--expect=net_pcap1={files[1]}")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.refused(replay(f"rx_pcap={FOREIGN}", "", "--mode=causal", f"--played={played[0]}"), "say which device's")

    def test_a_wrong_checksum_stays_wrong_unless_it_is_to_be_repaired(self):
        run = self.replay("--mode=causal", '--assert=drops{reason="tcp_checksum"} > 0', '--assert=foreign_packets{what="repaired"} == 0', capture=FOREIGN)
        self.assertEqual(run.returncode, 0, run.stderr)
        run = self.replay("--mode=causal", "--checksums=repair", "--assert=drops == 0", '--assert=foreign_packets{what="repaired"} > 0', capture=FOREIGN)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_a_client_that_uses_its_port_again_is_played_again(self):
        data = FOREIGN.read_bytes()
        records, at = [], 24
        while at < len(data):
            length = int.from_bytes(data[at + 8 : at + 12], "little")
            records.append(bytearray(data[at : at + RECORD_HEADER + length]))
            at += RECORD_HEADER + length
        again = [bytearray(record) for record in records if record[28:30] == b"\x08\0" and b"\xc0\0\2\7" in record[42:50]]
        self.assertEqual(len(again), 10)
        for record in again:
            seconds = int.from_bytes(record[:4], "little")
            record[:4] = (seconds + 10).to_bytes(4, "little")
            is_clients = record[50:52] != b"\0\x50"
            number = slice(54, 58) if is_clients else slice(58, 62)  # the client's own, acknowledged by the server
            record[number] = ((int.from_bytes(record[number], "big") + 10**9) % 2**32).to_bytes(4, "big")
        capture = self.path / "twice.pcap"
        capture.write_bytes(data[:24] + b"".join(records + again))
        run = self.replay("--mode=causal", "--checksums=repair", '--assert=foreign_conversations{state="accounted_for"} == 4',
                          '--assert=foreign_bytes{stream="response",state="reached"} == 1064', capture=capture)
        self.assertEqual(run.returncode, 0, run.stderr + run.stdout)

    def test_what_was_played_is_written_for_those_who_ask(self):
        played = self.path / "played.pcap"
        self.refused(self.replay(f"--played={played}"), "--played", "exact mode")
        self.refused(self.replay("--mode=causal", f"--played=net_pcap7={played}", capture=FOREIGN), "there is no such device")
        self.refused(self.replay("--mode=causal", f"--played={self.sent}", capture=FOREIGN), "would be overwritten")
        self.refused(self.replay("--mode=causal", "--played=/dev/full", capture=FOREIGN), "/dev/full: No space left on device")
        folder = self.path / "drawings"
        self.refused(self.replay("--mode=causal", f"--plot={folder}", capture=FOREIGN), "--plot", "--played")
        run = self.replay("--mode=causal", "--checksums=repair", f"--plot={folder}", f"--played={played}", capture=FOREIGN)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertTrue((folder / "net_pcap0-1-ladder.svg").exists())
        self.refused(self.replay("--mode=backwards"), "--mode")

    # ---- what can't be replayed

    def test_captures_that_are_not_whole_are_refused_with_the_place(self):
        data = CLIENT_RESETS.read_bytes()
        broken = self.path / "broken.pcap"
        broken.write_bytes(data[:-3])
        self.refused(self.replay(capture=broken), f"{broken}: packet 8 at byte ", "truncated")
        broken.write_bytes(data[:20] + b"\x7f\0\0\0" + data[24:])
        self.refused(self.replay(capture=broken), "the link type is IEEE802_11_RADIO")
        self.refused(self.replay(capture=self.path / "none.pcap"), "none.pcap: No such file or directory")

    def test_what_is_read_is_never_overwritten(self):
        own, other = self.path / "own.pcap", self.path / "other.pcap"
        own.write_bytes(CLIENT_RESETS.read_bytes())
        other.symlink_to(own)
        self.refused(self.replay(capture=own, sent=other), "other.pcap: it is to be read and would be overwritten")
        self.refused(self.replay(f"--expect={own}", sent=own), "own.pcap: it is to be read and would be overwritten")
        self.assertEqual(own.read_bytes(), CLIENT_RESETS.read_bytes())

    def test_a_full_disk_is_an_error(self):
        self.refused(self.replay(sent="/dev/full"), "/dev/full: No space left on device")

    def test_devices_ports_and_configuration_must_fit(self):
        self.refused(self.run_program("--vdev=net_pcap1,rx_pcap=x", "--", "-c", CORPUS / "config.yaml"), "device net_pcap1: no port")
        self.refused(self.run_program("--vdev=net_pcap0,infinite_rx=1", "--", "-c", CORPUS / "config.yaml"), "'infinite_rx' has no meaning")
        other = self.path / "tap.yaml"
        other.write_text((CORPUS / "config.yaml").read_text().replace("net_pcap0", "net_tap0"))
        self.refused(self.run_program("--", "-c", other), "port front: its device is net_tap0")
        other.write_text("ports: 7\n")
        self.refused(self.replay(config=other), "tap.yaml:1:")
        self.refused(self.replay("--no-such"), "--no-such")
        self.refused(self.run_program("--"), "--config")

    def test_two_ports_have_a_capture_each(self):
        config, back = self.path / "two.yaml", self.path / "back.pcap"
        config.write_text((CORPUS / "config.yaml").read_text().replace(
            "pools:\n", '  - {name: back, device: "net_pcap1,tx_pcap=%s", addresses: [198.51.100.2/24]}\npools:\n' % back, 1))
        run = self.replay("--expect=net_pcap1=" + str(self.path / "back.golden"), "--update", config=config)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("Forward statistics for port 1", run.stdout)
        self.assertEqual(back.read_bytes(), (self.path / "back.golden").read_bytes())
        self.refused(self.replay(f"--expect={GOLDEN}", config=config), "say which device's")


if __name__ == "__main__":
    unittest.main()
