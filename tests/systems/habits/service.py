"""Notes over HTTP in SQLite (WAL): ``service.py PORT HOME VERSION``. Ids are the service's own, and pages are numbered.

HABITS, separated by commas: ``login`` (a token, which holds for 100 requests), ``lag`` (a list that is 0.7 s behind),
``bare`` (a list of tokens alone), ``tls`` (https, for whoever shows its certificate), ``unix`` (a socket), ``six``
(IPv6), ``parts`` (chunked, and deflated), ``drains`` (for 3 s), ``migrates`` (version 2 does, as it starts).
"""

import json
import os
import queue
import secrets
import signal
import socket
import socketserver
import sqlite3
import ssl
import sys
import threading
import time
import zlib
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
    disable_nagle_algorithm = "unix" not in HABITS
    wbufsize = -1

    def log_message(self, *_):
        """Quiet."""

    def say(self, status, body, **headers):
        data = json.dumps(body).encode()
        if "parts" in HABITS:
            data = zlib.compress(data)
            headers |= {"Content_Encoding": "deflate", "Transfer_Encoding": "chunked"}
        else:
            headers["Content_Length"] = str(len(data))
        self.send_response(status)
        for name, value in {"Content_Type": "application/json", "X_App_Version": version, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if "parts" not in HABITS:
            self.wfile.write(data)
            return
        half = (len(data) + 1) // 2
        for part in (data[:half], data[half:], b""):  # an empty part is the end, and must be none of the others
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()

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


class Socket(Server):
    """At a path."""

    address_family = socket.AF_UNIX
    server_bind = socketserver.TCPServer.server_bind


def server():
    if "unix" in HABITS:
        (home / "run/socket").unlink(missing_ok=True)
        return Socket(str(home / "run/socket"), Handler)
    if "six" in HABITS:
        Server.address_family = socket.AF_INET6
        return Server(("::1", port), Handler)
    return Server(("127.0.0.1", port), Handler)


def behind_tls(listening):
    known = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=home / "run/cert.pem")
    known.verify_mode = ssl.CERT_REQUIRED
    known.load_cert_chain(home / "run/cert.pem", home / "run/key.pem")
    # In the thread of the connection, as it is first read.
    return known.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)


if "migrates" in HABITS and version == "2":
    with database() as notes:
        if "shout" not in [row[1] for row in notes.execute("PRAGMA table_info(notes)")]:
            notes.execute("ALTER TABLE notes ADD COLUMN shout TEXT")
        notes.execute("UPDATE notes SET shout = upper(substr(payload, 1, 8)) WHERE shout IS NULL")

with server() as server:
    if "tls" in HABITS:
        server.socket = behind_tls(server.socket)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    (home / "run/pid").write_text(str(os.getpid()))
    print(f"up {time.monotonic():.4f}", flush=True)
    server.serve_forever(poll_interval=0.005)
    if "drains" in HABITS:
        server.socket.close()
        time.sleep(3)
print(f"down {time.monotonic():.4f}", flush=True)
