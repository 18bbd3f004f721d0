"""The proxies, one thread each with what is its default, and the way without one: entered, one has its turn and is gone after it.

None is bound to a CPU by us. terminusd's worker binds itself to the last one, as it always does; for the kernel's proxies the
scheduler chooses, which is their best.
"""

import resource

from harness.dut import Dut
from harness.waiting import wait_until

from . import processes
from .bed import BULK, HTTP, HTTP_SERVER, IDLE, SERVER

LISTENERS = {HTTP: HTTP_SERVER, BULK: BULK, IDLE: IDLE}
BUSY_SECONDS = "terminus_worker_busy_seconds_total"
RECEIVED, SENT = "terminus_received_frames_total", "terminus_sent_frames_total"
RECEIVED_BYTES, SENT_BYTES = "terminus_received_frame_bytes_total", "terminus_sent_frame_bytes_total"
SPARE_CONNECTIONS = 1024  # beside the idle ones: the clients' at load, and what closes

HAPROXY = """
global
    maxconn {connections}
    nbthread 1
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
"""
NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile {descriptors};
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections {descriptors}; }}
stream {{
    access_log off;
    proxy_timeout 1h;
{servers}}}
"""


def descriptors_needed(idle):
    """A kernel proxy has two for each session, and some of its own."""
    return 2 * (idle + SPARE_CONNECTIONS) + 256


def check_descriptors(idle):
    """The limit that binds the kernel's proxies, and the clients; Terminus has no descriptor for a connection."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if descriptors_needed(idle) > hard:
        raise SystemExit(
            f"bench: {idle} idle connections take a kernel proxy {descriptors_needed(idle)} descriptors, "
            f"and {hard} is the limit here (ulimit -Hn)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Peer:
    """What is between client and backend for one turn."""

    name = None

    def __init__(self, bed, idle):
        self.bed, self.idle = bed, idle
        self.host = bed.next_turn()
        self.folder = bed.folder / f"turn-{self.host}-{self.name}"
        self.folder.mkdir(exist_ok=True)
        self._programs, self._pids = [], set()

    def __enter__(self):
        self._take()
        try:
            self._start()
            self._pids = self.pids()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_):
        self._stop()

    def target(self, port):
        """Where a client connects to for what the proxy serves on `port`."""
        return f"10.0.1.{self.host}", port

    def pids(self):
        """Its processes."""
        return {pid for program in self._programs for pid in processes.tree(program.pid)}

    def dead(self):
        """Whether a process that it began its turn with is gone; nginx starts another in its place, and says nothing."""
        return not self._pids <= self.pids()

    def log_tail(self):
        return "\n".join(program.tail(15) for program in self._programs)

    def counters(self):
        """terminusd's own counters, at this moment; others have none."""
        return None

    def _take(self):
        self.bed.kernel_takes(self.host)

    def _start(self):
        pass

    def _stop(self):
        for program in self._programs:
            program.stop(3)


class Direct(Peer):
    """No proxy: the kernel routes between the same two wires. What client and backend can do, and the latency without anybody."""

    name = "direct"

    def target(self, port):
        return SERVER, LISTENERS[port]


class KernelProxy(Peer):
    """A program with the kernel's sockets."""

    processes_count = 1

    def _run(self, *command):
        program = self.bed.start(self.bed.proxy, *command, log=self.folder / "output")
        self._programs.append(program)
        wait_until(lambda: self._is_up() or not program.alive(), f"{self.name} listens")
        assert program.alive(), f"{self.name} ended at its start\n{program.tail()}"

    def _is_up(self):
        if len(self.pids()) < self.processes_count:
            return False
        listening = self.bed.proxy.run("ss", "-Hltn").stdout
        return all(f"{self.target(port)[0]}:{port} " in listening for port in LISTENERS)


class Haproxy(KernelProxy):
    name = "haproxy"

    def _start(self):
        text = HAPROXY.format(connections=self.idle + SPARE_CONNECTIONS)
        for port, server_port in LISTENERS.items():
            text += f"listen p{port}\n    bind {self.target(port)[0]}:{port}\n    server one {SERVER}:{server_port}\n"
        config = self.folder / "haproxy.cfg"
        config.write_text(text)
        self._run("haproxy", "-db", "-f", config)


class NginxStream(KernelProxy):
    name = "nginx"
    processes_count = 2  # who starts the worker, and the worker

    def _start(self):
        servers = "".join(
            f"    server {{ listen {self.target(port)[0]}:{port}; proxy_pass {SERVER}:{server_port}; }}\n"
            for port, server_port in LISTENERS.items()
        )
        config = self.folder / "nginx.conf"
        config.write_text(NGINX.format(folder=self.folder, servers=servers, descriptors=descriptors_needed(self.idle)))
        self._run("nginx", "-p", self.folder, "-e", self.folder / "nginx.log", "-c", config)


class Terminusd(Peer):
    """The release build, with the defaults that it ships with, on DPDK ports at the ends of the wires."""

    name = "terminusd"

    def __init__(self, bed, idle, vdev, tcp=None, routes=()):
        super().__init__(bed, idle)
        self.vdev, self._tcp, self._routes = vdev, tcp or {}, list(routes)
        self._dut = None

    def _take(self):
        self.bed.ports_take(self.vdev)

    def _start(self):
        self._dut = Dut(self.bed, build="release", config=self._config())
        self._dut.start()
        self._programs.append(self._dut.process)

    def counters(self):
        return self._dut.metrics()

    def _config(self):
        bed, vip = self.bed, f"10.0.1.{self.host}"
        return {
            "workers": {"count": 1, "allow_shared_cpus": True},
            "ports": [
                {"name": "front", "device": bed.front.vdev(self.vdev, 0), "addresses": ["10.0.1.254/24"]},
                {"name": "back", "device": bed.back.vdev(self.vdev, 1), "addresses": [f"10.0.2.{self.host}/24"]},
            ],
            "routes": self._routes,
            "pools": [{"name": f"p{port}", "backends": [{"address": f"{SERVER}:{to}"}]} for port, to in LISTENERS.items()],
            "services": [{"name": f"s{port}", "listen": [f"{vip}:{port}"], "pool": f"p{port}"} for port in LISTENERS],
            "tcp": self._tcp,
            "drain": {"delay": "0s", "grace": "0s"},
            "metrics": {"listen": "127.0.0.1:9464"},
        }

    def _stop(self):
        try:
            if self._dut is not None and self._dut.process is not None:
                self._dut.stop() if self._dut.process.alive() else self._dut.abandon()
        finally:
            self.bed.ports_leave(self.vdev)


KERNEL_PROXIES = {"haproxy": Haproxy, "nginx": NginxStream}
NAMES = ("terminusd", *KERNEL_PROXIES)


def make(name, bed, idle, vdev):
    """A peer by its name, for one turn."""
    if name == "terminusd":
        return Terminusd(bed, idle, vdev)
    return KERNEL_PROXIES.get(name, Direct)(bed, idle)
