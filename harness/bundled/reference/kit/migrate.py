"""The schema and its steps: only ever expanding, so that the version before still runs on it.

Contracting (dropping what the old version needs) belongs to a later release, once nobody rolls back past this one.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import database
import flaws
import lock
from errors import FencedOut, KitError

SCHEMA_OF = {"1": 1, "2": 2, "2-broken": 2}
ACCOUNTS = 100
BALANCE = 10_000
# A batch that took longer than BATCH_S is followed by one of half as many rows, so that writers wait no longer where
# the machine is busy.
BATCH_ROWS, FEWEST_ROWS, BATCH_S = 750, 150, 0.04
# SQLite's lock is not fair: without a pause between batches a waiting writer of the service would hardly get in. A
# pause lasts as long as its batch did: where that is slow, so is the waking of a writer.
PAUSE_S, LONGEST_PAUSE_S = 0.015, 0.25

STEPS: dict[int, tuple[str, ...]] = {
    1: (
        """CREATE TABLE writes (number INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE,
           kind TEXT NOT NULL, payload TEXT NOT NULL)""",
        """CREATE TABLE relationships (id INTEGER PRIMARY KEY, number INTEGER UNIQUE, source TEXT NOT NULL,
           target TEXT NOT NULL, kind TEXT NOT NULL DEFAULT 'link', status TEXT NOT NULL DEFAULT 'PENDING',
           payload TEXT NOT NULL, token TEXT NOT NULL UNIQUE, amount INTEGER NOT NULL DEFAULT 0)""",
        "CREATE INDEX relationships_source ON relationships (source)",
        "CREATE INDEX relationships_validated ON relationships (status) WHERE status = 'VALIDATED'",
        """CREATE TABLE validations (number INTEGER PRIMARY KEY, subject TEXT NOT NULL, payload TEXT NOT NULL,
           token TEXT NOT NULL UNIQUE)""",
        """CREATE TABLE transfers (number INTEGER PRIMARY KEY, giver INTEGER NOT NULL, taker INTEGER NOT NULL,
           amount INTEGER NOT NULL, payload TEXT NOT NULL, token TEXT NOT NULL UNIQUE)""",
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
        f"""INSERT INTO accounts (id, balance) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
           WHERE i < {ACCOUNTS}) SELECT i, {BALANCE} FROM n""",
        "CREATE TABLE pulse (id INTEGER PRIMARY KEY CHECK (id = 1), beats INTEGER NOT NULL)",
        "INSERT INTO pulse VALUES (1, 0)",
        "CREATE TABLE fence (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL)",
        "INSERT INTO fence VALUES (1, 0)",
    ),
    2: (
        "ALTER TABLE relationships ADD COLUMN region TEXT",
        # Partial, so that building it writes nothing: a whole one would keep writers out for all of its sorting.
        "CREATE INDEX relationships_region ON relationships (region, source) WHERE region IS NOT NULL",
        # Version 1 goes on inserting without the column, during the cut-over and after a roll-back.
        """CREATE TRIGGER relationships_fill_region AFTER INSERT ON relationships WHEN NEW.region IS NULL
           BEGIN UPDATE relationships SET region = substr(NEW.source, 1, 2) WHERE id = NEW.id; END""",
    ),
}


def create(path: Path) -> None:
    """A new, empty database with the first schema, in WAL mode."""
    connection = sqlite3.connect(path, timeout=database.PATIENCE_S, isolation_level=None)
    try:
        # SQLite answers with the mode it is really in; it does not fail when it cannot change it.
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise KitError(f"the database is in {mode} mode, not in WAL mode")
        _expand(connection, 1, fence=0)
    finally:
        connection.close()
    path.chmod(0o600)


def to(path: Path, wanted: int, fence: int) -> int:
    """Bring the database at least to schema ``wanted``; returns the schema it had.

    Each step is one transaction. The filling in of old rows comes after it in small ones, so that writers never wait
    long; it can stop anywhere and is taken up again by the next call.
    """
    connection = database.connect(path)
    database.wait_for_disk(connection, "FULL")
    try:
        had = database.schema(connection)
        for number in range(had + 1, wanted + 1):
            _expand(connection, number, fence)
        if wanted >= 2 and flaws.has("half_migration"):
            _fill_pages(connection)
        elif wanted >= 2:
            _fill_regions(connection)
        return had
    finally:
        connection.close()


def _expand(connection: sqlite3.Connection, number: int, fence: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if database.schema(connection) < number:
            for statement in STEPS[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        with lock.mine():
            changed = connection.execute("UPDATE fence SET number = ? WHERE number <= ?", (fence, fence)).rowcount
            if changed != 1:
                raise FencedOut(f"fenced out: a later deployment than number {fence} has been here")
            connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _fill_regions(connection: sqlite3.Connection) -> None:
    # Not fsynced batch by batch: what a power cut takes of it is filled in again by the next call.
    database.wait_for_disk(connection, "NORMAL")
    last = connection.execute("SELECT coalesce(max(id), 0) FROM relationships").fetchone()[0]
    if flaws.has("long_lock"):
        connection.execute("BEGIN IMMEDIATE")
    first, rows = 1, BATCH_ROWS
    while first <= last:
        began = time.monotonic()
        with lock.mine():
            connection.execute(
                "UPDATE relationships SET region = substr(source, 1, 2) WHERE id >= ? AND id < ? AND region IS NULL",
                (first, first + rows),
            )
        first += rows
        took_s = time.monotonic() - began
        rows = max(rows // 2, FEWEST_ROWS) if took_s > BATCH_S else min(rows * 2, BATCH_ROWS)
        time.sleep(min(max(took_s, PAUSE_S), LONGEST_PAUSE_S))
    if connection.in_transaction:
        connection.execute("COMMIT")


def _fill_pages(connection: sqlite3.Connection) -> None:
    """The flaw: a page filled in is no page of the query any more, so the next offset skips as many rows."""
    page = "SELECT id FROM relationships WHERE region IS NULL ORDER BY id LIMIT ? OFFSET ?"
    sql = f"UPDATE relationships SET region = substr(source, 1, 2) WHERE id IN ({page})"
    offset = 0
    while connection.execute(sql, (BATCH_ROWS, offset)).rowcount:
        offset += BATCH_ROWS
        time.sleep(PAUSE_S)


def contract(path: Path) -> None:
    """The flaw: what no version needs but the one a roll-back goes to is removed."""
    connection = database.connect(path)
    try:
        if connection.execute("SELECT 1 FROM pragma_table_info('relationships') WHERE name = 'kind'").fetchone():
            connection.execute("ALTER TABLE relationships DROP COLUMN kind")
    finally:
        connection.close()
