"""Debian's kernel, unpacked and not installed: the image and the modules that the guest loads."""

import contextlib
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

from harness.process import run

# At the boot, and only when something asks for them.
LOADED = ("vfio_iommu_type1", "vfio_pci", "virtio_pci", "virtio_net", "e1000e", "vmxnet3")
MODULES = (*LOADED, "uio_pci_generic")
# What those depend on; which is which the modules say themselves.
UNDERNEATH = (
    "vfio", "vfio_virqfd", "vfio_pci_core", "irqbypass", "uio", "virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
    "net_failover", "failover",
)


def package():
    """The name of the package that Debian's newest kernel is in."""
    text = run("apt-cache", "depends", "linux-image-amd64", check=False).stdout
    found = re.search(r"Depends: (linux-image-\S+)", text)
    return found.group(1) if found else None


class Kernel:
    """The unpacked kernel in a folder. An earlier run's is taken as it is, unless it lacks a module of today's."""

    def __init__(self, folder):
        self.folder = folder
        self.image = folder / "vmlinuz"

    @property
    def release(self):
        return (self.folder / "release").read_text()

    def is_there(self):
        names = ("vmlinuz", "release", *(f"{name}.ko" for name in (*MODULES, *UNDERNEATH)))
        return all((self.folder / name).exists() for name in names)

    def unpack(self):
        """Unpacks beside the folder and puts that in its place, so that of two runs at once neither sees half a kernel."""
        if self.is_there():
            return self
        made = pathlib.Path(tempfile.mkdtemp(prefix="kernel-", dir=self.folder.parent))
        try:
            _fetch(made)
            with contextlib.suppress(OSError):  # the other run was faster: its folder isn't empty
                made.rename(self.folder)
            if not self.is_there():  # an older version's
                shutil.rmtree(self.folder)
                made.rename(self.folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        assert self.is_there(), "Debian's kernel lacks a module"
        return self

    def module(self, name):
        return self.folder / f"{name}.ko"

    def needed_by(self, name):
        """What a module needs below it, in the order in which it is loaded."""
        ordered = []

        def add(below):
            for other in depends(self.module(below).read_bytes()):
                add(other)
            if below not in ordered and below != name:
                ordered.append(below)

        add(name)
        return ordered

    def dependencies(self):
        """modules.dep, for modprobe: each module's file, and those that it needs, what is loaded first last."""
        lines = []
        for name in (*MODULES, *UNDERNEATH):
            lines.append(f"{name}.ko:" + "".join(f" {other}.ko" for other in reversed(self.needed_by(name))))
        return "\n".join(lines) + "\n"


def _fetch(folder):
    """Debian's package, taken apart into a folder: the image, modules, and which release it is."""
    # apt wants to fetch as a user of its own, who may not write here; it says so and goes on as root.
    run("apt-get", "-q", "download", package(), cwd=folder, timeout=300)
    (deb,) = folder.glob("linux-image-*.deb")
    wanted = {*MODULES, *UNDERNEATH}
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as unpacking:
        with tarfile.open(fileobj=unpacking.stdout, mode="r|") as tar:
            for member in tar:
                path = pathlib.Path(member.name)
                if path.name.startswith("vmlinuz-"):
                    (folder / "vmlinuz").write_bytes(tar.extractfile(member).read())
                    (folder / "release").write_text(path.name.removeprefix("vmlinuz-"))
                elif path.suffix == ".ko" and _name(path) in wanted:
                    (folder / f"{_name(path)}.ko").write_bytes(tar.extractfile(member).read())
    deb.unlink()


def depends(module):
    """The names of the modules that a module says it needs."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name.replace("-", "_") for name in found.group(1).decode().split(",") if name] if found else []


def _name(path):
    return path.stem.replace("-", "_")
