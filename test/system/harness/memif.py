"""memif: wires in shared memory between terminusd and terminus-load, two networks of which the kernel knows nothing."""

import contextlib

from .dut import program
from .network import Namespace
from .waiting import wait_until

FRONT, BACK, SPARE = range(3)
NETWORKS = {4: ("10.0.1.", "10.0.2."), 6: ("fd00:1::", "fd00:2::")}
REFLECTED = ["--clients", "10.0.3.1", "--target", "10.0.3.2:80"]  # a reflector is whoever is asked for


class Wires:
    """A Dut's network. A wire's server comes first: memif's client does not try again."""

    def __init__(self, folder):
        self.folder = folder
        self.dut = Namespace("load")  # for terminusd's own HTTP server
        self._processes = []

    def end(self, number, role):
        """The device string of a wire's end: its `server` or its `client`."""
        return f"net_memif{number},role={role},id={number},socket={self.folder}/wire{number},socket-abstract=no"

    def start(self, namespace, *command, log, env=None):
        self._processes.append(namespace.start(*command, log=log, env=env))
        return self._processes[-1]

    @contextlib.contextmanager
    def reflector(self, *prefix, build="sanitized", env=None):
        """terminus-load as a reflector on the spare wire; at its end it has found nothing wrong."""
        log = self.folder / "reflector.log"
        log.unlink(missing_ok=True)
        words = ["--role", "reflector", "--port", self.end(SPARE, "server"), "--duration", "0", "--idle", "nap"]
        mirror = self.start(self.dut, *prefix, program("terminus-load", build), *words, log=log, env=env)
        try:
            wait_until(lambda: "ready" in mirror.text() or not mirror.alive(), "the reflector has opened its port")
            assert mirror.alive(), mirror.tail()
            yield mirror
            assert mirror.stop() == 0, mirror.tail()
        finally:
            mirror.kill()

    def close(self):
        for process in self._processes:
            process.stop()
        self.dut.delete()


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def configuration(wires, connections=8192):
    """terminusd between both networks: port 80 of the host 80 in front goes to port 8080 of the host 11 behind."""
    pools, services = [], []
    for version, (front, back) in NETWORKS.items():
        backends = [{"name": "b", "address": endpoint(f"{back}11", 8080)}]
        pools.append({"name": f"p{version}", "source_addresses": [f"{back}100"], "backends": backends})
        services.append({"name": f"s{version}", "listen": [endpoint(f"{front}80", 80)], "pool": f"p{version}"})
    ports = [
        {"name": "front", "device": wires.end(FRONT, "server"), "addresses": ["10.0.1.254/24", "fd00:1::fe/64"]},
        {"name": "back", "device": wires.end(BACK, "server"), "addresses": ["10.0.2.254/24", "fd00:2::fe/64"]},
    ]
    return {
        "workers": {"count": 1, "allow_shared_cpus": True},
        "ports": ports,
        "pools": pools,
        "services": services,
        "limits": {"connections": connections},
        "tcp": {"max_tw_buckets": connections},
        "drain": {"delay": "0s", "grace": "0s"},
        "metrics": {"listen": "127.0.0.1:9464"},
    }


def sides(wires, version=4, target_port=80):
    """terminus-load's words for both sides of that terminusd."""
    front, back = NETWORKS[version]
    return [
        "--port", wires.end(FRONT, "client"), "--port", wires.end(BACK, "client"),
        "--clients", f"{front}10-{front}13", "--target", endpoint(f"{front}80", target_port),
        "--listen", endpoint(f"{back}11", 8080), "--sources", f"{back}100",
    ]  # fmt: skip
