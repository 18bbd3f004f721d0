"""A machine of files for scripts/setup-host and scripts/bind-nic: a /sys, a /proc, and the programs that change them.

Stand-ins in PATH play the kernel. `tee`, by which the scripts write to /sys, does what a write there does: it reserves
as many hugepages as there is memory for, and takes drivers from devices and gives them others.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
SECONDS = 20

TEE = """#!/bin/bash
# Plays the kernel on a machine of files.
T={root}
sys=$T/sys
read -r value || true
echo "$value > ${{1#"$sys"}}" >>"$T/writes"
plug() {{ # a device gets a driver, and with its own one an interface
    ln -s "$sys/bus/pci/drivers/$2" "$sys/bus/pci/devices/$1/driver"
    if [[ $2 == "$(<"$T/native/$1")" ]]; then mv "$T/hidden/$1"/* "$sys/class/net/" 2>/dev/null || true; fi
}}
case $1 in
    */nr_hugepages)
        most=$(cat "$T/most-pages" 2>/dev/null || echo "$value") least=$(cat "$T/pages-in-use" 2>/dev/null || echo 0)
        if ((value > most)); then value=$most; fi
        if ((value < least)); then value=$least; fi
        echo "$value" >"$1"
        ;;
    */driver/unbind)
        rm "$sys/bus/pci/devices/$value/driver"
        mkdir -p "$T/hidden/$value"
        for interface in "$sys"/class/net/*; do
            if [[ $(readlink -f "$interface/device")/ == $(readlink -f "$sys/bus/pci/devices/$value")/* ]]; then
                mv "$interface" "$T/hidden/$value/"
            fi
        done
        ;;
    */drivers_probe)
        device=$sys/bus/pci/devices/$value
        [[ -e $device/driver ]] && exit 1
        wanted=$(<"$device/driver_override")
        : "${{wanted:=$(<"$T/native/$value")}}"
        if [[ ! -d $sys/bus/pci/drivers/$wanted || -e $T/refuses/$wanted ]]; then
            echo "tee: $1: Invalid argument" >&2
            exit 1
        fi
        plug "$value" "$wanted"
        ;;
    *) echo "$value" >"$1" ;;
esac
"""

IP = """#!/bin/bash
T={root}
case "$*" in
    "-o -4 route show table all" | "-o -6 route show table all") cat "$T/routes${{2#-}}" ;;
    "-o address show dev "*" scope global") cat "$T/address-$5" 2>/dev/null || true ;;
    *) echo "no such ip: $*" >&2; exit 1 ;;
