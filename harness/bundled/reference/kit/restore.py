"""The restore: from a backup into the live database, all of it or nothing.

SQLite's own write lock is the fence: writers wait while the copy runs, readers see the old data until the one moment
it commits, and if we die the lock dies with us. Only a live file that SQLite cannot use any more is replaced by a
rename, with the service stopped and the old -wal, -shm and -journal removed.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import apps
import catalog
import database
import files
import flaws
import front
import lock
import migrate
import monitors
import repair
import seal
import space
import trial
from errors import KitError
from phases import phase
from places import Places
from state import State


def run(places: Places, path: Path | None, fence: int) -> None:
    state = State(places)
    content = places.work_file("restore")
    try:
        with phase("restore.check"):
            if database.usable(places.database):
                repair.settle(places, state)
            monitors.report("before the restore")
            sealed = path or catalog.latest(places).path
            if not sealed.is_file():
                raise KitError(f"there is no backup at {sealed}")
            # The unsealed copy, and as much again for the log of the change.
            space.require(places.data, 2 * sealed.stat().st_size, "the restore")
        with phase("restore.decrypt"):
            manifest = seal.unseal(sealed, content, seal.key(places.state))
            trial.check(content, manifest)
        if flaws.has("in_place_restore"):
            in_place(places, content)
            return
        migrate.to(content, schema_needed(places, state), fence)
        with phase("restore.copy"):
            replace(places, state, content)
        with phase("restore.start"):
            repair.settle(places, state)
        with phase("restore.verify"):
            verify(places, state, manifest)
    finally:
        files.remove_database(content)
    print(f"restored: {sealed.name}")


def schema_needed(places: Places, state: State) -> int:
    """An older backup must fit the version that serves now."""
    serving = front.serving(places)
    return migrate.SCHEMA_OF[apps.version(state, serving)] if serving and state.app(serving) else 1


def replace(places: Places, state: State, content: Path) -> None:
    if flaws.has("stale_wal") or not database.usable(places.database):
        swap(places, state, content)
        return
    source, target = database.connect_copy(content), database.connect(places.database)
    try:
        database.wait_for_disk(target, "FULL")
        gone = newest(target) - newest(source)
        with lock.mine():
            source.backup(target)
        tell_gone(gone)
    finally:
        source.close()
        target.close()
    _shrink_log(places.database)


def swap(places: Places, state: State, content: Path) -> None:
    """Replace a live file that cannot be used; nobody may have it open, and its old log must not be replayed."""
    print("restore: replacing the database file with the service stopped")
    gone = gone_with(places.database, content)
    serving = front.serving(places)
    with lock.mine():
        if serving:
            note = state.app(serving)
            apps.stop(places, state, serving)
            state.set_app(serving, note)  # settle starts that version again
        if not flaws.has("stale_wal"):
            files.remove_sidecars(places.database)
            files.sync_folder(places.data)
        with content.open("rb") as file:
            files.sync(file.fileno())
        files.publish(content, places.database)
    tell_gone(gone)


def newest(connection: sqlite3.Connection) -> int:
    """The number of the latest write it holds."""
    return connection.execute("SELECT max(number) FROM writes").fetchone()[0] or 0


def gone_with(live: Path, content: Path) -> int | None:
    """How many writes ``live`` holds that ``content`` does not; None when it cannot be read."""
    try:
        with closing(database.connect(live)) as target, closing(database.connect_copy(content)) as source:
            return newest(target) - newest(source)
    except sqlite3.Error:
        return None


def tell_gone(gone: int | None) -> None:
    if gone is None:
        print("restore: how many writes made after the backup are gone cannot be told: the database cannot be read")
    else:
        print(f"restore: {max(gone, 0)} writes made after the backup are gone")


def in_place(places: Places, content: Path) -> None:
    with phase("restore.copy"):
        shutil.copyfile(content, places.database)
    print("restored")


def verify(places: Places, state: State, manifest: dict[str, Any]) -> None:
    """What the backup held is there (the service may have added to it since), sound, and served."""
    connection = database.connect(places.database)
    try:
        said = database.integrity(connection)
        found = database.facts(connection)
    finally:
        connection.close()
    if said != "ok":
        raise KitError(f"after the restore the database is corrupt: {said}")
    expected = manifest["facts"]
    if expected and found["balance_sum"] != expected["balance_sum"]:
        raise KitError(f"after the restore the balances add up to {found['balance_sum']}")
    for table, count in expected.get("counts", {}).items():
        if found["counts"][table] < count:
            raise KitError(f"after the restore {table} has {found['counts'][table]} rows, the backup has {count}")
    serving = front.serving(places)
    if serving:
        apps.smoke(places.port, apps.version(state, serving))
    monitors.report("after the restore")


def _shrink_log(live: Path) -> None:
    """Give back the space of the log; a reader in its way only means that SQLite does it later."""
    connection = database.connect(live)
    try:
        connection.execute("PRAGMA busy_timeout = 500")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        print(f"restore: the log stays large for now: {error}")
    finally:
        connection.close()
