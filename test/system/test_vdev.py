"""The splice with loss over every virtual device at hand, in one process: no kernel TCP, payloads hashed, pools poisoned.

vdev/vdev_splice runs a Terminus worker between two hosts made of the same stack. Both wires lose 1 % of the frames
each way and let 1 % be overtaken. It checks every stream by its hash, that each direction did lose and delay
something, and that no buffer is missing when the devices are closed.
"""

import json
import os
import pathlib

import pytest

from harness.dut import BUILDS, FINDINGS, SANITIZERS
from harness.network import Namespace, has_xdp_sockets

PROGRAM = BUILDS["sanitized"] / "test/system/vdev/vdev_splice"
STREAM_BYTES = 20 * 200_000
# The seed of a run that failed is in its output; TERMINUS_VDEV_SEED repeats its frames' fate.
SEED = os.environ.get("TERMINUS_VDEV_SEED", "1")


@pytest.fixture
def namespace():
    made = Namespace("vdev")
    # Nothing but the program may speak on these interfaces.
    made.set("net.ipv6.conf.default.disable_ipv6", 1)
    made.set("net.ipv6.conf.all.disable_ipv6", 1)
    yield made
    made.delete()


def add_veth(namespace, name):
    first, second = f"{name}0", f"{name}1"
    namespace.run("ip", "link", "add", first, "type", "veth", "peer", "name", second)
    for end in (first, second):
        namespace.run("ethtool", "-K", end, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        namespace.run("ip", "link", "set", end, "up")


def skip_without_driver(name):
    """A DPDK driver is a plugin: Debian's packages bring all of these, another build may lack one."""
    folders = pathlib.Path("/usr/lib/x86_64-linux-gnu/dpdk").glob("pmds-*")
    if not any(folder.glob(f"librte_{name}.so*") for folder in folders):
        pytest.skip(f"this DPDK has no driver {name}")


def splice(namespace, mode, folder):
    """One run; its report, after all that it must be."""
    env = {**os.environ, **SANITIZERS}
    done = namespace.run(PROGRAM, mode, folder, SEED, check=False, timeout=120, env=env)
    output = done.stdout + done.stderr
    assert not FINDINGS.search(output), output
    assert done.returncode == 0, f"exit {done.returncode}\n{output}"
    report = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    print(report)
    assert report["mode"] == mode and report["faults"] == 0
    assert report["frames_lost"] > 0
    return report


def check_live(report):
    assert report["bytes_up"] == report["bytes_down"] == STREAM_BYTES
    assert report["frames_delayed"] > 0 and report["segments_out_of_order"] > 0 and report["bytes_sent_again"] > 0


def test_ring_hands_on_buffers_and_no_byte_of_them_changes(namespace, tmp_path):
    skip_without_driver("net_ring")
    check_live(splice(namespace, "ring", tmp_path))


def test_memif_carries_every_byte_as_server_and_as_client(namespace, tmp_path):
    skip_without_driver("net_memif")
    check_live(splice(namespace, "memif", tmp_path))


def test_af_packet_carries_every_byte_over_veth(namespace, tmp_path):
    skip_without_driver("net_af_packet")
    add_veth(namespace, "front")
    add_veth(namespace, "back")
    check_live(splice(namespace, "af_packet", tmp_path))


def test_af_xdp_carries_every_byte_over_veth(namespace, tmp_path):
    skip_without_driver("net_af_xdp")
    if not has_xdp_sockets(namespace):
        pytest.skip("this kernel has no AF_XDP sockets")
    add_veth(namespace, "front")
    add_veth(namespace, "back")
    check_live(splice(namespace, "af_xdp", tmp_path))


def test_tap_carries_every_byte_from_and_to_the_kernels_interface(namespace, tmp_path):
    skip_without_driver("net_tap")
    if not pathlib.Path("/dev/net/tun").exists():
        pytest.skip("this machine has no /dev/net/tun")
    check_live(splice(namespace, "tap", tmp_path))


def test_pcap_repeats_a_recorded_client_to_the_byte(namespace, tmp_path):
    skip_without_driver("net_pcap")
    report = splice(namespace, "pcap", tmp_path)
    assert report["bytes_up"] == 10 * 100_000 and report["frames_in"] > 0 and report["frames_out"] > 0
