"""A monitor: looks at the service through the front, and says over HTTP what it saw and how long ago.

Two processes: a child looks, and sends every look to its parent, which answers. A child that died leaves a parent that
answers with an older and older look, and says how old it is.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent / "kit"))  # for its limit on the whole of a request
import web

PATHS = ("/health", "/relationships/1", "/relationships/search?number=1", "/relationships/joined?number=1")
KINDS = ("reads", "writes")
# More of the clients' reads, or of their writes, than this failed since the last look: not healthy,
# whatever /health says.
FAILED_SHARE = 0.05
LIMIT_S = 1.0


class Look:
    """Looks at the service; remembers its counters, so that a look tells what happened since the one before."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname or "127.0.0.1", place.port or 80
        self._counted: Mapping[str, Any] = {}

    def __call__(self) -> dict[str, object]:
        began = time.time()
        why = next((said for path in PATHS if (said := self._asked(path))), "") or self._failures()
        return {"began": began, "ended": time.monotonic(), "why": why}

    def _asked(self, path: str) -> str:
        try:
            status, _ = self._get(path)
        except (OSError, http.client.HTTPException) as error:
            return f"{path}: {error or type(error).__name__}"
        # An empty database has no relationship 1, and is healthy.
        return "" if status == 200 or (status == 404 and path != "/health") else f"{path} answers {status}"

    def _failures(self) -> str:
        """What the service itself counted of its clients' requests, since the last look or since it started."""
        try:
            status, body = self._get("/metrics")
            now = json.loads(body) if status == 200 else {}
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"/metrics: {error or type(error).__name__}"
        if not now:
            return f"/metrics answers {status}"
        if not self._counted:
            self._counted = now  # the first look knows of nothing since the one before
        before = self._counted if self._counted["pid"] == now["pid"] else {}
        self._counted = now
        for kind in KINDS:
            answered, failed = (now[kind][part] - before.get(kind, {}).get(part, 0) for part in ("answered", "failed"))
            if failed > FAILED_SHARE * answered:
                return f"{failed} of {answered} {kind} failed in version {now['version']}"
        return ""

    def _get(self, path: str) -> tuple[int, bytes]:
        return web.ask(self._port, path, LIMIT_S, host=self._host, agent="drill-monitor")


def look_for_ever(url: str, interval_s: float, sink: int) -> None:
    """What the child does. It ends when its parent is gone, and nobody reads its looks any more."""
    look = Look(url)
    try:
        while True:
            os.write(sink, json.dumps(look()).encode() + b"\n")  # shorter than PIPE_BUF: never torn
            time.sleep(interval_s)
    except BrokenPipeError:
        pass


class Answers:
    """The last look, as the parent has it from its child."""

    def __init__(self) -> None:
        self._seen: dict[str, Any] = {"began": 0.0, "ended": time.monotonic(), "why": "has not looked yet"}

    def follow(self, source: int, child: int) -> None:
        with open(source, "rb") as looks:
            for line in looks:
                self._seen = json.loads(line)
        os.waitpid(child, 0)

    def status(self) -> dict[str, object]:
        seen = self._seen
        if "ghost_heartbeat" in os.environ.get("KIT_FLAWS", "").split(","):
            # The heartbeat is that of the process that answers, not that of the looks.
            seen = {**seen, "began": time.time(), "ended": time.monotonic()}
        return {
            "healthy": not seen["why"],
            "checked_at": seen["began"],
            "age_s": round(time.monotonic() - seen["ended"], 3),
            "why": seen["why"],
        }


def main() -> int:
    parser = argparse.ArgumentParser(prog="monitor.py")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--interval", type=float, default=0.5)
    arguments = parser.parse_args()
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        look_for_ever(arguments.url, arguments.interval, sink)
        return 0
    os.close(sink)
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answers.status()).encode() if self.path == "/status" else b"{}"
            self.send_response(200 if self.path == "/status" else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet: whoever asks has the answer."""

    # Also where a link to it arrives, when there is one.
    for address in filter(None, ("127.0.0.1", os.environ.get("MONITOR_NEAR", ""))):
        server = ThreadingHTTPServer((address, arguments.port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    answers.follow(source, child)
    threading.Event().wait()  # nothing looks any more, and whoever asks is told how long ago the last look was
    return 0


if __name__ == "__main__":
    sys.exit(main())
