"""A monitor: looks at the service through the front, and says over HTTP what it saw and how long ago."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# More than one real read a look: a version that fails every third request must not slip through.
PATHS = ("/health", "/relationships/1", "/relationships/search?number=1", "/relationships/joined?number=1")


class Watch:
    """The last look at the service."""

    def __init__(self, url: str, limit_s: float) -> None:
        self._host = urlsplit(url).netloc
        self._limit_s = limit_s
        self._seen: tuple[float, float, str] = (0.0, time.monotonic(), "has not looked yet")

    def look(self) -> None:
        began, why = time.time(), ""
        for path in PATHS:
            if why:
                break
            connection = http.client.HTTPConnection(self._host, timeout=self._limit_s)
            try:
                connection.request("GET", path, headers={"User-Agent": "drill-monitor", "Connection": "close"})
                response = connection.getresponse()
                response.read()
                # An empty database has no relationship 1, and is healthy.
                if response.status != 200 and not (response.status == 404 and path != "/health"):
                    why = f"{path} answers {response.status}"
            except (OSError, http.client.HTTPException) as error:
                why = f"{path}: {error or type(error).__name__}"
            finally:
                connection.close()
        self._seen = (began, time.monotonic(), why)

    def status(self) -> dict[str, object]:
        began, ended, why = self._seen
        return {"healthy": not why, "checked_at": began, "age_s": round(time.monotonic() - ended, 3), "why": why}


def main() -> int:
    parser = argparse.ArgumentParser(prog="monitor.py")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--interval", type=float, default=0.5)
    arguments = parser.parse_args()
    watch = Watch(arguments.url, 1.0)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(watch.status()).encode() if self.path == "/status" else b"{}"
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
    while True:
        watch.look()
        time.sleep(arguments.interval)


if __name__ == "__main__":
    sys.exit(main())
