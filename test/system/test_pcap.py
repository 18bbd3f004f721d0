"""One capture for three programs: terminus-replay, and terminusd and DPDK's testpmd on DPDK's own net_pcap.

net_pcap gives a file's packets at once, whatever their times, and tells the real time to what it writes. So what terminusd
answers is compared by its kind, and terminus-replay has another seed than the captures were made with: to neither do the
clients acknowledge what it sent.
"""

import json
import os
import re
import shutil
import signal
import struct

import pytest

from harness.dut import METRICS, ROOT, Dut, program
from harness.network import Namespace
from harness.process import run
from harness.waiting import wait_until

CORPUS = ROOT / "test/pcap"
RST, SYN_ACK, SOLICITATION, ADVERTISEMENT = 0x04, 0x12, 135, 136
# What terminusd answers to these doesn't hang on when they come.
ANSWERED = ["arp_and_ping", "neighbour_and_ping6", "refused_port", "no_connection", "client_resets", "served6", "syn_flood", "malformed"]
FORWARDED = ["client_resets", "served6", "syn_flood", "malformed"]


class Alone:
    """A namespace without any link: the port is a file."""

    def __init__(self):
        self.dut = Namespace("pcap")

    def start(self, namespace, *command, log, env=None):
        return namespace.start(*command, log=log, env=env)


@pytest.fixture
def alone():
    made = Alone()
    yield made
    made.dut.delete()


def capture(name):
    return CORPUS / "in" / f"{name}.pcap"


def replay(name, folder):
    """The report, and what was sent."""
    sent = folder / "replayed.pcap"
    device = f"net_pcap0,rx_pcap={capture(name)},tx_pcap={sent}"
    done = run(program("terminus-replay"), f"--vdev={device}", "--", "-c", CORPUS / "config.yaml", "--seed=2")
    return done.stdout, frames_of(sent)


def frames_of(path):
    """The frames of a pcap file with times in either precision."""
    data, at, frames = path.read_bytes(), 24, []
    while at < len(data):
        kept = struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 16 : at + 16 + kept])
        at += 16 + kept
    assert at == len(data), f"{path} ends within a packet"
    return frames


# --- terminusd


def tcp_kind(packet, addresses, first_seq):
    """Flags, lengths, options and numbers; ours relative to the first that we sent on the connection."""
    ports = packet[:4]
    seq, ack = struct.unpack_from("!II", packet, 4)
    header = (packet[12] >> 4) * 4
    is_clients = packet[13] == RST  # a RST without ACK has the number that it was asked with
    ours = 0 if is_clients else first_seq.setdefault((addresses, ports), seq)
    options, at, kinds = packet[20:header], 0, []
    while at < len(options):
        kind = options[at]
        length = 1 if kind < 2 else options[at + 1]
        kinds.append(options[at : at + (2 if kind == 8 else length)])  # timestamps are our clock's
        at += length
    return ("tcp", addresses, ports, packet[13], (seq - ours) % 2**32, ack, packet[14:16], tuple(kinds), len(packet) - header)


def kinds_of(frames):
    """What is sent in answer to the capture: no announcements of our own addresses, and once what timers repeat, which is
    SYN-ACKs and questions for addresses."""
    first_seq, made = {}, []
    for frame in frames:
        ether_type = frame[12:14]
        may_be_repeated = False
        if ether_type == b"\x08\x06":
            kind = ("arp", frame[20:22], frame[28:32], frame[38:42])
            is_announcement, may_be_repeated = kind[2] == kind[3], True
        elif ether_type == b"\x08\x00":
            packet = frame[14 : 14 + struct.unpack_from("!H", frame, 16)[0]]
            kind = tcp_kind(packet[20:], packet[12:20], first_seq) if packet[9] == 6 else ("icmp", packet[12:])
            is_announcement = False
        else:
            packet = frame[14 : 54 + struct.unpack_from("!H", frame, 18)[0]]
            kind = tcp_kind(packet[40:], packet[8:40], first_seq) if packet[6] == 6 else ("icmp6", packet[40], packet[48:64])
            is_announcement = kind[1] == ADVERTISEMENT and packet[24] == 0xFF
            may_be_repeated = kind[1] == SOLICITATION
        may_be_repeated |= kind[0] == "tcp" and kind[3] == SYN_ACK
        if not is_announcement and not (may_be_repeated and kind in made):
            made.append(kind)
    return made


