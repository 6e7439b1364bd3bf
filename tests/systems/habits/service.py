"""Notes over HTTP in SQLite (WAL): ``service.py PORT HOME VERSION``. Ids are the service's own, and pages are numbered.

HABITS, separated by commas: ``login`` (a token, which holds for 100 requests), ``lag`` (a list that is 0.7 s behind),
``bare`` (a list of tokens alone).
"""

import json
import os
import queue
import secrets
import signal
import sqlite3
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

PAGE = 100
LAG_S = 0.7
TOKEN_LASTS = 100
port, home, version = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
HABITS = os.environ.get("HABITS", "").split(",")
pool = queue.LifoQueue()
tokens, guard = {}, threading.Lock()


@contextmanager
def database():
    try:
        connection = pool.get_nowait()
    except queue.Empty:
        connection = sqlite3.connect(home / "data/notes.db", timeout=5, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
    try:
        yield connection
    finally:
        pool.put(connection)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        """Quiet."""

    def say(self, status, body, **headers):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content_Type": "application/json", "X_App_Version": version, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def admitted(self):
        if "login" not in HABITS:
            return True
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        with guard:
            tokens[token] = left = tokens.get(token, 0) - 1
        return left >= 0

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/up":
            return self.say(200, {"up": True})
        if not self.admitted():
            return self.say(302, {}, Location="/session?next=" + url.path)
        with database() as notes:
            if url.path == "/notes":
                return self.pages(notes, parse_qs(url.query))
            if url.path == "/seeded":
                return self.say(200, {"rows": notes.execute("SELECT count(*) FROM notes").fetchone()[0]})
            found = notes.execute(
                "SELECT token, payload FROM notes WHERE id=?", (url.path.rpartition("/")[2],)
            ).fetchone()
        if found is None:
            return self.say(404, {"error": "no such note"})
        return self.say(200, {"data": {"token": found[0], "payload": found[1]}})

    def pages(self, notes, asked):
        number = int(asked.get("page", ["1"])[0])
        offset = int(asked.get("offset", [str((number - 1) * PAGE)])[0])
        before = time.time() - LAG_S * ("lag" in HABITS)
        rows = notes.execute(
            "SELECT id, token, payload FROM notes WHERE made > 0 AND made <= ? AND id > ? ORDER BY id LIMIT ? OFFSET ?",
            (before, int(asked.get("above", ["0"])[0]), PAGE, 0 if "above" in asked else offset),
        ).fetchall()
        more = {}
        if len(rows) == PAGE:
            more["Link"] = f'</notes?page=1>; rel="first", </notes?page={number + 1}>; rel="next"'
        if "bare" in HABITS:
            return self.say(200, [row[1] for row in rows], **more)
        return self.say(200, [{"id": row[0], "token": row[1], "payload": row[2]} for row in rows], **more)

    def do_POST(self):
        said = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path == "/session":
            if said.get("password") != "of " + said.get("name", ""):
                return self.say(403, {"error": "no"})
            token = secrets.token_hex(8)
            with guard:
                tokens[token] = TOKEN_LASTS
            return self.say(200, {"access": token})
        if not self.admitted():
            return self.say(401, {"error": "who are you?"})
        try:
            with database() as notes:
                made = notes.execute(
                    "INSERT INTO notes(token, payload, made) VALUES(?,?,?)",
                    (said["token"], said["payload"], time.time()),
                ).lastrowid
        except sqlite3.Error as error:
            return self.say(503, {"error": str(error)})
        return self.say(201, {"data": {"id": made}})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *_):
        """A client that goes away is none of its business."""


with Server(("127.0.0.1", port), Handler) as server:
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    (home / "run/pid").write_text(str(os.getpid()))
    print(f"up {time.monotonic():.4f}", flush=True)
    server.serve_forever(poll_interval=0.005)
print(f"down {time.monotonic():.4f}", flush=True)
