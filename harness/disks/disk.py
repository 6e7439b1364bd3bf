"""A sized disk: a real ext4 on a loop device, or a sized memory file system where the kernel allows no more."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.disks import loop
from harness.host import commands
from harness.island import mounts
from harness.island.spec import Kind

MIB = 1024 * 1024


def image(folder: Path) -> int:
    """A descriptor of a file without a name on the file system of ``folder``: gone with its last user, however that
    ends. Opened outside the island, where that file system can be written."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.dup(file.fileno())


@dataclass(frozen=True, slots=True)
class Disk:
    """A mounted sized disk. ``profile`` says what it stands on, for the report."""

    name: str
    path: Path
    size_bytes: int
    profile: str

    def free_bytes(self) -> int:
        state = os.statvfs(self.path)
        return state.f_bavail * state.f_frsize

    def used_bytes(self) -> int:
        state = os.statvfs(self.path)
        return (state.f_blocks - state.f_bfree) * state.f_frsize


def mount_sized(name: str, path: Path, size_bytes: int, kind: Kind, image_fd: int | None) -> Disk:
    """Mount a fresh disk of ``size_bytes`` at ``path`` (made if missing). ``image_fd``: where the ext4 lives (root)."""
    path.mkdir(parents=True, exist_ok=True)
    why = "no root here"
    device = -1
    if kind == "root" and image_fd is not None:
        try:
            os.ftruncate(image_fd, size_bytes)
            device, device_path = loop.attach(image_fd)
        except OSError as error:  # root of a container often has no loop devices
            why = f"no loop device: {error.strerror}"
    if device >= 0 and image_fd is not None:
        # -m 0: no blocks reserved for root, else a full disk is not full for uid 0. -b 4096: one block size for all.
        commands.check(["mkfs.ext4", "-q", "-F", "-m", "0", "-b", "4096", "-E", "nodiscard", device_path])
        mounts.mount(device_path, path, "ext4")
        os.close(device)
        os.close(image_fd)
        (path / "lost+found").rmdir()
        return Disk(name, path, size_bytes, f"ext4 on a {size_bytes // MIB} MiB loop device")
    mounts.tmpfs(path, size_bytes=size_bytes)
    profile = f"memory file system of {size_bytes // MIB} MiB ({why}; syncing costs nothing)"
    return Disk(name, path, size_bytes, profile)
