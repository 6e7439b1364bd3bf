"""The mount calls of the kernel, straight: mount(2) and mount_setattr(2)."""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

from harness.errors import ExitCode, HarnessError

_libc = ctypes.CDLL(None, use_errno=True)

MS_NOSUID, MS_NODEV, MS_BIND, MS_REC = 2, 4, 4096, 16384
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MOUNT_ATTR_RDONLY = 1
_MNT_DETACH = 2
_SYS_MOUNT_SETATTR = 442  # the same number on every architecture; Linux 5.12


def mount(source: str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2); a ``source`` such as /proc/self/fd/N binds a directory opened before it was covered."""
    if _libc.mount(source.encode(), os.fsencode(target), kind.encode() or None, flags, options.encode() or None):
        _raise(f"mount {kind or 'bind'} at {target}")


def set_read_only(target: Path, read_only: bool, recursive: bool = False) -> None:
    """Set or clear the read-only flag of the mount at ``target`` (and of all below it)."""
    attributes = struct.pack("<QQQQ", *((_MOUNT_ATTR_RDONLY, 0) if read_only else (0, _MOUNT_ATTR_RDONLY)), 0, 0)
    if _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(os.fsencode(target)),
        ctypes.c_uint(_AT_RECURSIVE if recursive else 0),
        ctypes.c_char_p(attributes),
        ctypes.c_size_t(len(attributes)),
    ):
        _raise(f"make {target} {'read-only' if read_only else 'writable'}")


def detach(target: Path) -> None:
    """umount2(2), lazily: the name is gone at once, the mount with its last user."""
    if _libc.umount2(os.fsencode(target), _MNT_DETACH):
        _raise(f"detach the mount at {target}")


def tmpfs(target: Path, mode: str = "0755", size_bytes: int | None = None) -> None:
    """A fresh memory file system at ``target``."""
    options = f"mode={mode}" + (f",size={size_bytes}" if size_bytes else "")
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options)


def _raise(what: str) -> None:
    number = ctypes.get_errno()
    raise HarnessError(what, os.strerror(number), "see `deploydrill doctor`", ExitCode.HOST_CANNOT)
