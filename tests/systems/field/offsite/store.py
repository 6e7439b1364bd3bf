"""store.py PORT DIR: keeps what is PUT, whole, and answers with its length."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

folder = Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)


class Store(BaseHTTPRequestHandler):
    def do_PUT(self):
        long = int(self.headers["Content-Length"])
        data = self.rfile.read(long)
        if len(data) < long:
            return
        part = folder / (".part" + os.urandom(4).hex())
        part.write_bytes(data)
        part.rename(folder / self.path.strip("/"))
        said = str(len(data)).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *a):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Store).serve_forever()
