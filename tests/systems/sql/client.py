"""PostgreSQL by its protocol, version 3: https://www.postgresql.org/docs/current/protocol-message-formats.html"""

import json
import socket
import struct
from collections.abc import Iterator
from urllib.parse import urlsplit

from harness import Client, acknowledging


class Refused(Exception):
    """The server says that it did not carry the statement out."""


class Notes(Client):
    def __init__(self, url: str = "") -> None:
        at = urlsplit(url)
        self.connection = socket.create_connection((at.hostname, at.port), 5)
        self.stream = self.connection.makefile("rb")
        self.send(b"", struct.pack("!i", 196608) + f"user\0{at.username}\0database\0{at.path[1:]}\0\0".encode())
        list(self.answers())

    def send(self, kind: bytes, body: bytes) -> None:
        self.connection.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def ask(self, statement: str) -> list[str]:
        """Of each row its one column."""
        self.send(b"Q", statement.encode() + b"\0")
        return list(self.answers())

    def answers(self) -> Iterator[str]:
        failed, kind = "", b""
        while kind != b"Z":
            if not (kind := self.stream.read(1)):
                raise ConnectionError(failed or "the server has closed the connection")
            body = self.stream.read(struct.unpack("!i", self.stream.read(4))[0] - 4)
            if kind == b"D":
                yield body[6:].decode()
            elif kind == b"E":
                failed = body.replace(b"\0", b" ").decode()
        if failed:
            raise Refused(failed)

    def ready(self) -> bool:
        return bool(self.version())

    def version(self) -> str:
        return self.ask("SELECT version FROM release")[0]

    @acknowledging(Refused)
    def write(self, token: str, payload: str) -> None:
        self.ask(f"INSERT INTO notes VALUES ('{token}', '{payload}')")

    def read(self) -> None:
        self.ask("SELECT count(*) FROM notes")

    def read_all(self) -> Iterator[list[str]]:
        return map(json.loads, self.ask("SELECT json_build_array(token, payload) FROM notes"))
