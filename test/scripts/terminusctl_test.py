#!/usr/bin/python3
"""terminusctl against a stand-in daemon: what it asks, what it prints, and what it says when things go wrong.

    terminusctl_test.py PATH/TO/terminusctl
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "terminusctl"
DONE = b'{"done":true}\n'


class Daemon:
    """Answers each request of one connection with the next of `answers` (bytes) and remembers the requests."""

    def __init__(self, path, answers):
        self.requests = []
        self.answers = answers
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as lines:
            for answer in self.answers:
                self.requests.append(json.loads(lines.readline()))
                connection.sendall(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.thread.join(20)
        self.listener.close()


class TerminusctlTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = os.path.join(self.directory.name, "admin.sock")

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, "-s", self.path, *arguments], capture_output=True, text=True, timeout=30)

    def ask(self, lines, *arguments):
        """The program's output, and the request it sent, for an answer of these objects."""
        answer = b"".join(json.dumps(line).encode() + b"\n" for line in lines) + DONE
        with Daemon(self.path, [answer]) as daemon:
            result = self.run_program(*arguments)
        os.unlink(self.path)
        return result, daemon.requests[0]

    def test_ss_has_the_look_of_ss(self):
        rows = [
            {"state": "LISTEN", "recv_q": 0, "send_q": 0, "local": "192.0.2.80:80", "peer": "0.0.0.0:0",
             "service": "www", "leg": "client", "worker": 0},
            {"state": "ESTAB", "recv_q": 0, "send_q": 1448, "local": "192.0.2.80:80", "peer": "198.51.100.7:41000",
             "service": "www", "leg": "client", "worker": 1,
             "timer": {"name": "on", "kind": "retransmission", "left_ms": 200, "retransmits": 0}},
            {"state": "FIN-WAIT-2", "recv_q": 0, "send_q": 0, "local": "[2001:db8:0:1:2:3:4:5]:65535",
             "peer": "[2001:db8::10]:8080", "service": "www", "leg": "backend", "worker": 1},
        ]
        result, request = self.ask(rows, "ss", "-a", "-o")
        self.assertEqual(request, {"command": "ss", "options": {"state": "all"}})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.splitlines(), [
            "State     Recv-Q Send-Q Local Address:Port          Peer Address:Port           Service     Leg",
            "LISTEN    0      0      192.0.2.80:80               0.0.0.0:*                   www         -",
            "ESTAB     0      1448   192.0.2.80:80               198.51.100.7:41000          www         client  "
            "timer:(on,200ms,0)",
            "FIN-WAIT-2 0      0      [2001:db8:0:1:2:3:4:5]:65535 [2001:db8::10]:8080         www         backend",
        ])

    def test_timers_are_shown_only_when_asked_for(self):
        row = {"state": "ESTAB", "timer": {"name": "keepalive", "left_ms": 7140000, "retransmits": 0}}
        result, _ = self.ask([row], "ss")
        self.assertNotIn("timer", result.stdout)

    def test_details_have_ss_s_words_and_units(self):
        row = {"state": "ESTAB", "congestion_control": "cubic", "rtt_us": 1500, "rttvar_us": 750, "rto_ms": 204, "backoff": 0,
               "cwnd_bytes": 14480, "ssthresh_bytes": 10136, "delivered_bytes": 1449, "mss": 1448,
               "rcv_rtt_us": 20000, "rcv_space_bytes": 14480}
        result, _ = self.ask([row], "ss", "-i")
        self.assertEqual(result.stdout.splitlines()[2], "\t cubic rto:204 rtt:1.5/0.75 mss:1448 cwnd:10 ssthresh:7 delivered:2"
                         " rcv_rtt:20 rcv_space:14480")
        del row["ssthresh_bytes"]
        row.update(backoff=3, rtt_us=0, rcv_rtt_us=0, last_sent_ms=20, last_received_ms=0, busy_ms=40, rwnd_limited_ms=0, sndbuf_limited_ms=0)
        result, _ = self.ask([row], "ss", "-i")
        self.assertEqual(result.stdout.splitlines()[2],
                         "\t cubic rto:204 backoff:3 mss:1448 cwnd:10 lastsnd:20 delivered:2 busy:40ms rcv_space:14480")
        row.update(last_received_ms=7, rwnd_limited_ms=30, sndbuf_limited_ms=1)
        result, _ = self.ask([row], "ss", "-i")
        self.assertEqual(result.stdout.splitlines()[2],
                         "\t cubic rto:204 backoff:3 mss:1448 cwnd:10 lastsnd:20 lastrcv:7 delivered:2 busy:40ms "
                         "rwnd_limited:30ms(75%) sndbuf_limited:1ms(2%) rcv_space:14480")
        self.assertEqual(len(self.ask([{"state": "TIME-WAIT"}], "ss", "-i")[0].stdout.splitlines()), 2)
        self.assertEqual(len(self.ask([row], "ss")[0].stdout.splitlines()), 2)

    def test_spans_are_written_as_ss_writes_them(self):
        for left, text in [(0, "0ms"), (5, "5ms"), (200, "200ms"), (999, "999ms"), (1000, "1sec"), (1500, "1.500ms"),
                           (29500, "29sec"), (60000, "1min"), (90000, "1min30sec"), (7140000, "119min")]:
            row = {"state": "ESTAB", "timer": {"name": "on", "left_ms": left, "retransmits": 3}}
            result, _ = self.ask([row], "ss", "-o")
            self.assertIn(f"timer:(on,{text},3)", result.stdout)

    def test_ss_passes_its_filters_on(self):
        for arguments, options in [
            ([], {"state": "default"}),
            (["-l"], {"state": "listening"}),
            (["-tan"], {"state": "all"}),
            (["--state", "time-wait", "--leg", "client", "--service", "www"],
             {"state": "time-wait", "leg": "client", "service": "www"}),
        ]:
            _, request = self.ask([], "ss", *arguments)
            self.assertEqual(request["options"], options)

    def test_json_is_passed_through_by_lines(self):
        rows = [{"state": "ESTAB", "peer": "192.0.2.1:1"}, {"state": "LISTEN"}]
        result, _ = self.ask(rows, "ss", "--json")
        self.assertEqual([json.loads(line) for line in result.stdout.splitlines()], rows)
        result, _ = self.ask(rows, "--json", "stats")
        self.assertEqual([json.loads(line) for line in result.stdout.splitlines()], rows)

    def test_stats_leave_zeros_out_unless_asked(self):
        lines = [
            {"name": "terminus_a_total", "type": "counter", "labels": {"leg": "client", "reason": "x"}, "value": 5.0},
            {"name": "terminus_b", "type": "gauge", "labels": {}, "value": 0.25},
            {"name": "terminus_c", "type": "gauge", "labels": {}, "value": 0.0},
        ]
        result, _ = self.ask(lines, "stats")
        self.assertEqual([line.split() for line in result.stdout.splitlines()],
                         [["terminus_a_total{leg=client,reason=x}", "5"], ["terminus_b", "0.25"]])
        result, _ = self.ask(lines, "stats", "--zeros")
        self.assertIn("terminus_c", result.stdout)

    def test_sysctl_shows_and_sets(self):
        line = {"name": "fin_timeout", "value": "60s", "default": "60s", "range": "1s … 1h", "help": "how long"}
        result, request = self.ask([line], "sysctl", "-a")
        self.assertEqual((result.stdout, request["options"]), ("fin_timeout = 60s\n", {}))
        result, request = self.ask([line], "sysctl", "tcp_fin_timeout")
        self.assertEqual(request["options"], {"name": "tcp_fin_timeout"})
        result, request = self.ask([line], "sysctl", "-d", "fin_timeout=30s")
        self.assertEqual(request["options"], {"name": "fin_timeout", "value": "30s"})
        self.assertIn("default 60s, range 1s … 1h", result.stdout)

    def test_several_tunables_go_over_one_connection(self):
        answers = [json.dumps({"name": n, "value": "1"}).encode() + b"\n" + DONE for n in ("a", "b")]
        with Daemon(self.path, answers) as daemon:
            result = self.run_program("sysctl", "a=1", "b=1")
        self.assertEqual(result.stdout, "a = 1\nb = 1\n")
        self.assertEqual(len(daemon.requests), 2)

    BEGUN = {"state": "begun", "file": "/tmp/a.rec", "connections": 12, "time_waits": 3, "snapshot_bytes": 45678, "pause_ms": 1.26}
    RUNNING = {"state": "running", "file": "/tmp/a.rec", "bytes": 99999, "seconds": 1.04}
    ENDED = {"state": "ended", "file": "/tmp/a.rec", "bytes": 123456, "seconds": 2.51, "why": "it was told to end"}

    def test_capture_tells_of_a_recording_from_its_beginning_to_its_end(self):
        result, request = self.ask([self.BEGUN, self.RUNNING, self.ENDED], "capture", "--replayable", "/tmp/x/../a.rec", "--for", "30s", "--limit", "10KB", "--connections-max", "99")
        self.assertEqual(request["command"], "capture")
        self.assertEqual(request["options"], {"file": "/tmp/a.rec", "for": "30s", "limit": "10240", "connections_max": "99"})
        self.assertEqual(
            result.stdout.splitlines(),
            [
                "recording into /tmp/a.rec, which holds keys and payload: 12 connections and 3 TIME_WAITs at its "
                "beginning, 45678 bytes, for which a worker stood still for 1.3 ms; Ctrl-C ends it",
                "/tmp/a.rec has ended: it was told to end; 123456 bytes in 2.5 s",
            ],
        )

    def test_capture_names_the_file_by_its_whole_path(self):
        _, request = self.ask([self.BEGUN], "capture", "--replayable", "a.rec", "--detach")
        self.assertEqual(request["options"], {"file": os.path.join(os.getcwd(), "a.rec"), "detach": "yes"})

    def test_capture_tells_how_it_is_and_ends_it(self):
        result, request = self.ask([self.RUNNING], "capture")
        self.assertEqual((result.stdout, request["options"]), ("recording into /tmp/a.rec: 99999 bytes in 1.0 s\n", {}))
        result, _ = self.ask([{"state": "none"}], "capture")
        self.assertEqual(result.stdout, "nothing has been recorded\n")
        result, request = self.ask([self.ENDED], "capture", "--stop")
        self.assertEqual(request["options"], {"stop": "yes"})
        self.assertIn("told to end", result.stdout)
        self.assertEqual(self.run_program("capture", "--stop", "--replayable", "a.rec").returncode, 2)
        self.assertEqual(self.run_program("capture", "--limit", "5").returncode, 2)

    def test_a_signal_ends_the_capture_and_its_end_is_told(self):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(self.path)
        listener.listen(2)
        listener.settimeout(20)
        line = [json.dumps(one).encode() + b"\n" for one in (self.BEGUN, self.ENDED)]
        program = subprocess.Popen([PROGRAM, "-s", self.path, "capture", "--replayable", "/tmp/a.rec"], stdout=subprocess.PIPE, text=True)
        first, _ = listener.accept()
        with first:
            first.recv(65536)
            first.sendall(line[0])
            self.assertIn("Ctrl-C ends it", program.stdout.readline())
            program.send_signal(signal.SIGINT)
            second, _ = listener.accept()
            with second:
                self.assertEqual(json.loads(second.recv(65536))["options"], {"stop": "yes"})
                second.sendall(line[1] + DONE)
            first.sendall(line[1] + DONE)
            self.assertIn("told to end", program.communicate(timeout=20)[0])
        self.assertEqual(program.returncode, 0)

    def test_version_names_both_sides(self):
        result, _ = self.ask([{"version": "9.8.7"}], "version")
        self.assertRegex(result.stdout, r"^terminusctl \d+\.\d+\.\d+\nterminusd 9\.8\.7\n$")

    def test_an_error_in_the_answer_is_told_and_the_status_is_1(self):
        result, _ = self.ask([{"error": "there is no tunable `x`"}], "sysctl", "x")
        self.assertEqual((result.returncode, result.stderr), (1, "terminusctl: there is no tunable `x`\n"))

    def test_without_a_daemon_it_says_so(self):
        result = self.run_program("ss")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, f"terminusctl: cannot connect to {self.path}: No such file or directory; "
                                        "is terminusd running?\n")
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(self.path)
        dead.close()
        self.assertIn("Connection refused; is terminusd running?", self.run_program("stats").stderr)

    def test_a_cut_or_senseless_answer_is_an_error(self):
        for answer, words in [(b'{"state":"ESTAB"}\n', "closed the connection before its answer was over"),
                              (b"hello\n", "answered something that is not its language")]:
            with Daemon(self.path, [answer]):
                result = self.run_program("ss")
            os.unlink(self.path)
            self.assertEqual(result.returncode, 1)
            self.assertIn(words, result.stderr)

    def test_a_wrong_command_line_is_status_2(self):
        self.assertEqual(self.run_program("nonsense").returncode, 2)
        self.assertEqual(self.run_program().returncode, 2)
        self.assertEqual(self.run_program("--help").returncode, 0)

    def test_it_links_no_dpdk(self):
        libraries = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
        self.assertIn("libc.so", libraries)
        self.assertNotIn("librte_", libraries)


if __name__ == "__main__":
    unittest.main()
