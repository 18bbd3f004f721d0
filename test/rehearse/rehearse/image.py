"""The guest's root: busybox, the kernel's modules, the release build and the libraries that it loads, our scripts."""

import pathlib
import re
import tempfile

from harness.dut import ROOT, program
from harness.process import run

from .cpio import Archive
from .kernel import LOADED, MODULES, UNDERNEATH

PMDS = pathlib.Path("/usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0")
DRIVERS = ("bus_pci", "bus_vdev", "mempool_ring", "net_e1000", "net_virtio", "net_vmxnet3")
# Asks terminusd's HTTP server; a statically linked busybox can't, for it can't look names up.
GET = """\
#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/9464 || exit 1
printf 'GET %s HTTP/1.0\\r\\n\\r\\n' "$1" >&3
read -r -t 10 answer <&3
cat <&3
[[ $answer == *" 200 "* ]]
"""
# bind-nic's: busybox has no bash, and its find and ip lack options that bind-nic uses. Its setpriv can't change users.
TOOLS = ("bash", "find", "ip", "setpriv")
TERMINUS = "/opt/terminus"

INIT = """\
#!/usr/bin/busybox sh
/usr/bin/busybox --install -s /usr/bin 2>/dev/null
export PATH=/usr/local/bin:/usr/bin:/usr/sbin HOME=/root TERM=linux
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /run
mount -t tmpfs none /tmp
ln -s /proc/self/fd /dev/fd
ln -s /run /var/run
chmod 755 /  # DPDK loads no drivers from below a folder that all may write to
mkdir -p /dev/hugepages /var/log
mount -t hugetlbfs none /dev/hugepages
ip link set lo up
# without: a word of the kernel's command line, which hands on what it doesn't know
for module in $(cat /etc/modules); do
    case $module in "${without:-none}"*) ;; *) modprobe "$module" || echo "no $module" ;; esac
done
setsid sh /etc/agent </dev/ttyS1 >/dev/ttyS1 2>&1 &
while :; do setsid cttyhack sh; done
"""
# A command comes in one line of base64, so that nothing in it means anything to the terminal.
AGENT = """\
stty raw -echo
echo @@ready
while read -r line; do
    echo "$line" | base64 -d >/run/command
    sh /run/command </dev/null 2>&1
    printf '\\n@@done %s\\n' $?
done
"""


def make(kernel, path):
    """Writes the initramfs that all guests of this build have in common."""
    archive = Archive()
    for name in ("bin", "sbin", "lib", "lib64"):
        archive.folder(f"/usr/{name}")
        archive.link(name, f"usr/{name}")
    for name in ("/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/var/log"):
        archive.folder(name)
    archive.copy(run("which", "busybox").stdout.strip(), "/usr/bin/busybox")
    archive.file("/init", INIT, 0o755)
    archive.file("/etc/agent", AGENT)
    archive.file("/usr/local/bin/get", GET, 0o755)
    archive.link("/usr/sbin/modprobe", "/usr/bin/busybox")  # where the kernel itself asks for modules
    archive.file("/etc/modules", "".join(f"{name}\n" for name in LOADED))
    modules = f"/usr/lib/modules/{kernel.release}"
    archive.file(f"{modules}/modules.dep", kernel.dependencies())
    for name in (*MODULES, *UNDERNEATH):
        archive.copy(kernel.module(name), f"{modules}/{name}.ko")
    _add_programs(archive)
    for script in ("bind-nic", "setup-host", "lib/host.sh", "lib/nics.sh"):
        archive.copy(ROOT / "scripts" / script, f"{TERMINUS}/scripts/{script}")
    archive.write(path)


def _add_programs(archive):
    programs = [program(name, "release") for name in ("terminusd", "terminusctl")]
    for made in programs:
        archive.file(f"/usr/local/bin/{made.name}", _stripped(made), 0o755)
    tools = [pathlib.Path(run("which", tool).stdout.strip()) for tool in TOOLS]
    # EAL loads whatever is called so in its folder of drivers.
    drivers = [PMDS / f"librte_{name}.so.23.0" for name in DRIVERS]
    for tool in tools:
        archive.copy(tool.resolve(), f"/usr/bin/{tool.name}")
    for driver in drivers:
        archive.copy(driver)
    for library in _libraries([*programs, *tools, *drivers]):
        archive.copy(library)


def _stripped(path):
    """A program without its symbols, of which a build with debugging information has a hundred megabytes."""
    with tempfile.NamedTemporaryFile() as out:
        run("strip", "-o", out.name, path)
        return pathlib.Path(out.name).read_bytes()


def _libraries(files):
    text = run("ldd", *files).stdout
    return sorted(set(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", text, re.M)))
