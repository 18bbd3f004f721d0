"""terminusd in its namespace: configured, started, watched, stopped."""

import copy
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import tempfile

from .metrics import Metrics
from .process import run
from .waiting import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILDS = {
    "sanitized": pathlib.Path(os.environ.get("TERMINUS_BUILD", ROOT / "build-test")),
    "release": pathlib.Path(os.environ.get("TERMINUS_RELEASE", ROOT / "build-release")),
}
METRICS = ("127.0.0.1", 9464)
START_SECONDS = 60
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0:exitcode=77",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=78",
    "LSAN_OPTIONS": f"suppressions={ROOT}/test/system/leaks-of-dpdk.txt:print_suppressions=0",
}
FINDINGS = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|ThreadSanitizer|assertion failed|terminate called", re.I)
alive = []  # for the report of a failed test


def program(name, build="sanitized"):
    return BUILDS[build] / "app" / name / name


def configuration(network, **changes):
    """The usual configuration: port 80 to nginx, ports 7000 to 7009 to whatever a test listens with."""
    one_arm = network.back is None
    backend4, backend6 = ("10.0.1", "fd00:1:") if one_arm else ("10.0.2", "fd00:2:")
    ports = [{"name": "front", "device": network.front.vdev(0), "addresses": ["10.0.1.254/24", "fd00:1::fe/64"]}]
    if not one_arm:
        ports.append({"name": "back", "device": network.back.vdev(1), "addresses": ["10.0.2.254/24", "fd00:2::fe/64"]})

    def pool(name, family, hosts, port):
        base, source = (f"{backend4}.", f"{backend4}.100") if family == 4 else (f"[{backend6}:", f"{backend6}:100")
        end = "" if family == 4 else "]"
        return {
            "name": name,
            "backends": [{"name": host, "address": f"{base}{host}{end}:{port}"} for host in hosts],
            "source_addresses": [source],
        }

    pools, services = [], []
    for family, vip in ((4, "10.0.1.80:"), (6, "[fd00:1::80]:")):
        for port, target, hosts in [(80, 8080, ("11", "12")), *((p, p, ("11",)) for p in range(7000, 7010))]:
            pools.append(pool(f"p{port}-ipv{family}", family, hosts, target))
            services.append({"name": f"s{port}-ipv{family}", "listen": [f"{vip}{port}"], "pool": pools[-1]["name"]})
    made = {
        "workers": {"count": 1, "allow_shared_cpus": True},
        "ports": ports,
        "pools": pools,
        "services": services,
        "limits": {"connections": 8192},
        "tcp": {"max_tw_buckets": 8192, "time_wait": "2s"},
        "drain": {"delay": "0s", "grace": "0s"},
        "metrics": {"listen": f"{METRICS[0]}:{METRICS[1]}"},
        "log": {"level": "debug"},
    }
    for key, value in changes.items():
        made[key] = {**made[key], **value} if isinstance(made.get(key), dict) else value
    return made


class Dut:
    """One terminusd. `config` may be changed before start() or reload(); JSON is YAML."""

    def __init__(self, network, build="sanitized", config=None, eal=("--no-huge", "--no-pci", "--no-shconf"), options=()):
        self.network = network
        self.build = build
        self.config = copy.deepcopy(config) if config is not None else configuration(network)
        self.eal = list(eal)
        self.options = list(options)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="terminus-"))
        self.socket = self.folder / "admin.sock"
        self.config.setdefault("admin", {})["socket"] = str(self.socket)
        self.process = None

    # --- life ---

    def write_config(self, text=None):
        file = self.folder / "terminus.yaml"
        file.write_text(json.dumps(self.config, indent=1) if text is None else text)
        return file

    def launch(self):
        """Starts the process without waiting for anything."""
        command = [program("terminusd", self.build), *self.eal, "--", "-c", self.write_config(), *self.options]
        self.process = self.network.start(self.network.dut, *command, log=self.folder / "log", env=SANITIZERS)
        return self.process

    def start(self):
        self.launch()
        alive[:] = [other for other in alive if other.process.alive()] + [self]
        wait_until(lambda: self.is_ready() or not self.process.alive(), "terminusd is ready", START_SECONDS)
        assert self.process.alive(), f"terminusd ended at its start\n{self.process.tail()}"
        return self

    def stop(self, seconds=30):
        """SIGTERM and the end: exit 0, and nothing for a sanitizer to say."""
        if self in alive:
            alive.remove(self)
        if self.process is None:
            return
        if self.process.alive():
            self.process.signal(signal.SIGTERM)
            self.process.wait(seconds)
        self.check_healthy(ended=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def abandon(self):
        """SIGKILL: as after a crash, nothing is closed or cleaned up."""
        if self in alive:
            alive.remove(self)
        self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def check_healthy(self, ended=False):
        findings = FINDINGS.search(self.process.text())
        assert not findings, f"{findings.group(0)} in terminusd's log\n{self.process.tail(120)}"
        if ended:
            assert self.process.process.returncode == 0, f"exit {self.process.process.returncode}\n{self.process.tail()}"
        else:
            assert self.process.alive(), f"terminusd has ended\n{self.process.tail()}"

    def reload(self):
        self.write_config()
        self.process.signal(signal.SIGHUP)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        elif self in alive:
            alive.remove(self)

    # --- looking at it ---

    def http(self, path):
        """(status, body) of its HTTP server; (0, "") when nobody answers."""
        connection = http.client.HTTPConnection(*METRICS, timeout=10)
        try:
            connection.sock = self.network.dut.socket()
            connection.sock.settimeout(10)
            connection.sock.connect(METRICS)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def is_ready(self):
        return self.http("/readyz")[0] == 200

    def metrics(self):
        status, text = self.http("/metrics")
        assert status == 200, f"/metrics answered {status}"
        return Metrics(text)

    def counted(self):
        """The series that are not zero, for a person to read; histograms by their sums only."""
        lines = [line for line in self.http("/metrics")[1].splitlines() if line and line[0] != "#"]
        return "\n".join(line for line in lines if "_bucket{" not in line and line.rsplit(" ", 1)[1] != "0")

    def ctl(self, *words, check=True):
        return run(program("terminusctl", self.build), "--socket", self.socket, *words, check=check, env={**os.environ, **SANITIZERS})

    def connections(self, **labels):
        """How many connections there are, by the labels `state` and `leg`."""
        return self.metrics().sum("terminus_connections", **labels)

    def drops(self, reason):
        return self.metrics().sum("terminus_drops_total", reason=reason)

    def mac(self):
        """The MAC address of the front port, as a client has learnt it."""
        self.network.clients.run("ping", "-c", "1", "-W", "5", "10.0.1.254")
        return self.network.clients.run("ip", "neigh", "show", "10.0.1.254").stdout.split("lladdr ")[1].split()[0]
