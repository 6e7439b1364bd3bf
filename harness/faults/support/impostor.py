"""A responder that takes an address and gives one answer for ever, whatever it is asked."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Impostor:
    """Serves ``body`` as JSON with status 200 at the host and port of ``url``, from the start until ``close``."""

    def __init__(self, url: str, body: bytes) -> None:
        self.body = body

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet: what it says is in the recording."""

        place = urlsplit(url)
        self._server = ThreadingHTTPServer((place.hostname or "127.0.0.1", place.port or 80), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="impostor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2.0)
