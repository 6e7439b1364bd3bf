"""A real HTTP server in a thread that answers nobody who has not logged in: a form with a hidden word, a cookie, and a
token that holds for so many requests."""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness.config.schema import LoginStep

ACCOUNTS = ({"name": "ann", "password": "s3cret-of-ann"}, {"name": "bob", "password": "s3cret-of-bob"})
STEPS = (
    LoginStep("/login", "GET", patterns={"csrf": 'name="csrf" value="([^"]+)"'}),
    LoginStep(
        "/login",
        "POST",
        '{"name": "{name}", "password": "{password}"}',
        {"X-CSRF": "{csrf}"},
        pointers={"access": "/data/access_token"},
    ),
)


@dataclass
class Club:
    """``lasts``: a token holds for so many requests, then it is refused with the status ``refuses``. ``logins`` are
    name and token of each that went well; ``tokens`` how often each may still be shown; ``agents``:
    how many requests each made, but for logins."""

    lasts: int = 1_000_000
    refuses: int = 401
    logins: list[tuple[str, str]] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)
    agents: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def admits(self, token: str) -> bool:
        with self.lock:
            self.tokens[token] = left = self.tokens.get(token, 0) - 1
            return left >= 0


class _Desk(BaseHTTPRequestHandler):
    club: Club
    protocol_version = "HTTP/1.1"
    timeout = 20

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        club = self.club
        if self.path == "/login":
            word, session = secrets.token_hex(8), secrets.token_hex(8)
            club.forms[session] = word
            form = f'<form><input name="csrf" value="{word}"></form>'.encode()
            return self._say(200, form, Set_Cookie=f"session={session}; Path=/; HttpOnly")
        with club.lock:
            club.agents[self.headers["User-Agent"]] += 1
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if club.admits(token) and "session=" in (self.headers.get("Cookie") or ""):
            return self._say(200, b'{"ok": true}')
        return self._say(club.refuses, b"who are you?", Location="/login?next=/r")

    def do_POST(self) -> None:
        club, said = self.club, json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        session = (self.headers.get("Cookie") or "").partition("session=")[2]
        known = {a["name"]: a["password"] for a in ACCOUNTS}
        if club.forms.get(session) != self.headers.get("X-CSRF") or known.get(said["name"]) != said["password"]:
            return self._say(403, b"no")
        token = secrets.token_hex(16)
        with club.lock:
            club.tokens[token] = club.lasts
            club.logins.append((said["name"], token))
        return self._say(200, json.dumps({"data": {"access_token": token}}).encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def open_club(club: Club) -> Iterator[int]:
    """Serves until the end; its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Desk", (_Desk,), {"club": club})) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(10)