esac
"""

MODPROBE = """#!/bin/bash
T={root}
echo "modprobe $*" >>"$T/commands"
module="${{*: -1}}"
if [[ -e $T/no-module/$module ]]; then echo "modprobe: FATAL: Module $module not found" >&2; exit 1; fi
if [[ $1 == -r ]]; then rmdir "$T/sys/bus/pci/drivers/$module"; else mkdir -p "$T/sys/bus/pci/drivers/$module"; fi
"""

MOUNT = """#!/bin/bash
T={root}
echo "mount $*" >>"$T/commands"
echo "hugetlbfs ${{*: -1}} hugetlbfs rw,relatime,$4 0 0" >>"$T/proc/mounts"
"""

UMOUNT = """#!/bin/bash
T={root}
echo "umount $*" >>"$T/commands"
sed -i "\\\\|$1|d" "$T/proc/mounts"
"""


@unittest.skipUnless(os.geteuid() == 0, "the scripts want root, whatever they change")
class MadeUpMachine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.sys, self.proc, self.state = (self.root / name for name in ("sys", "proc", "state"))
        for name in ("bin", "proc", "native", "hidden", "refuses", "no-module", "sys/class/net", "sys/class/iommu", "sys/bus/pci/devices",
                     "sys/bus/pci/drivers", "sys/kernel/iommu_groups", "sys/devices/pci0000:3a"):
            (self.root / name).mkdir(parents=True)
        self.write("proc/mounts", "proc /proc proc rw 0 0\n")
        self.write("proc/meminfo", "MemTotal: 1000 kB\nHugepagesize:       2048 kB\n")
        for name in ("routes4", "routes6", "writes", "commands"):
            self.write(name, "")
        for name, text in (("tee", TEE), ("ip", IP), ("modprobe", MODPROBE), ("mount", MOUNT), ("umount", UMOUNT)):
            self.write(f"bin/{name}", text.format(root=self.root)).chmod(0o755)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def read(self, name):
        return (self.root / name).read_text()

    def call(self, *command):
        """A script's, or another command's, exit status, output and errors."""
        env = dict(
            os.environ, PATH=f"{SCRIPTS}:{self.root}/bin:{os.environ['PATH']}", TERMINUS_SYS=str(self.sys), TERMINUS_PROC=str(self.proc),
            TERMINUS_DEV=str(self.root / "dev"), TERMINUS_STATE=str(self.state),
        )
        done = subprocess.run(command, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS)
        return done.returncode, done.stdout, done.stderr

    def call_as_nobody(self, script, *options):
        """The same without root's rights, for whom the source tree may be out of reach."""
        self.root.chmod(0o755)
        copy = self.root / "scripts"
        shutil.copytree(SCRIPTS / "lib", copy / "lib")
        shutil.copy(SCRIPTS / script, copy)
        return self.call("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy / script, *options)

    def snapshot(self):
        """All of /sys: what is a link, and what a file says."""
        paths = sorted(self.sys.rglob("*"))
        return {str(path): os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else "" for path in paths}

    # --- its parts

    def add_driver(self, name):
        (self.sys / "bus/pci/drivers" / name).mkdir(exist_ok=True)

    def add_nic(self, address, driver, interface, group=None, kind="0x020000", below=""):
        """`below` is a folder between the device and its interface, as virtio's."""
        self.add_driver(driver)
        device = self.sys / "devices/pci0000:3a" / address
        (device / below).mkdir(parents=True)
        (self.sys / "bus/pci/devices" / address).symlink_to(device)
        for name, text in (("class", kind), ("vendor", "0x8086"), ("device", "0x1572"), ("numa_node", "0"), ("driver_override", "(null)")):
            (device / name).write_text(f"{text}\n")
        (device / "driver_override").write_text("\n")
        (device / "driver").symlink_to(self.sys / "bus/pci/drivers" / driver)
        (self.root / "native" / address).write_text(driver)
        if group is not None:
            members = self.sys / "kernel/iommu_groups" / group / "devices"
            members.mkdir(parents=True, exist_ok=True)
            (members / address).symlink_to(device)
            (device / "iommu_group").symlink_to(members.parent)
        if interface:
            self.add_interface(interface)
            (self.sys / "class/net" / interface / "device").symlink_to(device / below)

    def add_interface(self, name, *lowers):
        (self.sys / "class/net" / name).mkdir()
        for lower in lowers:
            (self.sys / "class/net" / lower / f"upper_{name}").symlink_to(self.sys / "class/net" / name)

    def driver_of(self, address):
        link = self.sys / "bus/pci/devices" / address / "driver"
        return os.path.basename(os.readlink(link)) if link.is_symlink() else None

    def add_node(self, number, pages=0, kilobytes=2048, memory=1000):
        self.write(f"sys/devices/system/node/node{number}/meminfo", f"Node {number} MemTotal:       {memory} kB\n")
        for name, value in (("nr_hugepages", pages), ("free_hugepages", pages)):
            self.write(self.pages_file(number, kilobytes, name), f"{value}\n")
        (self.sys / f"kernel/mm/hugepages/hugepages-{kilobytes}kB").mkdir(parents=True, exist_ok=True)

    def pages_file(self, node, kilobytes=2048, name="nr_hugepages"):
        return f"sys/devices/system/node/node{node}/hugepages/hugepages-{kilobytes}kB/{name}"

    def pages(self, node, kilobytes=2048):
        return int(self.read(self.pages_file(node, kilobytes)))
