"""The tiny system, turned against whoever reads its report: put beside tiny.py, and named in its place."""

import json
import os
import sys
from pathlib import Path

import tiny

NASTY = (
    "\x1b[2J\x1b]0;owned\x07<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "{{7*7}} | `x` [a](javascript:alert(1)) ]]> &amp; \x00\x08\x9b31m\u202e\ud800 =1+1"
)
RAW = NASTY.encode(errors="surrogatepass") + b"\xff\xfe\xc3("
KEY = "-----BEGIN PRIVATE KEY-----\nbm9ib2R5IHNoYWxsIHNlZSB0aGlz\n"
LONG = 100_000_000


def say_much() -> None:
    """Everything it knows of its surroundings, and a line of 100 MB."""
    out = sys.stdout.buffer
    out.write(RAW + b"\n" + repr(dict(os.environ)).encode() + b"\n")
    for path in Path("/proc").glob("[0-9]*/environ"):
        out.write(path.read_bytes() + b"\n")
    for _ in range(100):
        out.write(b"A" * (LONG // 100))
    out.write(b"\n" + RAW + b" " + os.environ["TINY_API_TOKEN"].encode() + b"\n")
    out.flush()


def leave_files() -> None:
    """Keys among data and logs, links that lead to them, names no report expects."""
    logs, data = tiny.HOME / "logs", tiny.DATABASE.parent
    for folder in (logs, data):
        (folder / "backup.key").write_text(KEY)
        (folder / "notes").write_text(KEY)
    (tiny.HOME / "state").mkdir(exist_ok=True)
    (tiny.HOME / "state" / "plain").write_text("through a link: bm9ib2R5")
    (logs / "link.log").symlink_to(tiny.HOME / "state" / "plain")
    (data / "link").symlink_to(tiny.HOME / "state" / "plain")
    deep = logs / ("d" * 200)
    deep.mkdir()
    for name in (b"n" * 250, RAW.replace(b"/", b"_").replace(b"\0", b"")[:200]):
        with open(os.fsencode(deep) + b"/" + name, "wb") as file:
            file.write(RAW + os.environ["TINY_API_TOKEN"].encode())


class Handler(tiny.Handler):
    def reply(self, status: int, document: object) -> None:
        if self.path.startswith("/entries") and isinstance(document, dict) and "items" in document:
            document["items"] += [{"token": NASTY, "payload": "P" * 5_000_000}]
        if self.path == "/version":
            document = {"version": NASTY + "v" * 100_000}
        super().reply(status, document)

    def end_headers(self) -> None:
        # An escape sequence in a header is no HTTP: the load would not take the answer, and would be right.
        hidden = "\x1b[2J" if self.path == "/version" else ""
        self.send_header("X-Nasty", f"<script>document.title='owned'</script>{hidden}")
        super().end_headers()

    def do_GET(self) -> None:
        if self.path == "/health":  # valid JSON, and too deep for any reader of it
            body = b"[" * 100_000 + b"]" * 100_000
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        super().do_GET()


def main() -> None:
    match sys.argv[1:]:
        case ["serve", port]:
            tiny.Handler = Handler  # type: ignore[misc]  # the service is this one now
            say_much()
            tiny.serve(int(port))
        case ["backup"]:
            tiny.backup()
            say_much()
            leave_files()
        case ["deploy", _]:
            say_much()
            sys.exit(1)
        case ["status"]:
            found = [
                {"name": NASTY, "path": NASTY.replace("\0", "").replace("\ud800", ""), "size": 1, "eligible": True}
            ]
            print("A" * LONG)
            print(json.dumps({"version": NASTY, "schema": NASTY, "latest": None, "backups": found}))
        case _:
            tiny.main()


if __name__ == "__main__":
    main()
