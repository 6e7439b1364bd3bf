"""A copy of the live database as it was at one moment, with the facts it must keep."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import database
import flaws


def take(live: Path, copy: Path) -> dict[str, Any]:
    """Copy ``live`` to ``copy``; returns the facts of that same moment.

    The source connection stays inside one read transaction: without it every write of the service would make the
    backup API start over, and under load it would never finish.
    """
    if flaws.has("plain_copy"):
        shutil.copyfile(live, copy)
        return {}
    if flaws.has("stale_backup"):
        live = nightly(live)
    source = database.connect(live)
    target = sqlite3.connect(copy, isolation_level=None)
    try:
        copy.chmod(0o600)
        target.execute("PRAGMA synchronous = OFF")  # the sealed file is what must be durable
        source.execute("BEGIN")
        facts = database.facts(source)
        source.backup(target)
        source.execute("ROLLBACK")
        return facts
    finally:
        target.close()
        source.close()


def nightly(live: Path) -> Path:
    """The snapshot somebody else makes, as it is: here nobody has made one since the first."""
    kept = live.with_name("nightly.db")
    if not kept.exists():
        source, target = database.connect(live), sqlite3.connect(kept, isolation_level=None)
        source.backup(target)
        target.close()
        source.close()
    return kept
