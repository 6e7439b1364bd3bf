"""Which reports of a directory are kept, and the removal of the oldest beyond them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import HarnessError
from harness.host.locks import locked
from harness.host.staging import staged
from harness.host.undo import UndoLog
from harness.report.documents import campaign, discrimination
from harness.report.documents.result import NAME as RESULT
from harness.report.documents.result import read_document

# How harness/campaign/folder.py names them.
_STAMPED = re.compile(r"\d{8}T\d{6}-.+")


@dataclass(frozen=True, slots=True)
class Aged:
    """What became of one report that is older than those kept. ``why``: what keeps it all the same, or what went wrong;
    ``freed_bytes``: as much of the disk as it took."""

    name: str
    outcome: Literal["removed", "would remove", "kept", "failed"]
    freed_bytes: int = 0
    why: str = ""


def reports(out: Path) -> list[Path]:
    """The folders of ``out`` that are reports, the newest first; those that are still staged are hidden, and no link is
    one. HarnessError (64) where ``out`` is no directory of reports."""
    what = f"clean {out}"
    if not out.is_dir():
        raise HarnessError(what, "there is no such directory", "name the directory that holds the reports: --out")
    if any((out / name).exists() for name in (campaign.NAME, discrimination.NAME, RESULT)):
        raise HarnessError(what, "it is a report itself", f"name the directory that holds it: --out {out.parent}")
    found = [path for path in out.iterdir() if _is_report(path)]
    return sorted(found, key=lambda path: path.name, reverse=True)


def _is_report(path: Path) -> bool:
    if path.is_symlink() or not path.is_dir() or not _STAMPED.fullmatch(path.name):
        return False
    return any((path / name).is_file() for name in (campaign.NAME, discrimination.NAME))


def remove_beyond(keep: int, out: Path, dry_run: bool = False, log: UndoLog | None = None) -> Iterator[Aged]:
    """Remove all but the ``keep`` newest reports of ``out``, and say so of each, the oldest first. What ``latest``
    points to stays, and so does a discrimination that goes on, or could be gone on with."""
    out = out.resolve()
    latest = (out / "latest").resolve()
    for folder in reversed(reports(out)[keep:]):
        if folder.resolve() == latest:
            yield Aged(folder.name, "kept", why="latest points to it")
            continue
        try:
            with _held(folder) as ours:
                if not ours:
                    yield Aged(folder.name, "kept", why="another deploydrill is at it")
                elif left := _left_to_run(folder):
                    yield Aged(folder.name, "kept", why=f"{left} of its runs are not made: resume it, or remove it")
                elif dry_run:
                    yield Aged(folder.name, "would remove", _taken_bytes(folder))
                else:
                    yield Aged(folder.name, "removed", _removed(folder, log or UndoLog()))
        except (OSError, HarnessError) as error:
            yield Aged(folder.name, "failed", why=str(error))


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Whether we have the lock that a discrimination holds while it goes on."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield locked(descriptor)
    finally:
        os.close(descriptor)


def _left_to_run(folder: Path) -> int:
    if not (folder / discrimination.NAME).exists():
        return 0
    left: int = read_document(folder / discrimination.NAME)["counts"]["not_run"]
    return left


def _removed(folder: Path, log: UndoLog) -> int:
    """Remove it and return what it took. First it loses its name: what is half removed is no report."""
    freed = _taken_bytes(folder)
    hidden = staged(folder)
    record = log.record("path", {"path": str(hidden)}, "a report that is removed")
    folder.rename(hidden)
    shutil.rmtree(hidden)
    log.done(record)
    return freed


def _taken_bytes(folder: Path) -> int:
    """On the disk, which for a file with holes is less than its size."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))
