"""terminusd's command line and configuration, and what it says when it cannot start."""

import json
import os
import re

import pytest

from harness.dut import ROOT, SANITIZERS, Dut, configuration, program
from harness.network import Network
from harness.process import run


def check(file):
    done = run(program("terminusd"), "--check", "-c", file, check=False, env={**os.environ, **SANITIZERS})
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["terminus.yaml", "quickstart/terminus.yaml"])
def test_the_shipped_configuration_is_valid(name):
    code, out, err = check(ROOT / "config" / name)
    assert (code, err) == (0, "")
    assert out.endswith(": OK\n")


def test_every_error_of_a_file_is_told_with_its_place(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(
        "workers: {count: 1}\n"
        "ports:\n"
        "  - {name: front, device: 'net_tap0', addresses: [10.0.1.254/24]}\n"
        "tcp:\n"
        "  fin_timout: 60s\n"
        "  rmem: 64q\n"
        "  syn_retries: 100000\n"
        "services:\n"
        "  - {name: web, listen: ['10.0.1.80:80'], pool: wbe}\n"
    )
    code, out, err = check(file)
    assert code == 1 and out == ""
    places = re.findall(r"bad\.yaml:(\d+):\d+: (.*)", err)
    assert [int(line) for line, _ in places] == [5, 6, 7, 9]
    assert "fin_timout" in places[0][1] and "did you mean `fin_timeout`" in places[0][1]
    assert "64q" in places[1][1]
    assert "100000" in places[2][1]
    assert "wbe" in places[3][1]


BAD = {
    "empty": b"",
    "binary": bytes(range(256)) * 10,
    "not YAML": b"ports: [a, {b\n",
    "a key twice": b"log: {level: info}\nlog: {level: debug}\n",
    "nested too deep": b"[" * 10_000,
    "aliases that explode": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % ((97 + n, 97 + n) + (96 + n,) * 8) for n in range(1, 12)),
    "huge": b"# " + b"x" * (2 << 20),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_senseless_file_is_refused_with_an_error(tmp_path, content):
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    code, out, err = check(file)
    assert code == 1 and out == ""
    assert "bad.yaml" in err and len(err) < 4000


def test_a_file_that_is_not_there_is_named(tmp_path):
    code, _, err = check(tmp_path / "nowhere.yaml")
    assert code == 1
    assert "nowhere.yaml" in err


@pytest.fixture
def own_network():
    with Network() as made:
        yield made


def refusal(network, tmp_path, **changes):
    """Starts terminusd with a configuration it must refuse; what it said."""
    dut = Dut(network, config=configuration(network, **changes))
    process = dut.launch()
    assert process.wait(60) != 0
    dut_log = process.text()
    assert "AddressSanitizer" not in dut_log and "runtime error" not in dut_log, dut_log
    return dut_log


def test_a_device_that_is_not_there_is_named(own_network, tmp_path):
    port = {"name": "front", "device": "0000:ff:1f.7", "addresses": ["10.0.1.254/24", "10.0.2.254/24", "fd00:1::fe/64", "fd00:2::fe/64"]}
    said = refusal(own_network, tmp_path, ports=[port])
    assert "device 0000:ff:1f.7 can't be opened" in said
    # And what to do about it, behind DPDK's reason.
    assert re.search(r"error.* NIC 0000:ff:1f\.7: is not on this machine.* -> .*bind-nic --status", said), said


def doctor(file, *eal):
    options = (*eal, "--") if eal else ()
    return run(program("terminusd"), *options, "--doctor", "-c", file, check=False, env={**os.environ, **SANITIZERS})


def test_doctor_finds_what_keeps_a_configuration_from_starting(tmp_path):
    text = (ROOT / "config" / "terminus.yaml").read_text()
    file = tmp_path / "nic.yaml"
    file.write_text(text.replace("net_tap0,iface=terminus0", '"0000:ff:1f.7"'))
    done = doctor(file)
    assert done.returncode == 1 and done.stderr == ""
    assert re.search(r"^error +NIC 0000:ff:1f\.7 +is not on this machine", done.stdout, re.M), done.stdout
    assert re.search(r"^ +-> .*scripts/bind-nic --status$", done.stdout, re.M)


def test_doctor_asks_for_hugepages_where_the_command_line_does(tmp_path):
    file = ROOT / "config" / "terminus.yaml"
    assert re.search(r"hugepages +EAL's options ask for ordinary pages", doctor(file, "--no-huge").stdout)
    assert "EAL's options" not in doctor(file).stdout


def test_doctor_has_no_error_for_a_tap_and_reads_the_file_first(tmp_path):
    done = doctor(ROOT / "config" / "terminus.yaml")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert all(re.search(rf"^\w+ +{topic}", done.stdout, re.M) for topic in ("IOMMU", "vfio-pci", "hugepages", "memlock"))
    bad = tmp_path / "bad.yaml"
    bad.write_text("ports: 7\n")
    done = doctor(bad)
    assert done.returncode == 1 and "bad.yaml:1" in done.stderr and done.stdout == ""


def test_more_queues_than_the_device_has_are_refused(own_network, tmp_path):
    ports = configuration(own_network)["ports"]
    ports[0]["queues"] = 64
    said = refusal(own_network, tmp_path, ports=ports, workers={"count": 1})
    assert "front" in said and "queue" in said


def test_workers_that_the_device_has_no_queues_for_are_refused_with_the_numbers(own_network, tmp_path):
    ports = configuration(own_network)["ports"]
    for port in ports:
        port["queues"] = 2
    said = refusal(own_network, tmp_path, ports=ports, workers={"count": 2})
    assert re.search(r"port front: device \S+ \(net_tap\) offers \d+ receive and \d+ transmit queues", said), said
    assert "asks for 2 pairs, one for each worker: set the port's queues: 1" in said


def test_a_configuration_that_asks_for_more_memory_than_there_is_is_refused_with_the_sum(own_network, tmp_path):
    said = refusal(own_network, tmp_path, limits={"connections": 1 << 26}, workers={"count": 1})
    assert "asks for more memory than there is" in said
    lines = dict(re.findall(r"^  \d+ (.+?) x \d+ B.* = (\d+) MiB", said, re.M))
    assert {"connections", "sessions", "timers", "TIME_WAITs", "payload buffers"} <= lines.keys(), said
    asked, there = map(int, re.search(r"in ordinary pages: (\d+) MiB asked for, (\d+) MiB there", said).groups())
    in_all = sum(map(int, re.findall(r"^  .* = (\d+) MiB", said, re.M)))
    assert there < asked <= in_all <= asked + 20  # each line is rounded up
    assert re.search(r"are missing: lower limits\.connections", said)
    assert "EAL" not in said  # it was not even started


def test_workers_that_would_share_a_cpu_are_refused_unless_allowed(own_network, tmp_path):
    said = refusal(own_network, tmp_path, workers={"count": 64, "allow_shared_cpus": False})
    assert "allow_shared_cpus" in said


def test_an_address_in_use_for_the_metrics_is_told(own_network, tmp_path):
    taken = own_network.dut.socket()
    with taken:
        taken.bind(("127.0.0.1", 9464))
        taken.listen()
        assert "9464" in refusal(own_network, tmp_path)


def test_eal_options_may_stand_in_the_file(own_network, tmp_path):
    config = configuration(own_network, eal=["--no-huge", "--no-pci", "--no-shconf"])
    with Dut(own_network, config=config, eal=[]) as dut:
        assert dut.is_ready()


def test_the_start_up_log_shows_the_arithmetic_of_the_buffers(own_network):
    with Dut(own_network) as dut:
        lines = [line for line in dut.process.text().splitlines() if "memory:" in line and "buffers" in line]
        assert any(re.search(r"\d+ .*[+x*×=].* \d+", line) for line in lines), lines


def test_json_is_yaml_too(tmp_path):
    file = tmp_path / "as.json"
    port = {"name": "p", "device": "net_tap0", "addresses": ["10.0.0.1/24"]}
    file.write_text(json.dumps({"ports": [port], "log": {"level": "info"}}))
    assert check(file)[0] == 0
