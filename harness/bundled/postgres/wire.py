"""As much of PostgreSQL's protocol (version 3) as the service speaks: one statement with text parameters, its rows.

https://www.postgresql.org/docs/15/protocol-message-formats.html
"""

import socket
import struct


class PostgresError(Exception):
    """``state`` is the SQLSTATE; empty when the connection itself failed."""

    def __init__(self, text: str, state: str = "") -> None:
        super().__init__(text)
        self.state = state


class Connection:
    """One session over a Unix socket, as ``user``, trusted by the server."""

    def __init__(self, path: str, user: str, database: str, timeout_s: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise PostgresError(f"{path}: {error.strerror or error}") from error
        self._stream = self._socket.makefile("rb")
        body = struct.pack("!i", 196608) + _text("user", user, "database", database, "")
        self._send(struct.pack("!i", len(body) + 4) + body)
        self._answer()

    def execute(self, sql: str, *values: object) -> list[tuple]:
        """The rows, each value as text or None; returns once the server says that it is done (and durable)."""
        given = b"".join(struct.pack("!i", len(v)) + v for v in (str(value).encode() for value in values))
        bind = _text("", "") + struct.pack("!hh", 0, len(values)) + given + struct.pack("!h", 0)
        messages = (
            (b"P", _text("", sql) + struct.pack("!h", 0)),
            (b"B", bind),
            (b"E", _text("") + struct.pack("!i", 0)),
            (b"S", b""),
        )
        self._send(b"".join(kind + struct.pack("!i", len(body) + 4) + body for kind, body in messages))
        return self._answer()

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise PostgresError(f"the connection is lost: {error}") from error

    def _answer(self) -> list[tuple]:
        """All messages up to "ready for query"."""
        rows: list[tuple] = []
        failed: PostgresError | None = None
        while True:
            kind, body = self._message()
            if kind == b"D":
                rows.append(_row(body))
            elif kind == b"E":
                fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
                failed = PostgresError(fields.get(b"M", ""), fields.get(b"C", ""))
                if fields.get(b"S") == "FATAL":
                    raise failed
            elif kind == b"Z":
                if failed:
                    raise failed
                return rows

    def _message(self) -> tuple[bytes, bytes]:
        try:
            head = self._stream.read(5)
            body = self._stream.read(struct.unpack("!i", head[1:])[0] - 4) if len(head) == 5 else b""
        except OSError as error:
            raise PostgresError(f"the connection is lost: {error}") from error
        if len(head) < 5:
            raise PostgresError("the connection is lost: the server closed it")
        return head[:1], body


def _text(*texts: str) -> bytes:
    return b"".join(text.encode() + b"\0" for text in texts)


def _row(body: bytes) -> tuple:
    values: list[str | None] = []
    at = 2
    for _ in range(struct.unpack_from("!h", body)[0]):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        values.append(None if length < 0 else body[at : at + length].decode())
        at += max(length, 0)
    return tuple(values)
