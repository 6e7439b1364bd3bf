"""A small system under test for the harness's own tests: a service and its kit in one file, standard library only.

``TINY_FLAWS`` (comma separated) makes it misbehave towards the harness, each word in one place below.
"""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HOME = Path(os.environ["TINY_DIR"])
DATABASE = HOME / "data" / "app.db"
BACKUPS = HOME / "backup"
VERSION = HOME / "version"
CUT = HOME / "cut"
LOG = HOME / "logs" / "access.log"
FLAWS = set(os.environ.get("TINY_FLAWS", "").split(","))
_lock = threading.Lock()


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(DATABASE, timeout=5, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # its durability is not what these tests are about
    connection.execute("CREATE TABLE IF NOT EXISTS entries (n INTEGER PRIMARY KEY, token TEXT UNIQUE, payload TEXT)")
    return connection


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(6, 1, 1)  # TCP_NODELAY: an answer goes out in two pieces

    def reply(self, status: int, document: object, kind: str = "application/json") -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        line = f"{self.command} {self.path} {status} {self.headers['User-Agent']}\n"
        with _lock, LOG.open("a") as log:
            log.write(line * (2 if "counts_twice" in FLAWS else 1))

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/version":
            self.reply(200, {"version": VERSION.read_text()})
        elif url.path == "/entries":
            after = int(parse_qs(url.query, keep_blank_values=True).get("after", ["0"])[0] or 0)
            with contextlib.closing(database()) as connection:
                rows = connection.execute(
                    "SELECT n, token, payload FROM entries WHERE n > ? ORDER BY n LIMIT 500", (after,)
                ).fetchall()
            items = [{"token": t, "payload": p} for _, t, p in rows]
            self.reply(200, {"items": items, "next": rows[-1][0] if len(rows) == 500 else None})
        elif url.path == "/look" and "error_page" in FLAWS and VERSION.read_text() == "2":
            self.reply(200, "<h1>Sorry, we will be back soon</h1>", "text/html")
        elif url.path == "/look":
            self.reply(200, {"n": parse_qs(url.query)["n"][0]})
        elif url.path in ("/health", "/ready"):
            self.reply(200, {"ok": True})
        else:
            self.reply(200 if "catches_all" in FLAWS else 404, {"ok": False})

    def do_POST(self) -> None:
        if CUT.exists():
            self.close_connection = True  # in the middle of it, without a word
            return
        entry = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with _lock, contextlib.closing(database()) as connection:
            values = (entry["token"], entry["payload"])
            connection.execute("INSERT OR IGNORE INTO entries (token, payload) VALUES (?, ?)", values)
        self.reply(201, {"ok": True})

    def log_message(self, *_: object) -> None:
        pass


def pids(word: str) -> list[int]:
    """Processes with ``word`` in their command line, but this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        pid = int(path.parent.name)
        if pid != os.getpid() and word.encode() in path.read_bytes():
            found.append(pid)
    return found


def serve(port: int) -> None:
    for folder in (DATABASE.parent, BACKUPS, LOG.parent):
        folder.mkdir(parents=True, exist_ok=True)
    VERSION.write_text("1")
    database().close()
    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def backup() -> None:
    if "freeze_load" in FLAWS:
        for pid in pids("locustfile.py"):
            os.kill(pid, signal.SIGSTOP)
    if "kill_load" in FLAWS:
        for pid in pids("locustfile.py"):
            os.kill(pid, signal.SIGKILL)
    if "no_backup" in FLAWS:
        sys.exit("nothing was copied")
    if "idle" in FLAWS:
        return
    path = BACKUPS / f"{len(list(BACKUPS.iterdir())) + 1:04}.db"
    with contextlib.closing(database()) as source, contextlib.closing(sqlite3.connect(path)) as copy:
        source.backup(copy)


def validate(path: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("SELECT count(*) FROM entries").fetchone()[0] >= 0


def deploy(version: str) -> None:
    if "cuts" in FLAWS:
        CUT.touch()
        time.sleep(0.3)
        CUT.unlink()
    if "lies" not in FLAWS:
        VERSION.write_text(version)
    if "freezes_later" in FLAWS and version == "2":
        seconds, service = "2", str(pids("serve")[0])
        subprocess.Popen(["sh", "-c", f"sleep {seconds}; kill -STOP {service}"], start_new_session=True)
    if "hangs" in FLAWS:
        time.sleep(3600)


def restore() -> None:
    with contextlib.closing(sqlite3.connect(latest())) as copy, contextlib.closing(database()) as live:
        copy.backup(live)


def latest() -> str:
    found = sorted(BACKUPS.glob("*.db"))
    return str(found[-1]) if found else ""


def status() -> None:
    found = BACKUPS.glob("*.db")
    backups = [
        {"name": p.name, "path": str(p), "size": p.stat().st_size, "eligible": True, "kind": "full"} for p in found
    ]
    print(json.dumps({"version": VERSION.read_text(), "latest": latest() or None, "backups": backups}))


def main() -> None:
    match sys.argv[1:]:
        case ["serve", port]:
            serve(int(port))
        case ["backup"]:
            backup()
        case ["validate", path]:
            validate(path)
        case ["deploy", version]:
            deploy(version)
        case ["restore"]:
            restore()
        case ["status"]:
            status()
        case _:
            sys.exit(f"tiny: what is {sys.argv[1:]}?")


if __name__ == "__main__":
    main()
