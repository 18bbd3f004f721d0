"""The guest as the server that Terminus runs on: its NICs bound, terminusd started, asked, reloaded and stopped."""

import json

from harness.dut import configuration
from harness.metrics import Metrics
from harness.waiting import wait_until

from .image import TERMINUS

BIND_NIC = f"{TERMINUS}/scripts/bind-nic"
CONFIG = "/etc/terminus/{}.yaml"
LOG = "/var/log/terminusd.log"
# How a service manager starts it. All the rest is in the configuration.
CURRENT = "/etc/terminus/terminus.yaml"
COMMAND = f"/usr/local/bin/terminusd -- -c {CURRENT}"
START_SECONDS = 90
STOP_SECONDS = 60


def configurations(network, addresses):
    """The configurations that the guest has, by name: one worker; two; two, and one, that wait for interrupts; one, and only the last
    backend of each pool; one, and nothing is left to the NICs; one on CPU 1 or 2; one with a single NIC, the back one; one whose
    first NIC isn't there."""
    made = configuration(network, log={"level": "info"})
    for port, address in zip(made["ports"], addresses):
        port["device"] = address
    made["admin"] = {"socket": "/run/terminus/admin.sock"}
    two = {**made, "workers": {**made["workers"], "count": 2}}
    told = {**two, "workers": {**two["workers"], "idle": "interrupt"}}
    interrupt = {**made, "workers": {**made["workers"], "idle": "interrupt"}}
    pools = [{**pool, "backends": pool["backends"][-1:]} for pool in made["pools"]]
    own = [{**port, "offloads": {"rx_checksum": False, "tx_checksum": False, "tso": False}} for port in made["ports"]]
    front, back = made["ports"]
    both = {**front, "device": back["device"], "addresses": front["addresses"] + back["addresses"]}
    return {
        "one": made,
        "two": two,
        "told": told,
        "interrupt": interrupt,
        "second": {**made, "pools": pools},
        "own": {**made, "ports": own},
        "on-1": {**made, "workers": {"lcores": [1]}},
        "on-2": {**made, "workers": {"lcores": [2]}},
        "back": {**made, "ports": [both]},
        "nowhere": {**made, "ports": [{**front, "device": "0000:0e:00.0"}, back]},
    }


class Server:
    """terminusd in a machine."""

    def __init__(self, machine):
        self.machine = machine

    # --- its NICs

    def bind(self):
        return self.machine.run(f"{BIND_NIC} {' '.join(self.machine.addresses)}")

    def unbind(self):
        return self.machine.run(f"{BIND_NIC} --unbind {' '.join(self.machine.addresses)}")

    def driver(self, address):
        return self.machine.run(f"basename $(readlink /sys/bus/pci/devices/{address}/driver)").strip()

    def remove(self, address):
        """Off its bus by hand; the writer waits until whoever uses it has let it go."""
        self.machine.run(f"echo 1 > /sys/bus/pci/devices/{address}/remove")

    def has(self, address):
        return self.machine.run(f"test -e /sys/bus/pci/devices/{address}", check=False)[1] == 0

    # --- life

    def launch(self, config, around="{}"):
        """`around` is what the command is the last part of: limits, another user."""
        self.machine.run(
            f"mkdir -p /run/terminus; rm -f /run/exit; cp {CONFIG.format(config)} {CURRENT}\n"
            f"({around.format(f'setsid {COMMAND}')} >{LOG} 2>&1; echo $? >/run/exit) &"
        )
        wait_until(lambda: self.is_ready() or self.ended(), "terminusd is ready, or has ended", START_SECONDS, every=0.5)

    def start(self, config="one", around="{}"):
        self.launch(config, around)
        assert not self.ended(), "terminusd ended at its start"
        return self

    def try_start(self, config="one", around="{}"):
        """(exit status, log) of a start that may fail; one that doesn't is stopped again. EAL has many last words."""
        self.launch(config, around)
        status = int(self.machine.run("cat /run/exit")) if self.ended() else self.stop()
        return status, self.log(400)

    def ended(self):
        return self.machine.run("test -s /run/exit", check=False)[1] == 0

    def pid(self):
        return int(self.machine.run("pidof terminusd"))

    def stop(self):
        """SIGTERM; its exit status."""
        self.machine.run("kill -TERM $(pidof terminusd)")
        wait_until(self.ended, "terminusd ends", STOP_SECONDS, every=0.2)
        return int(self.machine.run("cat /run/exit"))

    def reload(self, config):
        self.machine.run(f"cp {CONFIG.format(config)} {CURRENT} && kill -HUP $(pidof terminusd)")

    # --- looking at it

    def is_ready(self):
        return self.machine.run("get /readyz >/dev/null 2>&1", check=False)[1] == 0

    def metrics(self, *names):
        """The series of some names; all of them would take a while on a serial line."""
        wanted = "|".join(names)
        return Metrics(self.machine.run(f"get /metrics | tr -d '\\r' | grep -E '^({wanted})[{{ ]'"))

    def drops(self, reason):
        return self.metrics("terminus_drops_total").sum("terminus_drops_total", reason=reason)

    def ctl(self, words):
        return self.machine.run(f"terminusctl {words}")

    def is_alive(self):
        return self.machine.run("get /healthz >/dev/null 2>&1", check=False)[1] == 0

    def said(self, text):
        """The lines of its log with that in them."""
        return [line for line in self.machine.run(f"cat {LOG}").splitlines() if text in line]

    def log(self, lines=40):
        return self.machine.run(f"tail -n {lines} {LOG}", check=False)[0]

    def told(self):
        """The last that terminusd and the kernel had to say, for the report of a case that failed."""
        try:
            return f"--- terminusd\n{self.log()}\n--- console\n{self.machine.console()}"
        except (AssertionError, OSError) as error:
            return f"--- the machine does not answer: {error}"


def add_configurations(archive, network, addresses):
    for name, made in configurations(network, addresses).items():
        archive.file(CONFIG.format(name), json.dumps(made, indent=1))
