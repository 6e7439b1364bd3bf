"""A plain HTTP request of the harness's own: one connection, a deadline and a bound on the whole of it, no proxy, no
retry."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.host.clock import Deadline

USER_AGENT = "deploydrill-harness"
# A page of the read-back is the longest answer there is a use for.
MOST_BYTES = 64 * 1024 * 1024
# What is asked for a word, such as health and version, answers with a few.
WORD_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is 0 when there was no answer; then ``error`` says why. ``refused``: nothing listens there."""

    status: int
    body: bytes
    error: str = ""
    refused: bool = False

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON, or None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):  # the second: nested thousands deep
            return None

    def said(self) -> str:
        """The answer in a few words, for a sentence."""
        return self.error[:300] or f"HTTP {self.status}: {self.body[:200].decode(errors='replace').strip()}"


class _Socket(socket.socket):
    """One that waits for each piece only as long as is left for all of them."""

    deadline: Deadline

    def recv_into(self, *arguments: Any) -> int:
        self.settimeout(max(0.001, self.deadline.left_s))
        if self.deadline.passed:
            raise TimeoutError("the answer came too slowly")
        return super().recv_into(*arguments)


def _connected(host: str, port: int, deadline: Deadline) -> _Socket:
    plain = socket.create_connection((host, port), deadline.left_s)
    within = _Socket(fileno=plain.detach())
    within.deadline = deadline
    within.settimeout(deadline.seconds)
    within.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return within


def get(url: str, deadline_s: float, most_bytes: int = MOST_BYTES) -> Answer:
    """One answer, no more than ``most_bytes`` of it: a longer one is none."""
    return ask("GET", url, deadline_s, most_bytes=most_bytes)


def ask(
    method: str,
    url: str,
    deadline_s: float,
    body: str = "",
    headers: Mapping[str, str] | None = None,
    most_bytes: int = MOST_BYTES,
) -> Answer:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    connection = http.client.HTTPConnection(host, port)
    try:
        connection.sock = _connected(host, port, Deadline(deadline_s, "an answer"))
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        told = {"User-Agent": USER_AGENT, "Connection": "close", **(headers or {})}
        connection.request(method, path or "/", body.encode() or None, told)
        answer = connection.getresponse()
        said = answer.read(most_bytes + 1)
        if len(said) > most_bytes:
            return Answer(0, b"", f"the answer is longer than {most_bytes} bytes")
        return Answer(answer.status, said)
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, b"", f"{type(error).__name__}: {error}", isinstance(error, ConnectionRefusedError))
    finally:
        connection.close()


def pointer(document: Any, path: str, missing: Any = None) -> Any:
    """The value at a JSON pointer (RFC 6901), or ``missing`` when there is none."""
    for part in path.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(key, missing)
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return missing
    return document
