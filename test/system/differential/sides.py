"""The two servers that the clients are played to."""

import dataclasses
import json
import os
import pathlib

from harness.dut import BUILDS, SANITIZERS
from harness.network import Namespace
from harness.process import run

from .recordings import frames
from .replies import MILLISECOND, TAIL
from .server import Server, accepting, read_steps

CLIENTS = pathlib.Path("test/system/differential/played_clients")
REPLAY = pathlib.Path("app/terminus-replay/terminus-replay")
TAIL_MS = TAIL // MILLISECOND + 1500  # what the application still has to say comes within the difference
PATIENCE_MS = 4000  # for what a client waits for: longer than any timer here but the third time-out
SECONDS_MAX = 50  # of a capture that is played
LIMIT_SECONDS = 4  # of virtual time after the last packet: more than what is compared


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of a run of both sides."""

    seconds: int = SECONDS_MAX
    checksums: str = "verify"  # or "repair", as terminus-replay's


def steps_of(capture):
    """What the server's application did: server.read_steps()."""
    return read_steps(run(BUILDS["sanitized"] / CLIENTS, "steps", capture).stdout)


class Lan:
    """A namespace with the server's kernel, another one with its clients, and a wire."""

    def __init__(self, addresses):
        self._namespaces, self._programs = [], []
        try:
            self.clients, self.server = self._namespace("clients"), self._namespace("server")
            self.clients.set("net.ipv6.conf.default.disable_ipv6", 1)
            self.clients.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.server.name)
            self.server.set("net.ipv6.conf.eth0.accept_dad", 0)
            for namespace in self._namespaces:
                namespace.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off", "gro", "off")
                namespace.run("ip", "link", "set", "eth0", "up")
            for address in addresses:
                self.server.run("ip", "addr", "add", address, "dev", "eth0")
            # Whoever the clients are, they are on the wire.
            self.server.run("ip", "route", "add", "default", "dev", "eth0")
            self.server.run("ip", "-6", "route", "add", "default", "dev", "eth0")
            self.mac = self.server.run("cat", "/sys/class/net/eth0/address").stdout.strip()
        except BaseException:
            self.close()
            raise

    def _namespace(self, role):
        made = Namespace(role)
        self._namespaces.append(made)
        return made

    def start(self, *command, log):
        program = self.clients.start(*command, log=log, env=SANITIZERS)
        self._programs.append(program)
        return program

    def close(self):
        for program in self._programs:
            program.stop()
        for namespace in reversed(self._namespaces):
            namespace.delete()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def linux(capture, scripts, folder, settings):
    """(Both directions of the clients played to the kernel, what couldn't be played as recorded)."""
    written, log = folder / "linux.pcap", folder / "linux.log"
    with Lan(sorted({server for (_, (server, _)) in scripts})) as lan, Server(lan.server, scripts):
        program = lan.start(BUILDS["sanitized"] / CLIENTS, "play", "eth0", lan.mac, TAIL_MS, PATIENCE_MS, settings.checksums, written, capture, log=log)
        status = program.wait(settings.seconds)
        assert status == 0, f"played_clients ended with {status}\n{program.tail()}"
    said = [line for line in program.text().splitlines() if line.startswith("divergence")]
    return frames.read_pcap(written), said


# Nobody's addresses (RFC 2544, RFC 5180): clients and servers of a capture have others.
PORT_ADDRESSES = ["198.18.0.1/24", "2001:2::1/64"]
ROUTERS = {4: ("0.0.0.0/0", "198.18.0.2"), 6: ("::/0", "2001:2::2")}
BACKENDS = {4: "198.18.0.10", 6: "[2001:2::10]"}


def configuration(scripts):
    """Terminus in place of the servers that accepted somebody; JSON is YAML."""
    pools, services = {}, []
    for number, (address, port) in enumerate(accepting(scripts)):
        family = 6 if ":" in address else 4
        pools[family] = {"name": f"ipv{family}", "backends": [{"name": f"b{family}", "address": f"{BACKENDS[family]}:8080"}]}
        listen = f"[{address}]:{port}" if family == 6 else f"{address}:{port}"
        services.append({"name": f"s{number}", "listen": [listen], "pool": f"ipv{family}"})
    return {
        "ports": [{"name": "front", "device": "net_pcap0", "addresses": PORT_ADDRESSES}],
        "routes": [{"to": prefix, "via": router} for prefix, router in ROUTERS.values()],
        "pools": list(pools.values()),
        "services": services,
        "limits": {"connections": 4096, "neighbours": 64},
    }


def terminus(capture, scripts, folder, settings):
    """The same with Terminus, in virtual time."""
    sent, played, config = folder / "terminus-sent.pcap", folder / "terminus-played.pcap", folder / "terminus.yaml"
    config.write_text(json.dumps(configuration(scripts), indent=1))
    options = ["--mode", "causal", "--played", played, "--limit", LIMIT_SECONDS, f"--checksums={settings.checksums}"]
    vdev = f"--vdev=net_pcap0,rx_pcap={capture},tx_pcap={sent}"
    run(BUILDS["sanitized"] / REPLAY, vdev, "--", "-c", config, *options, timeout=settings.seconds, env={**os.environ, **SANITIZERS})
    records = [*frames.read_pcap(played), *frames.read_pcap(sent)]
    return sorted(records, key=lambda record: record[0])
