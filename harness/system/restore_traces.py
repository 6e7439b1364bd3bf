"""What a restore leaves where it did something: another file of the data, and a backup that was read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from harness.system.largest_file import largest_file

# A file system may note that a file was read only where it was not since it was written last (mount option relatime).
_BEFORE_NS = 1_000_000_000


class RestoreTraces:
    """Looked for from now on. ``data``: the database or its directory; ``backup``: what is to be restored, which may be
    no file of this host."""

    def __init__(self, data: Path | None, backup: str) -> None:
        self._data = data
        self._backup = Path(backup) if backup.startswith("/") else None
        self._inode = self._data_inode()
        self._unread_ns: dict[Path, int] = {}
        for file in self._backup_files():
            with suppress(OSError):  # one that nobody may change: whether it is read is not seen then
                written_ns = file.stat().st_mtime_ns
                os.utime(file, ns=(written_ns - _BEFORE_NS, written_ns))
                self._unread_ns[file] = file.stat().st_atime_ns

    def left(self) -> bool | None:
        """Whether there are any; None where nothing can be looked at."""
        if self._inode is None and not self._unread_ns:
            return None
        return self._data_inode() != self._inode or any(map(self._was_read, self._unread_ns))

    def _was_read(self, file: Path) -> bool:
        try:
            return file.stat().st_atime_ns != self._unread_ns[file]
        except OSError:  # gone: it was moved into its place
            return True

    def _data_inode(self) -> int | None:
        """Of the largest file, which is most of the data."""
        with suppress(OSError):
            if self._data and (file := largest_file(self._data)).is_file():
                return file.stat().st_ino
        return None

    def _backup_files(self) -> list[Path]:
        if self._backup is None:
            return []
        return [self._backup] if self._backup.is_file() else [p for p in self._backup.rglob("*") if p.is_file()]
