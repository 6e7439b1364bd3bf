"""The trial restore: unseals a backup and looks whether what comes out is what went in."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import database
import files
import flaws
import seal
import space
from errors import KitError
from places import Places


def restore(
    places: Places,
    sealed: Path,
    unsealing: AbstractContextManager[None] | None = None,
    checking: AbstractContextManager[None] | None = None,
) -> None:
    """Unseal ``sealed`` into a private file, check that, remove it; raises KitError when it could not be restored."""
    with ExitStack() as stack:
        with unsealing or nullcontext():
            if flaws.has("vacuous_validation"):
                vacuous()
                return
            if not sealed.is_file():
                raise KitError(f"there is no backup at {sealed}")
            if flaws.has("size_only_validation"):
                seal.check_length(sealed, seal.key(places.state))
                return
            space.require(places.data, sealed.stat().st_size, "the trial restore")
            content = places.work_file("trial")
            stack.callback(files.remove_database, content)
            manifest = seal.unseal(sealed, content, seal.key(places.state))
        with checking or nullcontext():
            check(content, manifest)


def vacuous() -> None:
    """The review's `gpg --decrypt ... | sqlite3 :memory: "PRAGMA integrity_check"`: it checks an empty database."""
    print(sqlite3.connect(":memory:").execute("PRAGMA integrity_check").fetchone()[0])


def check(content: Path, manifest: dict[str, Any]) -> None:
    """Raise unless the database in ``content`` is sound and has the facts the manifest names."""
    connection = database.connect_copy(content)
    try:
        said = database.integrity(connection)
        if said != "ok":
            raise KitError(f"the restored database is corrupt: {said}")
        found = database.facts(connection)
    except sqlite3.DatabaseError as error:
        raise KitError(f"the restored database cannot be read: {error}") from error
    finally:
        connection.close()
    for name, expected in manifest["facts"].items():
        if found[name] != expected:
            raise KitError(f"the restored database has {name} {found[name]}, its manifest says {expected}")
