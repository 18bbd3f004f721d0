"""What loads a proxy and measures it: wrk, iperf3, a client at a fixed low rate, and clients that only hold connections.

Each returns (figures, errors): what it measured by name, and how often what went wrong. A client that can't measure at all
returns no figure and says why.
"""

import contextlib
import errno
import gc
import json
import math
import pathlib
import selectors
import socket
import struct
import subprocess
import time

from harness.peers import IPV4, EchoServer
from harness.waiting import wait_until

from . import figures, processes
from .bed import BULK, HTTP, IDLE, SERVER

REPORT = pathlib.Path(__file__).with_name("wrk_report.lua")
WRK_CONNECTIONS = 64
REQUESTS_PER_SECOND = 1000  # of the client at a fixed rate: nobody has to queue
EXTRA_SECONDS = 20  # what a client may take beyond its time before it has failed
SETTLED = 1 << 16  # bytes of memory by which nothing moves any more


def connections(proxy, seconds):
    """A connection for each request: wrk, whose server closes."""
    return _wrk(proxy, seconds, "connections_per_second", "-H", "Connection: close")


def requests(proxy, seconds):
    """Requests on connections that stay: wrk."""
    return _wrk(proxy, seconds, "requests_per_second")


def _wrk(proxy, seconds, name, *options):
    host, port = proxy.target(HTTP)
    command = ["wrk", "-t", 1, "-c", WRK_CONNECTIONS, "-d", f"{seconds}s", "-s", REPORT, *options, f"http://{host}:{port}/"]
    done, problem = _run(proxy, command, seconds)
    line = next((line for line in done.splitlines() if line.startswith('{"requests"')), None)
    if line is None:
        return {}, {f"wrk: {problem or 'no report'}": 1}
    counted = json.loads(line)
    wrong = {f"wrk {kind}": counted[kind] for kind in ("connect", "read", "write", "status", "timeout") if counted[kind]}
    return {name: counted["requests"] / (counted["microseconds"] / 1e6)}, wrong


def bulk(proxy, seconds):
    """One download: iperf3."""
    host, port = proxy.target(BULK)
    command = ["iperf3", "-J", "-R", "-c", host, "-p", port, "-t", seconds, "--connect-timeout", 5000]
    done, problem = _run(proxy, command, seconds)
    try:
        report = json.loads(done)
    except ValueError:
        return {}, {f"iperf3: {problem or 'no report'}": 1}
    if "error" in report:
        return {}, {f"iperf3: {report['error']}": 1}
    return {"gigabits_per_second": report["end"]["sum_received"]["bits_per_second"] / 1e9}, {}


def _run(proxy, command, seconds):
    """(output, why it failed or nothing) of a client's program."""
    try:
        done = proxy.bed.clients.run(*command, check=False, timeout=seconds + EXTRA_SECONDS)
    except subprocess.TimeoutExpired:
        return "", f"not done after {seconds + EXTRA_SECONDS} s"
    return done.stdout, f"exit {done.returncode}: {done.stderr.strip()}" if done.returncode else ""


def latency(proxy, seconds):
    """Round trips of small requests at a fixed rate over one connection, for half the time: p50 and p99 in microseconds.

    A request whose time comes while another is unanswered goes late; its wait counts.
    """
    request = f"GET / HTTP/1.1\r\nHost: {SERVER}\r\n\r\n".encode()
    taken, wrong = [], 0
    try:
        with _connected(proxy, HTTP) as peer:
            _ask(peer, request)  # the connection to the backend is made
            gc.disable()
            begin = time.perf_counter()
            for number in range(math.ceil(seconds / 2 * REQUESTS_PER_SECOND)):
                due = begin + number / REQUESTS_PER_SECOND
                now = time.perf_counter()
                if due > now:
                    time.sleep(due - now)
                    due = time.perf_counter()
                wrong += not _ask(peer, request)
                taken.append(time.perf_counter() - due)
    except OSError as error:
        return {}, {f"latency: {error}": 1}
    finally:
        gc.enable()
    taken = sorted(1e6 * seconds for seconds in taken)
    found = {"latency_p50_us": figures.quantile(taken, 0.5), "latency_p99_us": figures.quantile(taken, 0.99)}
    return found, {"latency non-200": wrong} if wrong else {}


def _connected(proxy, port):
    peer = proxy.bed.clients.socket()
    peer.settimeout(10)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.connect(proxy.target(port))
    return peer


def _ask(peer, request):
    """Sends a request and waits for its answer, which is one segment; whether it was 200."""
    peer.sendall(request)
    answer = peer.recv(4096)
    if not answer:
        raise ConnectionError("the server has closed")
    return answer.startswith(b"HTTP/1.1 200")


def idle(proxy, count):
    """Memory of connections that do nothing: the proxy's processes' and the kernel's, before and with them.

    After the load, so that what is only used for the first time, such as buffers in their turn, isn't taken for a connection's.
    """
    with EchoServer(proxy.bed.servers, IPV4, SERVER, IDLE) as server, contextlib.ExitStack() as opened:
        before = _settled(proxy)
        refused = _open(proxy, count, opened)
        try:
            wait_until(lambda: server.accepted >= count - refused, "the backend has accepted all", seconds=10)
        except AssertionError:
            return {}, {"idle connections that the backend never saw": count - refused - server.accepted}
        after = _settled(proxy)
        if refused:
            return {}, {"idle connections refused": refused}
    own, kernel = (after_bytes - before_bytes for after_bytes, before_bytes in zip(after, before))
    return {"resident_mib": before[0] / 2**20, "idle_bytes": own / count, "idle_kernel_bytes": kernel / count}, {}


def _settled(proxy):
    """(the proxy's memory when it moves no more, the kernel's, where nothing is pending that settles)."""
    seen = [0]

    def settled():
        seen.append(processes.memory_bytes(proxy.pids()))
        return abs(seen[-1] - seen[-2]) < SETTLED

    with contextlib.suppress(AssertionError):  # then it is what it is
        wait_until(settled, "memory settles", seconds=2, every=0.1)
    return seen[-1], processes.kernel_slab_bytes()


def _open(proxy, count, opened):
    """Connects that many at once, to be reset when `opened` closes; how many were refused."""
    target, refused = proxy.target(IDLE), 0
    with selectors.DefaultSelector() as waiting:
        for _ in range(count):
            peer = opened.enter_context(proxy.bed.clients.socket())
            peer.setblocking(False)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if peer.connect_ex(target) not in (0, errno.EINPROGRESS):
                refused += 1
            else:
                waiting.register(peer, selectors.EVENT_WRITE)
        end = time.monotonic() + 10
        while waiting.get_map() and time.monotonic() < end:
            for key, _ in waiting.select(0.1):
                refused += key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
                waiting.unregister(key.fileobj)
        return refused + len(waiting.get_map())
