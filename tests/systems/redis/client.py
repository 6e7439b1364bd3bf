"""Redis over its own protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/"""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from harness import Client, acknowledging


class Refused(Exception):
    """The server says that it did not carry the command out."""


class Notes(Client):
    def __init__(self, url: str = "") -> None:
        at = urlsplit(url)
        self.connection = socket.create_connection((at.hostname, at.port), 5)
        self.stream = self.connection.makefile("rb")

    def ask(self, *words: str) -> object:
        sent = b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in (word.encode() for word in words))
        self.connection.sendall(b"*%d\r\n" % len(words) + sent)
        return self.answer()

    def answer(self) -> object:
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server has closed the connection")
        kind, text = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise Refused(text)
        if kind == b"$":
            return None if text == "-1" else self.stream.read(int(text) + 2)[:-2].decode()
        return [self.answer() for _ in range(int(text))] if kind == b"*" else text

    def ready(self) -> bool:
        return self.ask("PING") == "PONG"

    def version(self) -> str:
        return self.ask("CONFIG", "GET", "proc-title-template")[1]

    @acknowledging(Refused)
    def write(self, token: str, payload: str) -> None:
        self.ask("HSET", "notes", token, payload)

    def read(self) -> None:
        self.ask("HLEN", "notes")

    def read_all(self) -> Iterator[tuple[str, str]]:
        flat = iter(self.ask("HGETALL", "notes"))
        return zip(flat, flat, strict=True)
