"""Marks where an operation is, over the socket in ``$DEPLOYDRILL_PHASES`` if any, and keeps time without it."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

_gate: socket.socket | None = None
_waited_s = 0.0


def now() -> float:
    """Seconds on a clock that stands still while a mark is being answered: waiting there is not our own time."""
    return time.monotonic() - _waited_s


class Deadline:
    """A limit on a wait; ``left_s`` never reaches 0, because 0 means "no limit" to a socket."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = now() + seconds

    @property
    def passed(self) -> bool:
        return now() >= self._end

    @property
    def left_s(self) -> float:
        return max(self._end - now(), 0.001)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Mark the start and, unless it fails, the stop of a phase."""
    print(f"[{name}]", flush=True)
    _mark(name, "start")
    yield
    _mark(name, "stop")


def _mark(name: str, event: str) -> None:
    global _gate, _waited_s
    path = os.environ.get("DEPLOYDRILL_PHASES")
    if not path:
        return
    began = time.monotonic()
    try:
        if _gate is None:
            _gate = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            _gate.connect(path)
        line = {"phase": name, "event": event, "operation": os.environ.get("DEPLOYDRILL_OPERATION", "")}
        _gate.sendall(json.dumps(line).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            part = _gate.recv(4096)
            if not part:
                raise ConnectionError("closed")
            answer += part
    except OSError as error:
        # The marks serve whoever watches. The operation does not depend on them.
        print(f"no phase marks any more: {error}", flush=True)
        os.environ.pop("DEPLOYDRILL_PHASES")
    _waited_s += time.monotonic() - began
