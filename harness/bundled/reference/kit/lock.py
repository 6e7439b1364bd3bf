"""One operation at a time: a lock that the kernel drops when its holder dies, with a number that only grows.

The number is checked again inside the migration's transaction, so a holder that lost the lock (its file was replaced,
it slept through its own funeral) cannot change the schema any more.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import database
import files
from errors import KitError
from phases import Deadline
from places import Places

PATIENCE_S = 3.0


@contextmanager
def held(places: Places, operation: str) -> Iterator[int]:
    """Hold the lock for ``operation``; yields the fencing number."""
    path = places.state / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = Deadline(PATIENCE_S)
        while not _try(descriptor, fcntl.LOCK_EX):
            if deadline.passed:
                raise KitError(f"locked by {_text(_read(path))}; waited {PATIENCE_S:g} s")
            time.sleep(0.05)
        number = max(int(_read(path).get("fence", 0)), database.fence(places.database)) + 1
        _write(descriptor, {"fence": number, "operation": operation, "pid": os.getpid(), "since": time.time()})
        yield number
    finally:
        os.close(descriptor)


def holder(places: Places) -> dict[str, Any] | None:
    """Who holds the lock now; a note left by a dead holder is not a lock."""
    path = places.state / "lock"
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if _try(descriptor, fcntl.LOCK_SH) else _read(path)
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}  # new, or its holder died while writing; the database remembers the number as well


def _write(descriptor: int, note: dict[str, Any]) -> None:
    text = json.dumps(note).encode()
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))
    files.sync(descriptor)


def _text(note: dict[str, Any]) -> str:
    return f"{note.get('operation', 'somebody')} (pid {note.get('pid', '?')}, fence {note.get('fence', '?')})"