class PcapDut(Dut):
    """terminusd with test/pcap's configuration, on files."""

    def __init__(self, network, received, sent):
        super().__init__(network, config={})
        text = (CORPUS / "config.yaml").read_text().replace("net_pcap0", f'"net_pcap0,rx_pcap={received},tx_pcap={sent}"', 1)
        more = {
            "workers": {"count": 1, "allow_shared_cpus": True},
            "drain": {"delay": "0s", "grace": "0s"},
            "metrics": {"listen": "%s:%s" % METRICS},
            "admin": {"socket": str(self.socket)},
        }
        self._text = text + "".join(f"{key}: {json.dumps(value)}\n" for key, value in more.items())

    def write_config(self, text=None):
        return super().write_config(text or self._text)


@pytest.mark.parametrize("name", ANSWERED)
def test_terminusd_on_net_pcap_answers_a_capture_as_its_replay_does(name, alone, tmp_path):
    _, replayed = replay(name, tmp_path)
    wanted = kinds_of(replayed)
    received, sent = len(frames_of(capture(name))), tmp_path / "sent.pcap"
    with PcapDut(alone, capture(name), sent) as dut:
        wait_until(lambda: dut.metrics().sum("terminus_received_frames_total") == received, "the capture is received")
        announcements = 4
        wait_until(lambda: dut.metrics().sum("terminus_sent_frames_total") >= announcements + len(wanted), "it is answered")
        count = int(dut.metrics().sum("terminus_sent_frames_total"))  # those at its end are no answers
    assert wanted or name == "malformed"
    assert sorted(map(repr, kinds_of(frames_of(sent)[:count]))) == sorted(map(repr, wanted))


# --- testpmd

FORWARD_STATISTICS = re.compile(
    r"^  -{22} Forward statistics for port (\d+) +-{22}\n"
    r"  RX-packets: (\d+) +RX-dropped: (\d+) +RX-total: (\d+)\n"
    r"  TX-packets: (\d+) +TX-dropped: (\d+) +TX-total: (\d+)\n"
    r"  -{76}\n"
    r"\n"
    r"  \+{15} Accumulated forward statistics for all ports\+{15}\n"
    r"  RX-packets: (\d+) +RX-dropped: (\d+) +RX-total: (\d+)\n"
    r"  TX-packets: (\d+) +TX-dropped: (\d+) +TX-total: (\d+)\n"
    r"  \+{76}\n",
    re.M,
)


def statistics(text):
    """The block's numbers, and its lines with each number's digits as blanks: where the columns are."""
    block = FORWARD_STATISTICS.search(text)
    assert block, text
    return [int(number) for number in block.groups()], [line.rstrip() for line in re.sub(r"\d", " ", block.group()).split("\n")]


def forward(alone, name, sent, folder):
    """What testpmd prints when it has sent every packet of the capture back to where it came from."""
    cpu = min(os.sched_getaffinity(0))
    eal = ["--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "256", "--lcores", f"0@{cpu},1@{cpu}"]
    own = ["--no-mlockall", "--total-num-mbufs=4096", "--no-flush-rx", "--port-topology=loop", "--stats-period=1"]
    device = f"net_pcap0,rx_pcap={capture(name)},tx_pcap={sent}"
    testpmd = alone.dut.start("dpdk-testpmd", *eal, f"--vdev={device}", "--", *own, log=folder / "testpmd.log")
    try:
        count = len(frames_of(capture(name)))
        has_sent = re.compile(rf"TX-packets: {count} +TX-errors")
        wait_until(lambda: has_sent.search(testpmd.text()) or not testpmd.alive(), "testpmd has sent all")
        testpmd.signal(signal.SIGINT)
        assert testpmd.wait(30) == 0, testpmd.tail()
    finally:
        testpmd.stop()
    return testpmd.text()


@pytest.mark.skipif(shutil.which("dpdk-testpmd") is None, reason="this machine has no dpdk-testpmd")
@pytest.mark.parametrize("name", FORWARDED)
def test_testpmd_receives_as_much_of_a_capture_and_tells_it_alike(name, alone, tmp_path):
    sent = tmp_path / "forwarded.pcap"
    numbers, columns = statistics(forward(alone, name, sent, tmp_path))
    report, replayed = replay(name, tmp_path)
    own_numbers, own_columns = statistics(report)
    given = frames_of(capture(name))
    assert frames_of(sent) == given
    assert own_columns == columns
    assert numbers[:4] == own_numbers[:4] == [0, len(given), 0, len(given)]
    assert numbers[4:7] == [len(given), 0, len(given)]
    assert own_numbers[4:7] == [len(replayed), 0, len(replayed)]
