"""The backups on the backup disk: what counts as one, which is the latest, what is left of failed attempts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import files
import flaws
import lock
from errors import KitError
from places import Places, start_time

SUFFIX = ".backup"
KEPT = 5


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup. Only ``publish`` gives a file this kind of name, and only after its trial restore."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(SUFFIX)

    @property
    def number(self) -> int:
        """Backups are ordered by this, not by a clock that may be set back."""
        return int(self.name.rpartition("-")[2])


class Attempt:
    """A backup in the making. ``path`` is where to write it; it becomes a backup at ``publish``."""

    def __init__(self, final: Path) -> None:
        self.backup = Backup(final)
        self.path = final if flaws.has("partial_is_latest") else final.with_name(f".partial-{final.name}")

    def publish(self) -> None:
        if self.path != self.backup.path:
            with lock.mine():
                files.publish(self.path, self.backup.path)

    def discard(self) -> None:
        if self.path != self.backup.path:
            self.path.unlink(missing_ok=True)


def backups(places: Places) -> list[Backup]:
    """All finished backups, oldest first."""
    found = (Backup(path) for path in places.backups.glob(f"[0-9]*-[0-9]*{SUFFIX}"))
    return sorted(found, key=lambda backup: backup.number)


def latest(places: Places) -> Backup:
    found = backups(places)
    if not found:
        raise KitError("there is no backup")
    return found[-1]


@contextmanager
def attempt(places: Places) -> Iterator[Attempt]:
    """A new backup in the making; whatever fails inside leaves nothing of it on the disk."""
    number = max((backup.number for backup in backups(places)), default=0) + 1
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    trying = Attempt(places.backups / f"{stamp}-{number:06d}{SUFFIX}")
    try:
        yield trying
    except BaseException:
        trying.discard()
        raise


def prune(places: Places) -> list[Backup]:
    """Remove all but the newest backups; returns what went."""
    with lock.mine():
        old = backups(places)[:-KEPT]
        for backup in old:
            backup.path.unlink()
    return old


def clean(places: Places) -> None:
    """Remove what crashed attempts left: needs the lock, because a living one's file looks the same."""
    with lock.mine():
        for partial in places.backups.glob(f".partial-*{SUFFIX}"):
            partial.unlink(missing_ok=True)
    for left in places.work.glob("*"):
        pid, started = left.name.split(".")[1:3]
        if start_time(int(pid)) != int(started):
            left.unlink(missing_ok=True)
