"""Debian's kernel, unpacked and not installed: the image and the modules that the guest loads."""

import pathlib
import re
import subprocess
import tarfile

from harness.process import run

MODULES = ("vfio", "vfio_iommu_type1", "vfio_pci", "virtio_pci", "virtio_net", "e1000e", "vmxnet3")
# What those depend on; which is which the modules say themselves.
UNDERNEATH = (
    "vfio_virqfd", "vfio_pci_core", "irqbypass", "virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
    "net_failover", "failover",
)


def package():
    """The name of the package that Debian's newest kernel is in."""
    text = run("apt-cache", "depends", "linux-image-amd64", check=False).stdout
    found = re.search(r"Depends: (linux-image-\S+)", text)
    return found.group(1) if found else None


class Kernel:
    """The unpacked kernel in a folder. An earlier run's is taken as it is."""

    def __init__(self, folder):
        self.folder = folder
        self.image = folder / "vmlinuz"

    def unpack(self):
        if self.image.exists():
            return self
        self.folder.mkdir(parents=True, exist_ok=True)
        # apt wants to fetch as a user of its own, who may not write here; it says so and goes on as root.
        run("apt-get", "-q", "download", package(), cwd=self.folder, timeout=300)
        (deb,) = self.folder.glob("linux-image-*.deb")
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as unpacking:
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as tar:
                image = self._take(tar)
        deb.unlink()
        assert image, f"{deb.name} has no kernel"
        self.image.write_bytes(image)  # last: where it is, all the rest is
        return self

    def _take(self, tar):
        image, wanted = None, {*MODULES, *UNDERNEATH}
        for member in tar:
            path = pathlib.Path(member.name)
            if path.name.startswith("vmlinuz-"):
                image = tar.extractfile(member).read()
            elif path.suffix == ".ko" and _name(path) in wanted:
                (self.folder / f"{_name(path)}.ko").write_bytes(tar.extractfile(member).read())
        return image

    def modules(self):
        """The modules' files in an order in which they can be loaded."""
        ordered = []

        def add(name):
            path = self.folder / f"{name}.ko"
            assert path.exists(), f"Debian's kernel has no module {name}"
            for other in depends(path.read_bytes()):
                add(other)
            if path not in ordered:
                ordered.append(path)

        for name in MODULES:
            add(name)
        return ordered


def depends(module):
    """The names of the modules that a module says it needs."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name.replace("-", "_") for name in found.group(1).decode().split(",") if name] if found else []


def _name(path):
    return path.stem.replace("-", "_")
