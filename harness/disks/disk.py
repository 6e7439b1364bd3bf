"""A sized disk: a real ext4 on a loop device, or a sized memory file system where the kernel allows no more."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.disks import loop
from harness.disks.image import in_memory
from harness.host import commands
from harness.host.sizes import size
from harness.island import mounts
from harness.model import Kind

MIB = 1024 * 1024
_LEFT_BYTES = 1024 * MIB
_IN_MEMORY = "/memfd:"


def image(folder: Path) -> int:
    """A descriptor of a file without a name on the file system of ``folder``: gone with its last user, however that
    ends. Opened outside the island, where that file system can be written."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.dup(file.fileno())


def images(folder: Path, sizes: Mapping[str, int], timed: bool) -> dict[str, int]:
    """An image for each disk, by name. A run whose times are claims has them on the disk of ``folder``; it is alone
    there. The others run side by side, and on one disk would wait for whatever their neighbours sync and free: theirs
    are in memory, as long as there is enough of it."""
    import psutil  # nobody else of those that know disks needs it

    enough = psutil.virtual_memory().available >= sum(sizes.values()) + _LEFT_BYTES
    return {name: in_memory(name) if enough and not timed else image(folder) for name in sizes}


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

    def set_read_only(self, read_only: bool) -> None:
        """As the kernel remounts a disk that has errors: writes fail with EROFS until it is set back."""
        mounts.set_read_only(self.path, read_only)

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
        where = " in memory: no claim about time is judged on it"
        where = where if os.readlink(f"/proc/self/fd/{image_fd}").startswith(_IN_MEMORY) else ""
        os.close(image_fd)
        (path / "lost+found").rmdir()
        return Disk(name, path, size_bytes, f"ext4 on a loop device of {size(size_bytes)}{where}")
    mounts.tmpfs(path, size_bytes=size_bytes)
    profile = f"memory file system of {size(size_bytes)} ({why}; syncing costs nothing)"
    return Disk(name, path, size_bytes, profile)
