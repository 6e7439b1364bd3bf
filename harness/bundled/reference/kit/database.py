"""The kit's own look at the database: size, counts, integrity, the fencing number."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import files
from files import SIDECARS

TABLES = ("writes", "relationships", "validations", "transfers", "accounts")
PATIENCE_S = 5.0


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing database; a missing file is an error here, not a new database."""
    return sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=PATIENCE_S, isolation_level=None)


def wait_for_disk(connection: sqlite3.Connection, level: str) -> None:
    """Set how far a COMMIT of ours waits for the disk: ``FULL``, or ``NORMAL`` for what can be done again."""
    connection.execute(f"PRAGMA synchronous = {level if files.durable() else 'OFF'}")


def connect_copy(path: Path) -> sqlite3.Connection:
    """Open a private copy that nobody writes: needs no -wal and no -shm beside it."""
    return sqlite3.connect(f"file:{path}?immutable=1", uri=True, isolation_level=None)


def size(path: Path) -> int:
    """Bytes of the database with what still lies in its log."""
    names = (path, *(path.with_name(path.name + suffix) for suffix in SIDECARS))
    return sum(name.stat().st_size for name in names if name.exists())


def facts(connection: sqlite3.Connection) -> dict[str, Any]:
    """What a copy must have in common with its original: rows of each table, the sum of money, the schema."""
    counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
    balance = connection.execute("SELECT sum(balance) FROM accounts").fetchone()[0]
    return {"counts": counts, "balance_sum": balance, "schema": schema(connection)}


def schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def integrity(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA integrity_check(3)").fetchone()[0])


def usable(path: Path) -> bool:
    """Whether SQLite can open the live file and write to it."""
    try:
        connection = connect(path)
    except sqlite3.Error:
        return False
    try:
        facts(connection)
        return True
    except sqlite3.OperationalError as error:
        return (error.sqlite_errorcode & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL)
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()


def fence(path: Path) -> int:
    """The highest fencing number this database has seen; 0 when it cannot say."""
    try:
        connection = connect(path)
    except sqlite3.Error:
        return 0
    try:
        return int(connection.execute("SELECT number FROM fence WHERE id = 1").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return 0
    finally:
        connection.close()
