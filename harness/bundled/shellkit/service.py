"""The application of both shell kits: notes over HTTP, kept in SQLite. Standard library only.

    service.py VERSION DATABASE LISTEN        LISTEN: HOST:PORT, or the path of a Unix socket

Version 2 stores a kind with every note and needs the column for it; version 1 runs with and without.
"""

import contextlib
import json
import queue
import signal
import socket
import socketserver
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = 1000
SLOW_S = 1.2
BUSY_S = 5.0


class StoreError(Exception):
    """What went wrong with the data; ``full``: it is only that nothing can be stored now."""

    def __init__(self, why: str, full: bool = False) -> None:
        super().__init__(why)
        self.full = full


class Store:
    """A pool of connections; one write at a time. An answer is given once SQLite has put the note on the disk."""

    def __init__(self, path: str, version: str) -> None:
        self._path = path
        self._version = version
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._writing = threading.Lock()

    @contextlib.contextmanager
    def _connection(self):
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = sqlite3.connect(self._path, BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            yield connection
        except sqlite3.Error as error:  # not put back: the next one opens its own
            raise StoreError(str(error), full="disk is full" in str(error)) from error
        self._idle.put(connection)

    def _read(self, sql: str, *values: object) -> list[tuple]:
        with self._connection() as connection:
            return connection.execute(sql, values).fetchall()

    def check(self) -> None:
        """Fails when this version cannot run on this schema."""
        self._read("SELECT kind FROM notes LIMIT 1" if self._version == "2" else "SELECT token FROM notes LIMIT 1")

    def newest(self) -> int:
        return self._read("SELECT max(id) FROM notes")[0][0]

    def count(self) -> int:
        return self._read("SELECT count(*) FROM notes")[0][0]

    def seeds_missing(self) -> int:
        sql = "SELECT (SELECT notes FROM seeded) - (SELECT count(*) FROM notes WHERE token IS NULL)"
        return self._read(sql)[0][0]

    def some(self, first: int) -> list[tuple]:
        return self._read("SELECT id, payload FROM notes WHERE id >= ? ORDER BY id LIMIT 20", first)

    def tokens(self, after: int) -> list[tuple]:
        sql = "SELECT id, token, payload FROM notes WHERE token IS NOT NULL AND id > ? ORDER BY id LIMIT ?"
        return self._read(sql, after, PAGE)

    def add(self, token: str, payload: str) -> None:
        sql = "INSERT INTO notes (token, payload) VALUES (?, ?)"
        values = [token, payload]
        if self._version == "2":
            sql = "INSERT INTO notes (token, payload, kind) VALUES (?, ?, ?)"
            values.append("note")
        with self._writing, self._connection() as connection:
            connection.execute(sql, values)


class Handler(BaseHTTPRequestHandler):
    wbufsize = 64 * 1024  # head and body of an answer leave together
    store: Store
    version: str

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {key: values[-1] for key, values in parse_qs(url.query).items()}
        self.answer(lambda: self.look(url.path, asked))

    def do_POST(self) -> None:
        note = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(lambda: self.add(note))

    def look(self, path: str, asked: dict[str, str]) -> tuple[int, object]:
        if path in ("/health", "/ready"):
            return 200, {"newest": self.store.newest()}
        if path == "/version":
            return 200, {"version": self.version}
        if path == "/report":  # slow on purpose: some are on their way whenever a version goes
            time.sleep(SLOW_S)
            return 200, {"notes": self.store.count()}
        if path == "/notes":
            rows = self.store.some(int(asked.get("from", 0)))
            return 200, [{"id": number, "payload": payload} for number, payload in rows]
        if path == "/export":
            rows = self.store.tokens(int(asked.get("after", 0)))
            items = [{"token": token, "payload": payload} for _, token, payload in rows]
            if len(rows) == PAGE:
                return 200, {"items": items, "next": rows[-1][0]}
            return 200, {"items": items, "next": None, "seeds_missing": self.store.seeds_missing()}
        return 404, {"error": "no such page"}

    def add(self, note: dict[str, str]) -> tuple[int, object]:
        self.store.add(note["token"], note["payload"])
        return 201, {"stored": True}

    def answer(self, work) -> None:
        try:
            status, document = work()
        except StoreError as error:
            status, document = 507 if error.full else 500, {"error": str(error)}
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if status >= 500:
            print(f"{self.command} {self.path}: {status} {document}", flush=True)

    def log_message(self, *_: object) -> None:
        pass  # nginx keeps the access log


class Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for the answers under way
    request_queue_size = 4096  # a Unix socket refuses at once what its queue cannot hold

    def __init__(self, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        self.address_family = socket.AF_INET if host else socket.AF_UNIX
        super().__init__((host, int(port)) if host else listen, Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own looks a host name up

    def handle_error(self, *_: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that did not wait for its answer
            super().handle_error(*_)

    def finish(self) -> None:
        """Answer whoever has connected already, then close."""
        self.socket.setblocking(False)
        while True:
            try:
                request, client = self.get_request()
            except OSError:
                break
            self.process_request(request, client)
        self.server_close()


def serve(store: Store, version: str, listen: str) -> None:
    """Until SIGTERM; then what has been accepted is answered."""
    store.check()
    Handler.store, Handler.version = store, version
    server = Server(listen)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    server.finish()


if __name__ == "__main__":
    given_version, database, place = sys.argv[1:]
    serve(Store(database, given_version), given_version, place)
