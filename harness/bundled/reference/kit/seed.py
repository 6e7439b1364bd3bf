"""Fills the database with the same rows every time, up to a wanted size."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator

import database
import migrate
from places import Places

BATCH_ROWS = 2000
COLUMNS = "source, target, kind, status, payload, token, amount"


def run(places: Places, size_bytes: int) -> None:
    prepare(places)
    connection = database.connect(places.database)
    try:
        first = connection.execute("SELECT count(*) FROM relationships WHERE token LIKE 'seed-%'").fetchone()[0]
        while _bytes(connection) < size_bytes:
            connection.execute("BEGIN IMMEDIATE")
            sql = f"INSERT INTO relationships ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
            connection.executemany(sql, rows(first, BATCH_ROWS))
            connection.execute("COMMIT")
            first += BATCH_ROWS
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        print(f"seeded: {first} relationships, {_bytes(connection)} bytes")
    finally:
        connection.close()


def prepare(places: Places) -> None:
    """Make the database if there is none yet, or only the beginning of one."""
    if not places.database.exists() or places.database.stat().st_size == 0:
        migrate.create(places.database)
        return
    connection = database.connect(places.database)
    try:
        unfinished = database.schema(connection) == 0
    finally:
        connection.close()
    if unfinished:
        migrate.create(places.database)


def rows(first: int, count: int) -> Iterator[tuple[object, ...]]:
    for number in range(first, first + count):
        digest = hashlib.sha256(f"seed {number}".encode()).hexdigest()
        source, target = int(digest[:4], 16) % 1000, int(digest[4:8], 16) % 1000
        status = "VALIDATED" if number % 10 == 0 else "PENDING"
        yield f"n{source}", f"n{target}", "link", status, digest * 5, f"seed-{number:08d}", number % 100


def _bytes(connection: sqlite3.Connection) -> int:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    return int(pages) * int(connection.execute("PRAGMA page_size").fetchone()[0])
