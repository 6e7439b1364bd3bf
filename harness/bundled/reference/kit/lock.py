"""One operation at a time: a lock that the kernel drops when its holder dies, and a lease for one that stands still.

The holder renews its lease from a thread. When it is stopped (SIGSTOP, a machine that hangs) the lease runs out, and
another operation may take the lock over: a new file in the place of the old, with a higher fencing number. What stands
still may go on any time, so everything that cannot be taken back is done inside ``mine``: under a short guard that a
take-over needs too, and only while the lock file is still ours.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import database
import files
import flaws
from errors import FencedOut, KitError
from phases import Deadline
from places import Places

PATIENCE_S = 3.0
LEASE_S = 4.0
RENEW_S = 0.4
# A holder not heard of for this long may stand still: then it pays to wait until it moves or its lease is over.
QUIET_S = 1.5
GUARD_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Hold:
    places: Places
    descriptor: int
    note: dict[str, Any]


_hold: Hold | None = None
_guarded = False


@contextmanager
def held(places: Places, operation: str) -> Iterator[int]:
    """Hold the lock for ``operation``; yields the fencing number."""
    global _hold
    if flaws.has("no_lock"):
        yield database.fence(places.database) + 1
        return
    _hold = hold = _acquire(places, operation)
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(hold, ended), daemon=True)
    keeper.start()
    try:
        yield int(hold.note["fence"])
    finally:
        ended.set()
        keeper.join()
        _hold = None
        os.close(hold.descriptor)  # the file stays: whoever removes it lets two in


@contextmanager
def mine() -> Iterator[None]:
    """What is done inside is done by the holder of the lock or, raising FencedOut, not at all. Without a lock there is
    nothing to check: the work is on a private copy, or the operation changes nothing."""
    global _guarded
    if _hold is None or _guarded or flaws.has("lease_resume"):
        yield
        return
    with _guard(_hold.places, GUARD_LIMIT_S) as got:
        if not got:
            raise KitError(f"the guard of the lock was not free for {GUARD_LIMIT_S:g} s")
        path = _path(_hold.places)
        if not _is(path, _hold.descriptor):
            now = f"{_text(_read(path))} has the lock" if path.exists() else "the lock file is gone"
            raise FencedOut(f"fenced out: {now}, no longer {_text(_hold.note)}")
        _guarded = True
        try:
            yield
        finally:
            _guarded = False


def holder(places: Places) -> dict[str, Any] | None:
    """Who holds the lock now; a note left by a dead holder is not a lock."""
    path = _path(places)
    with _guard(places, 1.0) as got:
        if not got:  # somebody is just changing something, so it is held
            return _read(path)
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return None if _try(descriptor, fcntl.LOCK_SH) else _read(path)
        finally:
            os.close(descriptor)


def _acquire(places: Places, operation: str) -> Hold:
    path = _path(places)
    patience, last = Deadline(PATIENCE_S), Deadline(PATIENCE_S + LEASE_S)
    while True:
        with _guard(places, 0) as got:
            hold = _attempt(places, operation) if got else None
        if hold:
            return hold
        note = _read(path)
        if last.passed or (patience.passed and _silent_s(note) < QUIET_S):
            if flaws.has("loser_unlocks"):
                path.unlink(missing_ok=True)
            raise KitError(f"locked by {_text(note)}; waited {PATIENCE_S:g} s")
        time.sleep(0.05)


def _attempt(places: Places, operation: str) -> Hold | None:
    """Take the lock if it is free or its lease is over; under the guard."""
    path = _path(places)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    before = _read(path)
    if not _try(descriptor, fcntl.LOCK_EX):
        os.close(descriptor)
        if _silent_s(before) < LEASE_S:
            return None
        print(f"lock: taken over from {_text(before)}, which stood still for {_silent_s(before):.1f} s", flush=True)
        descriptor = _anew(path)
    elif not _is(path, descriptor):
        os.close(descriptor)  # the file was removed between our opening and locking it: what we have locks nothing
        return None
    number = max(int(before.get("fence", 0)), database.fence(places.database)) + 1
    note = {"fence": number, "operation": operation, "pid": os.getpid(), "since": time.time()}
    _write(descriptor, note)
    files.sync(descriptor)
    return Hold(places, descriptor, note)


def _anew(path: Path) -> int:
    """A lock file of our own in the place of the old one, locked before it has the name."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    _try(descriptor, fcntl.LOCK_EX)
    _write(descriptor, _read(path))
    files.publish(aside, path)
    return descriptor


def _keep(hold: Hold, ended: threading.Event) -> None:
    """Renew the lease. It needs no guard: who has lost the lock renews a file that nobody reads any more."""
    while not ended.wait(RENEW_S):
        try:
            _write(hold.descriptor, hold.note)
        except OSError:
            pass  # the lease runs out, and then whoever takes over fences us out


def _silent_s(note: dict[str, Any]) -> float:
    """How long ago the holder was heard of, on the clock that nobody sets; 0 when the note does not say."""
    heard = note.get("heard")
    return 0.0 if heard is None else max(time.monotonic() - float(heard), 0.0)


@contextmanager
def _guard(places: Places, limit_s: float) -> Iterator[bool]:
    """The short lock around every look at the lock that something is done upon; False when it was not to be had."""
    descriptor = os.open(places.state / "lock.guard", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = Deadline(limit_s)
        while not (got := _try(descriptor, fcntl.LOCK_EX)) and not deadline.passed:
            time.sleep(0.02)
        yield got
    finally:
        os.close(descriptor)


def _path(places: Places) -> Path:
    return places.state / "lock"


def _is(path: Path, descriptor: int) -> bool:
    """Whether the open file still is the one of that name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


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
    # Of the same length each time (an instant of fixed width), so that a reader meets no half-written line.
    text = json.dumps({**{k: v for k, v in note.items() if k != "heard"}, "heard": f"{time.monotonic():020.6f}"})
    os.pwrite(descriptor, text.encode(), 0)
    os.ftruncate(descriptor, len(text))


def _text(note: dict[str, Any]) -> str:
    return f"{note.get('operation', 'somebody')} (pid {note.get('pid', '?')}, fence {note.get('fence', '?')})"
