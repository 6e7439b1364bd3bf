"""What takes the place of a monitor and says one thing for ever: at its address, or in the file that it writes."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

# So often the file is written again.
_WRITE_EVERY_S = 0.2


class Liar(Protocol):
    """Says ``body`` until it is closed."""

    body: bytes

    def close(self) -> None: ...


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


class Forger:
    """Writes ``body`` into the file over and over, in place, from the start until ``close``."""

    def __init__(self, file: Path, body: bytes) -> None:
        self.body = body
        self._file = file
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, name="forger", daemon=True)
        self._thread.start()

    def _write(self) -> None:
        while not self._over.is_set():
            self._file.write_bytes(self.body)
            self._over.wait(_WRITE_EVERY_S)

    def close(self) -> None:
        self._over.set()
        self._thread.join(2.0)
