"""A request of the harness's own: one connection, a deadline and a bound on the whole answer, no proxy, no retry."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import h11

from harness.host.bodies import ACCEPTED, WORDS_CHARS, CannotDecode, decoded, words_of
from harness.host.clock import Deadline
from harness.host.endpoint import Endpoint

USER_AGENT = "deploydrill-harness"
# A page of the read-back is the longest answer there is a use for.
MOST_BYTES = 64 * 1024 * 1024
# What is asked for a word, such as health and version, answers with a few.
WORD_BYTES = 256 * 1024
_PIECE = 1 << 16
_ERROR_CHARS = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is 0 when there was no answer; then ``error`` says why. ``refused``: nothing listens there. ``body``
    is decoded; the names of ``headers`` are in lower case."""

    status: int
    body: bytes
    error: str = ""
    refused: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    set_cookies: tuple[str, ...] = ()

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
        if self.error:
            return self.error[:_ERROR_CHARS]
        if 300 <= self.status < 400 and (target := self.headers.get("location")):
            return f"HTTP {self.status} to {target[:WORDS_CHARS]}"
        return f"HTTP {self.status}: {words_of(self.body)}"


def get(url: str, deadline_s: float, most_bytes: int = MOST_BYTES) -> Answer:
    """One answer from an address of its own, such as a monitor's."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return ask(Endpoint(f"{parts.scheme}://{parts.netloc}"), "GET", path, deadline_s, most_bytes=most_bytes)


def ask(
    endpoint: Endpoint,
    method: str,
    path: str,
    deadline_s: float,
    body: str = "",
    headers: Mapping[str, str] | None = None,
    most_bytes: int = MOST_BYTES,
) -> Answer:
    """One answer, no more than ``most_bytes`` of it: a longer one is none. Interim answers (1xx) are passed over, and
    redirects are not followed."""
    deadline, http = Deadline(deadline_s, "an answer"), h11.Connection(h11.CLIENT)
    told = {"User-Agent": USER_AGENT, "Accept-Encoding": ACCEPTED, "Connection": "close"}
    told = endpoint.all_headers(told | dict(headers or {}))
    content = body.encode()
    if content or method not in ("GET", "HEAD"):
        told["Content-Length"] = str(len(content))
    try:
        pairs = [(name.encode(), value.encode()) for name, value in (("Host", endpoint.authority), *told.items())]
        target = quote(endpoint.prefix + path, safe=string.punctuation)
        sent = http.send(h11.Request(method=method, target=target, headers=pairs)) or b""
        sent += (http.send(h11.Data(data=content)) or b"") + (http.send(h11.EndOfMessage()) or b"")
        with endpoint.connect(deadline) as connection:

            def wait() -> None:
                """The next call may take what is left for all of them."""
                if deadline.passed:
                    raise TimeoutError("the answer came too slowly")
                connection.settimeout(max(0.001, deadline.left_s))

            def receive() -> bytes:
                wait()
                return connection.recv(_PIECE)

            wait()
            connection.sendall(sent)
            return _answer(http, receive, most_bytes)
    except CannotDecode as cannot:
        return Answer(0, b"", str(cannot))
    except h11.LocalProtocolError:  # its words hold the header, and so perhaps a secret
        return Answer(0, b"", "it cannot be sent: a path or a header holds what none can")
    except (OSError, h11.ProtocolError) as error:
        return Answer(0, b"", f"{type(error).__name__}: {error}", isinstance(error, ConnectionRefusedError))


def _answer(http: h11.Connection, receive: Callable[[], bytes], most_bytes: int) -> Answer:
    headers: dict[str, str] = {}
    cookies: tuple[str, ...] = ()
    status, body = 0, bytearray()
    while len(body) <= most_bytes:
        event = http.next_event()
        if event is h11.NEED_DATA:
            piece = receive()
            if not piece and http.their_state is h11.SEND_RESPONSE:
                raise ConnectionResetError("the connection was closed before an answer")
            http.receive_data(piece)
        elif isinstance(event, h11.Response):
            status = event.status_code
            pairs = [(name.decode(), value.decode(errors="replace")) for name, value in event.headers]
            headers, cookies = dict(pairs), tuple(value for name, value in pairs if name == "set-cookie")
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            whole = decoded(bytes(body), headers.get("content-encoding", ""), most_bytes)
            if len(whole) > most_bytes:
                break
            return Answer(status, whole, headers=headers, set_cookies=cookies)
    return Answer(0, b"", f"the answer is longer than {most_bytes} bytes")


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
