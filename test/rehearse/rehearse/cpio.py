"""Writing cpio archives of the kind that a Linux kernel unpacks at its start (newc)."""

import os
import pathlib
import stat


class Archive:
    """The files of an initramfs. Folders are made for what is put in; several archives in a row are one."""

    def __init__(self):
        self._entries = {}

    def file(self, path, content, mode=0o644):
        self._put(path, stat.S_IFREG | mode, content.encode() if isinstance(content, str) else content)

    def link(self, path, target):
        self._put(path, stat.S_IFLNK | 0o777, str(target).encode())

    def folder(self, path):
        self._put(path, stat.S_IFDIR | 0o755, b"")

    def copy(self, source, path=None):
        """A file of this machine, by way of the same links as here."""
        source = pathlib.Path(source)
        path = str(path or source)
        while source.is_symlink():
            target = os.path.join(source.parent, os.readlink(source))
            self.link(path, target)
            source, path = pathlib.Path(target), target
        self.file(path, source.read_bytes(), 0o755 if os.access(source, os.X_OK) else 0o644)

    def write(self, path):
        with open(path, "wb") as out:
            for number, (name, (mode, content)) in enumerate(self._entries.items(), 1):
                out.write(_entry(name, number, mode, content))
            out.write(_entry("TRAILER!!!", 0, 0, b""))

    def _put(self, path, mode, content):
        name = _placed(path)
        parent = os.path.dirname(name)
        if parent and parent not in self._entries:
            self.folder(parent)
        self._entries[name] = mode, content


def _placed(path):
    """/lib, /bin and the like are links into /usr, as on Debian: what is there is kept at one place."""
    name = os.path.normpath(str(path)).lstrip("/")
    first = name.split("/")[0]
    return f"usr/{name}" if first in ("bin", "sbin", "lib", "lib64") and "/" in name else name


def _entry(name, number, mode, content):
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(content)


def _padded(data):
    return data + bytes(-len(data) % 4)
