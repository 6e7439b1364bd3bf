"""The notes of ../shellkit/service.py, kept in PostgreSQL.

service.py VERSION SOCKET LISTEN        SOCKET: PostgreSQL's; LISTEN: HOST:PORT, or the path of a Unix socket
"""

import contextlib
import queue
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shellkit"))

import service as notes
from wire import Connection, PostgresError

TIMEOUT_S = 10.0
SESSIONS = 16
FULL = "53100"  # SQLSTATE disk_full


class Store:
    """A pool of sessions. An answer is given once PostgreSQL has committed."""

    def __init__(self, path: str, version: str) -> None:
        self._path = path
        self._version = version
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        self._sessions = threading.BoundedSemaphore(SESSIONS)

    @contextlib.contextmanager
    def _connection(self):
        with self._sessions:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                connection = self._connect()
            try:
                yield connection
            except PostgresError as error:
                connection.close()  # whatever it was: the next one begins anew
                raise notes.StoreError(str(error), full=error.state == FULL) from error
            self._idle.put(connection)

    def _connect(self) -> Connection:
        try:
            return Connection(self._path, "notes", "notes", TIMEOUT_S)
        except PostgresError as error:
            raise notes.StoreError(str(error)) from error

    def _run(self, sql: str, *values: object) -> list[tuple]:
        with self._connection() as connection:
            return connection.execute(sql, *values)

    def check(self) -> None:
        self._run("SELECT kind FROM notes LIMIT 1" if self._version == "2" else "SELECT token FROM notes LIMIT 1")

    def newest(self) -> int:
        return int(self._run("SELECT coalesce(max(id), 0) FROM notes")[0][0])

    def count(self) -> int:
        return int(self._run("SELECT count(*) FROM notes")[0][0])

    def seeds_missing(self) -> int:
        sql = "SELECT (SELECT notes FROM seeded) - (SELECT count(*) FROM notes WHERE token IS NULL)"
        return int(self._run(sql)[0][0])

    def some(self, first: int) -> list[tuple]:
        return self._run("SELECT id, payload FROM notes WHERE id >= $1::bigint ORDER BY id LIMIT 20", first)

    def tokens(self, after: int) -> list[tuple]:
        sql = """SELECT id, token, payload FROM notes
                 WHERE token IS NOT NULL AND id > $1::bigint ORDER BY id LIMIT $2::bigint"""
        return self._run(sql, after, notes.PAGE)

    def add(self, token: str, payload: str) -> None:
        if self._version == "2":
            self._run("INSERT INTO notes (token, payload, kind) VALUES ($1, $2, $3)", token, payload, "note")
        else:
            self._run("INSERT INTO notes (token, payload) VALUES ($1, $2)", token, payload)


if __name__ == "__main__":
    version, path, listen = sys.argv[1:]
    notes.serve(Store(path, version), version, listen)
