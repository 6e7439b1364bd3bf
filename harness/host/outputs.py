"""What programs print, kept within a bound: the first and the last of it, and a line that says how much is left out."""

from __future__ import annotations

import ctypes
import io
import os
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

HEAD_BYTES = 256 * 1024
TAIL_BYTES = 1024 * 1024
# Only what is well beyond both is cut, so that a file is not cut again for every line more.
MOST_BYTES = 4 * (HEAD_BYTES + TAIL_BYTES)
_EVERY_S = 0.25
_COLLAPSE_RANGE = 8  # linux/falloc.h; ext4 and XFS can
_PUNCH_HOLE = 2 | 1  # and the size stays; they can, and Btrfs and tmpfs
_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
# How far from its end an output is looked through for the line that tells its error.
_TOLD_BYTES = 16 * 1024


def trim(path: Path, hollow: bool = False) -> int:
    """Cut a file that grew too long, also while its program writes on (it has it open for appending); the bytes left
    out. Where the file system cannot take a range out of a file, what is written in this very moment may be among
    them.

    ``hollow``: there the middle is only emptied, which costs no room either and loses nothing; the file has to be cut
    once its program has ended."""
    try:
        with path.open("r+b", buffering=0) as file:
            state = os.fstat(file.fileno())
            if state.st_size <= MOST_BYTES:
                return 0
            if left_out := _taken_out(file, state):
                return left_out
            return (hollow and _emptied(file, state.st_size)) or _copied(file, path, state.st_size)
    except FileNotFoundError:
        return 0


def _note(left_out: int) -> bytes:
    return f"\n[deploydrill: {left_out} bytes left out here]\n".encode()


def _taken_out(file: io.FileIO, state: os.stat_result) -> int:
    """The middle taken out of the file in one step, whatever is appended meanwhile; 0 where that cannot be done. The
    note takes the place of a few bytes more."""
    block = max(state.st_blksize, 1)
    length = (state.st_size - HEAD_BYTES - TAIL_BYTES) // block * block
    if HEAD_BYTES % block or _libc.fallocate(file.fileno(), _COLLAPSE_RANGE, HEAD_BYTES, length):
        return 0
    left_out = length + len(_note(length))
    left_out = length + len(_note(left_out))  # with one digit more, perhaps
    os.pwrite(file.fileno(), _note(left_out), HEAD_BYTES)
    return left_out


def _emptied(file: io.FileIO, size: int) -> int:
    length = size - HEAD_BYTES - TAIL_BYTES
    return 0 if _libc.fallocate(file.fileno(), _PUNCH_HOLE, HEAD_BYTES, length) else length


def _copied(file: io.FileIO, path: Path, size: int) -> int:
    start = size - TAIL_BYTES
    file.seek(start)
    end, read = b"", 0
    # To where it ends by now: its last words are what it is kept for, and may come while it is read.
    while read < MOST_BYTES and (more := file.read(TAIL_BYTES)):
        end, read = (end + more)[-TAIL_BYTES:], read + len(more)
    file.truncate(HEAD_BYTES)
    left_out = start + read - HEAD_BYTES - len(end)
    with path.open("ab") as again:
        again.write(_note(left_out) + end)
    return left_out


def last_line(path: Path, limit: int = 300) -> str:
    """The last line that says anything, cut to ``limit`` characters; however long the file and its lines are."""
    lines = tail(path, 8 * limit).strip().splitlines() if path.exists() else []
    return lines[-1].strip()[-limit:] if lines else ""


def error_in(path: Path) -> str:
    """``telling_line`` of the end of a file; empty if there is none, or nothing in it."""
    return telling_line(tail(path, _TOLD_BYTES)) if path.exists() else ""


# What a line says that tells an error, the plainest first: the words of systems and programs, in no order of ours.
_ERRORS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"no space left|disk is full|quota exceeded|out of memory|permission denied|operation not permitted|read-only"
        r"|no such file|connection refused|connection reset|timed? ?out|(database|resource|device) (is )?(locked|busy)"
        r"|address already in use|not a database|malformed|corrupt",
        r"\b(error|fatal|panic|exception)\b|\w(Error|Exception)\b",
        r"\b(fail(ed|ure)?|can ?not|can't|could not|unable to|refused|denied|abort(ed|ing)?|invalid|missing)\b",
    )
)
_NO_ERROR = re.compile(r"\b(0|no|without|zero) (error|failure|warning)", re.IGNORECASE)


def telling_line(text: str, limit: int = 300) -> str:
    """The line of a program's output that tells its error, cut to ``limit`` characters: the last of the plainest there
    are, such as one with ``No space left on device``; where none looks like an error, the last that says anything."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for pattern in _ERRORS:
        for line in reversed(lines):
            if pattern.search(line) and not _NO_ERROR.search(line):
                return line[:limit]
    return lines[-1][:limit] if lines else ""


def tail(path: Path, most_bytes: int) -> str:
    """The end of a file."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - most_bytes))
        return file.read(most_bytes).decode(errors="replace")


def count(path: Path, word: bytes) -> int:
    """How often ``word`` stands in a file, read piece by piece."""
    if not path.exists():
        return 0
    found, rest = 0, b""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found += (rest + piece).count(word)
            # A word across two pieces: one less than its length cannot hold it whole.
            rest = (rest + piece)[-(len(word) - 1) :]
    return found


class Watch:
    """Trims the files of ``listing`` a few times a second, until stopped."""

    def __init__(self, listing: Callable[[], Iterable[Path]]) -> None:
        self._listing = listing
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="outputs", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(_EVERY_S):
            self._trim()

    def _trim(self) -> None:
        for path in self._listing():
            trim(path)

    def stop(self) -> None:
        if not self._end.is_set():
            self._end.set()
            self._thread.join(10.0)
            self._trim()
