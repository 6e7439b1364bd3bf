"""A plain HTTP request of the harness's own: one connection, a deadline on the whole of it, no proxy, no retry."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

USER_AGENT = "deploydrill-harness"


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is 0 when there was no answer; then ``error`` says why."""

    status: int
    body: bytes
    error: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON, or None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def said(self) -> str:
        """The answer in a few words, for a sentence."""
        return self.error or f"HTTP {self.status}: {self.body[:200].decode(errors='replace').strip()}"


def get(url: str, deadline_s: float) -> Answer:
    return ask("GET", url, deadline_s)


def ask(method: str, url: str, deadline_s: float, body: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=deadline_s)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        told = {"User-Agent": USER_AGENT, "Connection": "close", **(headers or {})}
        connection.request(method, path or "/", body.encode() or None, told)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, b"", f"{type(error).__name__}: {error}")
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
