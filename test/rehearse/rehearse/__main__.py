"""scripts/rehearse."""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from harness.dut import ROOT
from harness.network import sweep

from . import cases, console, doctor, image, kernel, machine, person, server
from .bed import Bed
from .cpio import Archive
from .report import Outcome, Report

FOLDER = ROOT / "build-rehearse"
USUAL = "virtio"
CANNOT_BE_HAD = 77  # as Automake's tests say it: skipped
# What a server lacks that the doctor is asked on, and which of these are part of a short rehearsal.
LACKING = [(doctor.Bare, machine.BARE), (doctor.WithoutIommu, machine.WITHOUT_IOMMU), (doctor.UnusedIommu, machine.IOMMU_UNUSED)]
BRIEFLY = (doctor.Bare, doctor.WithoutIommu)


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/rehearse", description="Rehearses terminusd on an emulated server with PCI NICs; docs/testing.md.")
    parser.add_argument("--all", action="store_true", help="every NIC model: " + ", ".join(machine.MODELS))
    parser.add_argument("--model", choices=machine.MODELS, default=USUAL, help=f"the only NIC model ({USUAL})")
    parser.add_argument("--shell", action="store_true", help="no cases: the guest's console, NICs bound, Terminus running; Ctrl-] leaves")
    parser.add_argument("--junit", type=pathlib.Path, metavar="FILE", help="the results as JUnit XML")
    return parser.parse_args()


def lacking():
    """Why nothing can be rehearsed here; None when it can."""
    for name in ("qemu-system-x86_64", "busybox", "dpkg-deb", "nginx", "iperf3", "strip"):
        if shutil.which(name) is None:
            return f"there is no {name} here (scripts/install-packages run test rehearse)"
    if not kernel.Kernel(FOLDER / "kernel").is_there() and kernel.package() is None:
        return "apt knows no linux-image-amd64 here"
    return None


def give_up(why):
    print(f"rehearse: skipped: {why}", file=sys.stderr)
    sys.exit(CANNOT_BE_HAD)


def boot(bed, model, made, base, how=machine.READY):
    """The machine, with the configurations that this network needs."""
    extra = Archive()
    server.add_configurations(extra, bed.network, machine.ADDRESSES)
    extra.write(bed.folder / "extra")
    initramfs = bed.folder / "initramfs"
    with open(initramfs, "wb") as out:
        for part in (base, bed.folder / "extra"):
            out.write(part.read_bytes())
    return machine.Machine(bed, model, made.image, initramfs, how)


def rehearse(report, bed, model, made, base, kind, how=machine.READY):
    """All cases of one kind, in one boot."""
    booted = []
    if not report.run(model, f"boots, {how.name}", lambda: booted.append(boot(bed, model, made, base, how))):
        return
    try:
        run_cases(report, model, kind(bed, server.Server(booted[0])))
    finally:
        booted[0].close()


def run_cases(report, model, made):
    needed = None
    for name, function, is_needed in made.in_order():
        if needed:
            report.add(Outcome(model, name, "skipped", 0, f"failed before: {needed}"))
        elif not report.run(model, name, function) and is_needed:
            needed = name
        if report.outcomes[-1].result == "failed":
            print(made.server.told(), flush=True)


def shell(model, made, base):
    print("The machine boots, and Terminus starts: half a minute or so.", flush=True)
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
    with tempfile.TemporaryDirectory(prefix="terminus-rehearse-") as folder:
        base = pathlib.Path(folder) / "initramfs"
        image.make(made, base)
        if options.shell:
            return shell(options.model, made, base)
        report = Report()
        for model in machine.MODELS if options.all else [options.model]:
            with Bed(model) as bed:
                rehearse(report, bed, model, made, base, cases.Cases)
                for kind, how in LACKING if model == USUAL else []:
                    if options.all or kind in BRIEFLY:
                        rehearse(report, bed, model, made, base, kind, how)
        if options.all:
            report.run(USUAL, "--shell: console, prompt, Ctrl-], nothing is left", lambda: person.at_the_console(USUAL))
    if options.junit:
        report.write_junit(options.junit)
    report.print_table()
    return 0 if report.count("failed") == 0 and report.count("passed") > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
