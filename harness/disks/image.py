"""Disk images in memory, without a name: gone with their last user, however that ends."""

from __future__ import annotations

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_KEEP_SIZE, _PUNCH_HOLE = 1, 2


def in_memory(name: str, size: int = 0) -> int:
    """A descriptor of an empty sparse file of ``size`` bytes. Not on a mounted file system: a loop device over a file
    that lies on the tree it is mounted in would keep itself alive."""
    fd = os.memfd_create(name)
    os.ftruncate(fd, size)
    return fd


def punch(fd: int, offset: int, length: int) -> None:
    """Make a stretch of the file read as zeros, and take no memory."""
    if _libc.fallocate(fd, _PUNCH_HOLE | _KEEP_SIZE, ctypes.c_long(offset), ctypes.c_long(length)):
        raise OSError(ctypes.get_errno(), "zero a stretch of an image")


def sync_file_system(fd: int) -> None:
    """syncfs(2): all that is dirty on the file system of ``fd`` is on its disk when this returns."""
    if _libc.syncfs(fd):
        raise OSError(ctypes.get_errno(), "syncfs")
