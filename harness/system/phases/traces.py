"""What an operation leaves behind while it works: new lines of a file, and bytes written below a directory.

Both are made when it begins and then looked at; ``since_ns`` is when the look before the last one was: what the last
one saw may be as old.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from harness.host.clock import mono_ns

_READ_BYTES = 1024 * 1024  # at a time
_LONGEST_LINE = 64 * 1024  # what is longer is looked at in pieces of that length
_LINE_END = re.compile(rb"\r\n|\n|\r")  # a progress bar ends its lines with \r


class NewLines:
    """``lines`` are the whole lines that came between the last two looks at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = b""
        self._at, self._inode = 0, 0
        try:
            found = path.stat()
            self._at, self._inode = found.st_size, found.st_ino
        except OSError:
            pass  # it will be made
        self.lines: list[str] = []
        self.since_ns = self._looked_ns = mono_ns()

    def look(self, last: bool = False) -> None:
        """With ``last`` a line without its end is one, too."""
        self.since_ns, self._looked_ns = self._looked_ns, mono_ns()
        data = self._rest
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self._inode or found.st_size < self._at:  # a new one, or begun anew
                    self._at, self._inode = 0, found.st_ino
                file.seek(self._at)
                data += file.read(_READ_BYTES)
                self._at = file.tell()
        except OSError:
            pass  # not there (yet), or not a file: nothing was said in it
        *lines, self._rest = _LINE_END.split(data)
        if self._rest and (last or len(self._rest) > _LONGEST_LINE):
            lines.append(self._rest)
            self._rest = b""
        self.lines = [line[:_LONGEST_LINE].decode(errors="replace") for line in lines]


class Growth:
    """``grown_bytes`` is what the files below ``path`` (or it itself) grew by; a new file counts whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = self._sizes()
        self._most: dict[int, int] = {}
        self.grown_bytes = 0
        self.since_ns = self._looked_ns = mono_ns()

    def look(self, last: bool = False) -> None:
        """By file: one that was renamed is the same, one that was removed has been written all the same."""
        self.since_ns, self._looked_ns = self._looked_ns, mono_ns()
        for inode, size in self._sizes().items():
            self._most[inode] = max(self._most.get(inode, 0), size - self._before.get(inode, 0))
        self.grown_bytes = sum(self._most.values())

    def _sizes(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for path in [self._path, *(Path(p, name) for p, _, names in os.walk(self._path) for name in names)]:
            try:
                if path.is_file():
                    state = path.stat()
                    found[state.st_ino] = state.st_size
            except OSError:
                continue  # removed in this moment
        return found
