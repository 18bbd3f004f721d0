"""Each file of config/examples, started as it is on a machine prepared by the very commands that it names.

The commands are the file's comments: a heading that ends in a colon, and under it the lines that are set in.
"""

import re
import struct

import pytest

from harness.dut import FINDINGS, ROOT, Dut, program
from harness.host import Host
from harness.network import has_xdp_sockets
from harness.waiting import wait_until

EXAMPLES = ROOT / "config/examples"
TESTED = {"tap", "af_packet", "af_xdp", "memif", "ring", "pcap", "pci"}
HEADING = re.compile(r"# (\w[^:;,]*)[,;]?[^:]*:$")
COMMAND = re.compile(r"#     (\S.*)$")


class Example:
    """A file and its commands by their heading."""

    def __init__(self, name):
        self.file = EXAMPLES / f"{name}.yaml"
        self.commands = {}
        commands = None
        for line in self.file.read_text().splitlines():
            if heading := HEADING.match(line):
                commands = self.commands.setdefault(heading.group(1), [])
            elif command := COMMAND.match(line):
                commands.append(command.group(1))
        assert self.commands["Start"] == [f"terminusd -c config/examples/{name}.yaml"]

    def one(self, heading):
        (command,) = self.commands[heading]
        return command


class ExampleDut(Dut):
    """terminusd as the example's reader starts it: no options but the file."""

    def __init__(self, host, example):
        super().__init__(host, config={}, eal=[])
        self._file = example.file

    def write_config(self, text=None):
        return self._file


@pytest.fixture
def host(tmp_path):
    with Host(tmp_path) as made:
        yield made


def listens(host, backend):
    """A backend listens where its line says."""
    where, address, port = re.match(r"(ip netns exec \w+ )?.* --bind (\S+) (\d+)$", backend).groups()
    return host.shell([f"{where or ''}ss -Hltn src {address}:{port}"]).stdout != ""


def syn_acks(capture):
    """How many frames of a capture are IPv4 SYN-ACKs."""
    data, at, count = capture.read_bytes(), 24, 0
    while at < len(data):
        kept = struct.unpack_from("<I", data, at + 8)[0]
        frame = data[at + 16 : at + 16 + kept]
        count += frame[12:14] == b"\x08\x00" and frame[23] == 6 and frame[47] == 0x12
        at += 16 + kept
    return count


def check_passes(host, name):
    """Prepares, starts all that the example names, and asks the backend through terminusd."""
    example = Example(name)
    host.shell(example.commands.get("Prepare", []))
    backend = example.one("Backend")
    (host.folder / "from-the-backend").touch()  # its answer lists the folder that it serves
    with ExampleDut(host, example) as dut:
        host.shell(example.commands.get("Then", []))
        host.start_shell(backend, "backend")
        for number, line in enumerate(example.commands.get("Other side", [])):
            host.start_shell(line, f"other-{number}")
        wait_until(lambda: listens(host, backend), "the backend listens")
        for _ in range(3):
            answer = host.shell([f"{example.one('Try')} --max-time 20"]).stdout
            assert "from-the-backend" in answer, answer
        assert dut.metrics().sum("terminus_opens_total", leg="backend") == 3
    host.stop_programs()
    host.shell(example.commands.get("Undo", []))
    # The kernel takes interfaces away some time after their namespace.
    wait_until(lambda: len(host.run("ip", "-o", "link").stdout.splitlines()) == 1, "only lo is left")


@pytest.mark.parametrize("name", ["tap", "af_packet", "af_xdp", "memif"])
def test_an_example_passes_requests_on(host, name):
    if name == "af_xdp" and not has_xdp_sockets(host.dut):
        pytest.skip("this kernel has no AF_XDP sockets")
    check_passes(host, name)


def test_the_ring_s_example_gets_back_what_it_sends(host):
    example = Example("ring")
    with ExampleDut(host, example) as dut:
        wait_until(lambda: dut.metrics().sum("terminus_received_frames_total") > 0, "an announcement has come back")
        assert dut.metrics().sum("terminus_received_frames_total") <= dut.metrics().sum("terminus_sent_frames_total")
        metrics = host.shell(example.commands["Try"]).stdout
        assert "terminus_received_frames_total" in metrics


def test_the_example_of_captures_answers_a_handshake(host):
    example = Example("pcap")
    prepare = example.one("Prepare").replace("cp ", f"cp {ROOT}/", 1)  # the file's are relative to the source tree
    host.shell([prepare])
    with ExampleDut(host, example) as dut:
        wait_until(lambda: dut.connections(state="syn_received", leg="client") > 0, "a client waits for its SYN-ACK")
    assert syn_acks(host.folder / "sent.pcap") > 0


def test_the_example_of_nics_is_valid_and_names_the_nic_that_is_not_there(host):
    example = Example("pci")
    dut = ExampleDut(host, example)
    assert host.run(program("terminusd"), "--check", "-c", example.file).stdout.endswith(": OK\n")
    process = dut.launch()
    assert process.wait(60) == 1
    assert re.search(r"error port front: device 0000:3b:00\.0 can't be opened: .*bound to vfio-pci", process.text()), process.text()
    assert not FINDINGS.search(process.text()), process.text()


def test_every_example_has_a_test_and_a_line_in_the_list():
    names = {path.stem for path in EXAMPLES.glob("*.yaml")}
    assert names == TESTED
    listed = re.findall(r"^\| \[`(\w+)\.yaml`\]\(\1\.yaml\)", (EXAMPLES / "README.md").read_text(), re.M)
    assert sorted(listed) == sorted(names)
