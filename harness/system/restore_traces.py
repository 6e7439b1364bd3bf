"""What a restore leaves where it did something: other files of the data, and a backup that was read."""

from __future__ import annotations

import array
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from harness.host.clock import now
from harness.model import NS
from harness.system.largest_file import largest_file

# A file system notes that a file was read only where it was not since it was written last, or not for a day (relatime).
_BEFORE_NS = NS
_DAY_NS = 86_400 * NS
# FS_IOC_GETVERSION of linux/fs.h.
_GENERATION = 0x80087601
# The number of a file is given again at once. Its number, and which of those that had it.
_Which = tuple[int, int]


class RestoreTraces:
    """Looked for from now on. ``data``: the database or its directory; ``backup``: what is to be restored, which may be
    no file of this host. ``ours`` False: the files are of a system in use, and not even their times are changed."""

    def __init__(self, data: Path | None, backup: str, ours: bool = True) -> None:
        watched = [data, largest_file(data)] if data and data.is_dir() else [data] if data else []
        self._data = {path: which for path in watched if (which := _which(path))}
        self._unread_ns: dict[Path, int] = {}
        for file in _files(Path(backup)) if backup.startswith("/") else ():
            with suppress(OSError):
                unread_ns = _made_unread(file) if ours else _as_it_is(file)
                if unread_ns is not None:
                    self._unread_ns[file] = unread_ns

    def left(self) -> bool | None:
        """Whether there are any; None where nothing can be looked at."""
        if not self._data and not self._unread_ns:
            return None
        return any(map(self._was_replaced, self._data)) or any(map(self._was_read, self._unread_ns))

    def _was_replaced(self, path: Path) -> bool:
        """One that is gone may be a log that the service removed."""
        now_ = _which(path)
        return now_ is not None and now_ != self._data[path]

    def _was_read(self, file: Path) -> bool:
        try:
            return file.stat().st_atime_ns != self._unread_ns[file]
        except FileNotFoundError:  # it was moved into its place
            return True
        except OSError:
            return False


def _which(path: Path) -> _Which | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        generation = array.array("L", [0])
        with suppress(OSError):  # a file system without any
            fcntl.ioctl(descriptor, _GENERATION, generation)
        return os.fstat(descriptor).st_ino, generation[0]
    finally:
        os.close(descriptor)


def _files(backup: Path) -> list[Path]:
    with suppress(OSError):  # not for us to look into
        return [backup] if backup.is_file() else [p for p in backup.rglob("*") if p.is_file()]
    return []


def _made_unread(file: Path) -> int | None:
    """Its access time, set back so that the next one who reads it sets it; None where that is not noted."""
    stat = file.stat()
    before_ns = stat.st_mtime_ns - _BEFORE_NS
    os.utime(file, ns=(before_ns, stat.st_mtime_ns))
    with file.open("rb") as opened:
        opened.read(1)
    if stat.st_size == 0 or file.stat().st_atime_ns == before_ns:
        return None
    os.utime(file, ns=(before_ns, stat.st_mtime_ns))
    return file.stat().st_atime_ns


def _as_it_is(file: Path) -> int | None:
    """Its access time, where the next one who reads it sets it anyway."""
    stat = file.stat()
    is_old = now().wall_ns - stat.st_atime_ns > _DAY_NS
    return stat.st_atime_ns if is_old or stat.st_atime_ns <= stat.st_mtime_ns else None
