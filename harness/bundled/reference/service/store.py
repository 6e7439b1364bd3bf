"""Connections to the database: one writer, a small pool of readers, and what a failure of either means over HTTP."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

READERS = 4
# A write that cannot get the lock must be answered before the client's own deadline of 1 s.
WRITE_PATIENCE_S = 0.7
RETRY_S = 0.004
IOERR = 10
LOW_SPACE_BYTES = 1 << 20
# The flaw ack_early: with NORMAL a COMMIT returns while its log is in memory only, and may stay there for seconds.
SYNCHRONOUS = "NORMAL" if "ack_early" in os.environ.get("KIT_FLAWS", "").split(",") else "FULL"


class Busy(Exception):
    """Another process (a restore, a migration) holds the write lock for longer than a client should wait."""


class Store:
    """The database file of this service.

    Writes go one at a time through one connection, each in its own short transaction, and are answered only after
    COMMIT returned with synchronous=FULL.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: sqlite3.Connection | None = None
        self._local = threading.local()
        self._write_pool = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._read_pool = ThreadPoolExecutor(READERS, thread_name_prefix="reader")

    async def read(self, query: Callable[..., T], *arguments: object) -> T:
        """Run ``query(connection, *arguments)`` on a reader, inside one read transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._read_pool, self._read, query, arguments)

    async def write(self, change: Callable[..., T], *arguments: object) -> T:
        """Run ``change(connection, *arguments)`` in one transaction; it is durable when this returns."""
        asked = time.monotonic()
        return await asyncio.get_running_loop().run_in_executor(self._write_pool, self._write, asked, change, arguments)

    def _read(self, query: Callable[..., T], arguments: tuple[object, ...]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            connection.execute("PRAGMA query_only = 1")
        try:
            connection.execute("BEGIN")
            try:
                return query(connection, *arguments)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            if wedged(error):
                self._local.connection = None
                connection.close()
            raise

    def _write(self, asked: float, change: Callable[..., T], arguments: tuple[object, ...]) -> T:
        if time.monotonic() > asked + WRITE_PATIENCE_S:
            raise Busy("writes have waited too long for each other")
        if self._writer is None:
            self._writer = self._connect()
            self._writer.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
            self._writer.execute("PRAGMA busy_timeout = 0")
        connection = self._writer
        try:
            _begin(connection, asked + WRITE_PATIENCE_S)
            try:
                result = change(connection, *arguments)
                connection.execute("COMMIT")
                return result
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            if wedged(error):
                self._writer = None
                connection.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():  # sqlite3.connect would quietly create an empty database
            raise FileNotFoundError(errno.ENOENT, "the database file is missing", str(self.path))
        return sqlite3.connect(self.path, timeout=WRITE_PATIENCE_S, isolation_level=None, check_same_thread=False)


def _begin(connection: sqlite3.Connection, until: float) -> None:
    """Take the write lock. SQLite's own waiting looks every 100 ms in the end, too seldom to find the gap between two
    batches of a migration."""
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > until:
                raise
        time.sleep(RETRY_S)


def wedged(error: sqlite3.DatabaseError) -> bool:
    """Whether a connection that met ``error`` must be thrown away: the file under it may have been replaced."""
    return not isinstance(error, sqlite3.IntegrityError) and not is_busy(error) and not is_full(error)


def is_busy(error: sqlite3.Error) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_full(error: sqlite3.Error) -> bool:
    return _code(error) == sqlite3.SQLITE_FULL


def status_of(error: Exception, path: Path) -> int:
    """The HTTP status that tells the truth about ``error``: 507 no space, 503 try again, 500 broken."""
    if isinstance(error, Busy) or (isinstance(error, sqlite3.Error) and is_busy(error)):
        return 503
    if isinstance(error, sqlite3.Error):
        # A full disk also shows as an I/O error, for instance when the -shm file cannot grow.
        if is_full(error) or (_code(error) == IOERR and _free_bytes(path) < LOW_SPACE_BYTES):
            return 507
        return 500
    return 507 if getattr(error, "errno", None) == errno.ENOSPC else 500


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _free_bytes(path: Path) -> int:
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize
