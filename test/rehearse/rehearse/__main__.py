"""scripts/rehearse."""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys

from harness.dut import ROOT
from harness.network import sweep

from . import cases, console, image, kernel, machine, server
from .bed import Bed
from .cpio import Archive
from .report import Outcome, Report

FOLDER = ROOT / "build-rehearse"
USUAL = "virtio"
CANNOT_BE_HAD = 77  # as Automake's tests say it: skipped


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/rehearse", description="Rehearses terminusd on an emulated server with PCI NICs; docs/testing.md.")
    parser.add_argument("--all", action="store_true", help="every NIC model: " + ", ".join(machine.MODELS))
    parser.add_argument("--model", choices=machine.MODELS, default=USUAL, help=f"the only NIC model ({USUAL})")
    parser.add_argument("--shell", action="store_true", help="no cases: the guest's console, NICs bound, Terminus running; Ctrl-] leaves")
    parser.add_argument("--junit", type=pathlib.Path, metavar="FILE", help="the results as JUnit XML")
    return parser.parse_args()


def lacking():
    """Why nothing can be rehearsed here; None when it can."""
    for name in ("qemu-system-x86_64", "busybox", "dpkg-deb", "nginx"):
        if shutil.which(name) is None:
            return f"there is no {name} here (scripts/install-packages run test rehearse)"
    if not (FOLDER / "kernel" / "vmlinuz").exists() and kernel.package() is None:
        return "apt knows no linux-image-amd64 here"
    return None


def give_up(why):
    print(f"rehearse: skipped: {why}", file=sys.stderr)
    sys.exit(CANNOT_BE_HAD)


def boot(bed, model, made, base):
    """The machine, with the configurations that this network needs."""
    extra = Archive()
    server.add_configurations(extra, bed.network, machine.ADDRESSES)
    extra.write(bed.folder / "extra")
    initramfs = bed.folder / "initramfs"
    with open(initramfs, "wb") as out:
        for part in (base, bed.folder / "extra"):
            out.write(part.read_bytes())
    return machine.Machine(bed, model, made.image, initramfs)


def rehearse(report, model, made, base):
    """All cases of one NIC model, in one boot."""
    with Bed(model) as bed:
        booted = []
        if not report.run(model, "boots", lambda: booted.append(boot(bed, model, made, base))):
            return
        run_cases(report, model, cases.Cases(bed, server.Server(booted[0])))


def run_cases(report, model, made):
    needed = None
    for name, function, is_needed in cases.in_order(made):
        if needed:
            report.add(Outcome(model, name, "skipped", 0, f"failed before: {needed}"))
        elif not report.run(model, name, function) and is_needed:
            needed = name
        if report.outcomes[-1].result == "failed":
            print(made.server.told(), flush=True)


def shell(model, made, base):
    with Bed(model) as bed:
        booted = boot(bed, model, made, base)
        running = server.Server(booted)
        running.bind()
        running.start()
        console.attend(booted.folder / "console", bed.network)


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("rehearse: network namespaces need root")
    why = lacking()
    if why:
        give_up(why)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # through what closes the namespaces
    sweep()
    FOLDER.mkdir(exist_ok=True)
    try:
        made = kernel.Kernel(FOLDER / "kernel").unpack()
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        give_up(f"Debian's kernel can't be fetched: {error}")
    base = FOLDER / "initramfs"
    image.make(made, base)
    if options.shell:
        return shell(options.model, made, base)
    report = Report()
    for model in machine.MODELS if options.all else [options.model]:
        rehearse(report, model, made, base)
    if options.junit:
        report.write_junit(options.junit)
    report.print_table()
    return 0 if report.count("failed") == 0 and report.count("passed") > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
