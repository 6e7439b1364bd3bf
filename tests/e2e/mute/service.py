"""A system under test that never heard of the harness: forms in, pages out, a text file as its data. It forks away when
it is started, and refuses to run as root, as some do. Standard library only."""

import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HOME = Path(os.environ["MUTE_DIR"])
NOTES = HOME / "data" / "notes.tsv"
PAGE = 500
_lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status: int, text: str, **headers: str) -> None:
        body = f"<html>{text}</html>\n".encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/html", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/list":
            first = int(parse_qs(url.query).get("from", ["0"])[0])
            with _lock:
                lines = NOTES.read_text().splitlines()
            rows = "".join(
                "<tr><td>{}</td><td>{}</td></tr>".format(*line.split("\t")) for line in lines[first : first + PAGE]
            )
            more = f'<a href="?from={first + PAGE}">more</a>' if len(lines) > first + PAGE else ""
            self.reply(200, f"<table>{rows}</table>{more}")
        elif url.path == "/about":
            self.reply(200, f"mute, release {(HOME / 'release').read_text().strip()} of today")
        elif url.path in ("/", "/health", "/ready"):
            self.reply(200, "fine")
        else:
            self.reply(404, "There is no such page")

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        try:
            with _lock, NOTES.open("a") as notes:
                notes.write(f"{form['token'][0]}\t{form['payload'][0]}\n")
                notes.flush()
                os.fsync(notes.fileno())
        except OSError:
            self.reply(200, "Sorry, this did not work")  # as too many do
        else:
            self.reply(303, "stored", Location="/list")

    def log_message(self, *_: object) -> None:
        pass


def fork_away() -> None:
    for _ in range(2):
        if os.fork():
            os._exit(0)
        os.setsid()
    (HOME / "service.pid").write_text(str(os.getpid()))
    for descriptor in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)


if __name__ == "__main__":
    if os.geteuid() == 0:
        sys.exit("mute: not as root")
    for path in (NOTES, HOME / "release"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    if not re.search(r"\d", (HOME / "release").read_text()):
        (HOME / "release").write_text(sys.argv[2])
    ThreadingHTTPServer.request_queue_size = 64
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    fork_away()
    server.serve_forever()
