"""Looks at the free space of a disk before anything is written to it."""

from __future__ import annotations

import os
from pathlib import Path

import flaws
from errors import KitError

RESERVE_BYTES = 4 << 20


def require(folder: Path, needed: int, purpose: str) -> None:
    """Refuse when ``needed`` bytes and a reserve for the service do not fit on the disk of ``folder``."""
    if flaws.has("no_space_check"):
        return
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if free < needed + RESERVE_BYTES:
        raise KitError(
            f"not enough space: needs {needed + RESERVE_BYTES}, has {free} bytes on the {folder.name} disk ({purpose})"
        )
