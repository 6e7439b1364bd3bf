"""Notes over HTTP in SQLite (WAL). `service.py PORT HOME`: holds the socket and turns workers over at SIGHUP.
`service.py PORT HOME VERSION FD`: a worker. FIELD names the variants (README.md), all off by default."""

import contextlib
import json
import os
import queue
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

port, home = int(sys.argv[1]), Path(sys.argv[2])
FIELD = os.environ.get("FIELD", "").split(",")
DB, RUN = home / "data/app.db", home / "run"
draining = threading.Event()
pool, busy, buckets = queue.LifoQueue(), set(), {}


@contextlib.contextmanager
def db():
    try:
        c = pool.get_nowait()
    except queue.Empty:
        c = sqlite3.connect(DB, timeout=5, check_same_thread=False, isolation_level=None)
        c.execute("PRAGMA synchronous=FULL")
    try:
        yield c
    finally:
        pool.put(c)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0" if "http10" in FIELD else "HTTP/1.1"
    disable_nagle_algorithm, wbufsize = True, -1

    def log_message(self, *a):
        pass

    def say(self, status, body, **headers):
        if "b10" in FIELD:
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if "gzip" in FIELD and (self.headers.get("Accept-Encoding", "").find("gzip") >= 0 or "always" in FIELD):
            import gzip

            data, headers = gzip.compress(data, 1), {**headers, "Content_Encoding": "gzip"}
        self.send_response(status)
        for k, v in {"Content_Type": "application/json", **headers}.items():
            self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", str(len(data)))
        if draining.is_set() and "a10" not in FIELD:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def turned_away(self, path):
        if "b1" in FIELD and self.headers.get("X-Forwarded-Proto") != "https":
            return self.say(301, b"", Location="https://shop.test" + path) or True
        if "b1" in FIELD and self.headers.get("Host") != "shop.test":
            return self.say(400, {"error": "unknown host"}) or True
        if "b3" in FIELD:
            left, then = buckets.get(1, (60.0, time.monotonic()))
            left = min(60.0, left + 60 * (time.monotonic() - then))
            buckets[1] = (max(0, left - 1), time.monotonic())
            if left < 1:
                return self.say(429, {"error": "slow down"}) or True

    def handle_one_request(self):
        super().handle_one_request()
        busy.discard(self)

    def parse_request(self):
        busy.add(self)
        return super().parse_request()

    def do_GET(self):
        url = urlsplit(self.path)
        if self.turned_away(url.path):
            return
        if url.path in ("/health", "/ready"):
            return self.say(200, {"ok": True})
        if url.path == "/version":
            return self.say(200, {"version": VERSION})
        if url.path == "/report":
            return self.report()
        columns = "token, payload, shout" if VERSION == "2" else "token, payload"
        try:
            with db() as c:
                if url.path == "/notes":
                    rows = c.execute(f"SELECT {columns} FROM notes ORDER BY id DESC LIMIT 20").fetchall()
                    return self.say(200, {"items": [r[0] for r in rows]})
                if url.path.startswith("/notes/"):
                    row = c.execute(f"SELECT {columns} FROM notes WHERE token=?", (url.path[7:],)).fetchone()
                    return self.say(200, list(row)) if row else self.say(404, {"error": "no such note"})
                if url.path == "/readback":
                    return self.say(200, self.readback(c, int(parse_qs(url.query).get("after", ["0"])[0]), columns))
        except sqlite3.Error as error:
            return self.say(500, {"error": str(error)})
        self.say(404, {"error": "no such path"})

    def readback(self, c, after, columns):
        (seeded,) = c.execute("SELECT value FROM meta WHERE key='seeded'").fetchone()
        missing = seeded - c.execute("SELECT count(*) FROM notes WHERE id<=?", (seeded,)).fetchone()[0]
        rows = c.execute(
            f"SELECT id, {columns} FROM notes WHERE id>? ORDER BY id LIMIT 1000", (max(after, seeded),)
        ).fetchall()
        return {
            "items": [{"token": r[1], "payload": r[2]} for r in rows],
            "missing": missing,
            "next": rows[-1][0] if len(rows) == 1000 else None,
        }

    def report(self):
        lines = [b"row %04d of the report\n" % n for n in range(40)]
        self.send_response(200)
        self.send_header("Content-Length", str(sum(map(len, lines))))
        self.end_headers()
        for line in lines:
            self.wfile.write(line)
            self.wfile.flush()
            time.sleep(0.03)
        # Its headers may have been sent before: the next request on this connection would meet the end of the worker.
        self.close_connection = self.close_connection or (draining.is_set() and "a10" not in FIELD)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.turned_away(self.path):
            return
        if "slow" in FIELD:
            time.sleep(1.5)
        note = json.loads(body)
        token, payload = note["token"], note["payload"]
        try:
            with db() as c:
                if VERSION == "2":
                    c.execute(
                        "INSERT INTO notes(token, payload, shout) VALUES(?,?,?)", (token, payload, payload[:8].upper())
                    )
                else:
                    c.execute("INSERT INTO notes(token, payload) VALUES(?,?)", (token, payload))
            self.say(201, {"token": token})
        except (sqlite3.Error, OSError) as error:
            self.say(503, {"error": str(error)})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *a):
        pass


def work(fd):
    holder = os.getppid()
    server = Server(("127.0.0.1", port), Handler, bind_and_activate=False)
    server.socket = socket.socket(fileno=fd)
    with db() as c:
        c.execute("SELECT count(*) FROM meta").fetchone()
        if VERSION == "2":
            c.execute("SELECT shout FROM notes LIMIT 1").fetchone()
    signal.signal(signal.SIGTERM, lambda *_: (draining.set(), threading.Thread(target=server.shutdown).start()))
    print("ready", flush=True)
    server.serve_forever(poll_interval=0.02)
    server.socket.close()
    print("closed", flush=True)
    while "a10" in FIELD and os.getppid() == holder:
        time.sleep(0.2)
    end = time.monotonic() + 2
    while time.monotonic() < end or (busy and time.monotonic() < end + 4):
        time.sleep(0.05)
    os._exit(0)


def hold():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for _ in range(200):  # whoever was here before may be draining still
        with contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            break
        time.sleep(0.05)
    sock.listen(512)
    RUN.mkdir(exist_ok=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGTERM})
    (RUN / "pid").write_text(str(os.getpid()))
    worker, caught = None, signal.SIGHUP
    while caught == signal.SIGHUP:
        wanted = (RUN / "wanted").read_text()
        new = subprocess.Popen(
            [sys.executable, __file__, str(port), str(home), wanted.split()[0], str(sock.fileno())],
            pass_fds=[sock.fileno()],
            stdout=subprocess.PIPE,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {15, 1}),
        )
        if new.stdout.readline() != b"ready\n":
            wanted = "failed " + wanted
        else:
            if worker:
                worker.terminate()
                worker.stdout.readline() if "a10" in FIELD else worker.wait()
            worker = new
        (RUN / "active.new").write_text(wanted)
        os.rename(RUN / "active.new", RUN / "active")
        caught = signal.sigwait({signal.SIGHUP, signal.SIGTERM})
    worker.terminate()
    worker.stdout.readline() if "a10" in FIELD else worker.wait(7)


if len(sys.argv) > 3:
    VERSION = sys.argv[3]
    work(int(sys.argv[4]))
else:
    hold()
