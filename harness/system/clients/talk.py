"""Talk with the program of a client of the user's own: questions by their number, each answered in its own time."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from harness.host.clock import Deadline

GONE = "the client program has ended"
# What HTTP would say where a client says that the service carried nothing out.
REFUSED = 507


class ClientGone(ConnectionError):
    """The program ended, or was never there."""


class _Slot:
    """What is told of one question so far."""

    def __init__(self) -> None:
        self.lines: list[Mapping[str, Any]] = []
        self.told = threading.Event()


class Talk:
    """With one program, by any number of threads; it is connected when it is first asked, and again once it has ended.
    In Locust's process sockets and threads are gevent's, and so is this."""

    def __init__(self, door: Path | str) -> None:
        self._door = str(door)
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._slots: dict[int, _Slot] = {}
        self._socket: socket.socket | None = None

    def ask(self, do: str, deadline_s: float, **more: Any) -> Mapping[str, Any]:
        """One line of answer. TimeoutError, or ClientGone."""
        (line,) = self._asked(do, deadline_s, lambda lines: bool(lines), more)[:1]
        return line

    def entries(self, deadline_s: float) -> list[tuple[str, str | None]]:
        """All that `read_all` tells. TimeoutError, ClientGone, or ValueError with what it says went wrong."""
        lines = self._asked("read_all", deadline_s, lambda lines: "entries" not in lines[-1], {})
        if "error" in lines[-1]:
            raise ValueError(lines[-1]["error"])
        return [
            (str(token), None if payload is None else str(payload))
            for line in lines[:-1]
            for token, payload in line["entries"]
        ]

    def _asked(
        self,
        do: str,
        deadline_s: float,
        whole: Callable[[list[Mapping[str, Any]]], bool],
        more: Mapping[str, Any],
    ) -> list[Mapping[str, Any]]:
        """The lines of an answer, once they are ``whole``."""
        deadline, number, slot = Deadline(deadline_s, f"an answer to {do}"), next(self._numbers), _Slot()
        with self._lock:
            connection = self._connected()
            self._slots[number] = slot
            try:
                connection.sendall(
                    json.dumps({"id": number, "do": do, "within_s": deadline_s, **more}).encode() + b"\n"
                )
            except OSError as error:
                self._lost(connection)
                raise ClientGone(GONE) from error
        try:
            while True:
                if not slot.told.wait(deadline.left_s):
                    raise TimeoutError(f"no answer to {do} after {deadline_s:g} s")
                with self._lock:
                    slot.told.clear()
                    lines = list(slot.lines)
                    if lines and whole(lines):
                        return lines
                    if number not in self._slots:
                        raise ClientGone(GONE)
        finally:
            self._slots.pop(number, None)

    def _connected(self) -> socket.socket:
        if self._socket is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(self._door)
            except OSError as error:
                connection.close()
                raise ClientGone(f"{GONE}: {error}") from error
            self._socket = connection
            threading.Thread(target=self._read, args=(connection,), name="client-talk", daemon=True).start()
        return self._socket

    def _read(self, connection: socket.socket) -> None:
        rest = b""
        while True:
            try:
                data = connection.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                with self._lock:
                    self._lost(connection)
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in filter(None, lines):
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            told = json.loads(line)
            number = int(told["id"])
        except (ValueError, KeyError, TypeError):
            return  # no answer of the documented form is none
        with self._lock:
            if slot := self._slots.get(number):
                slot.lines.append(told)
                slot.told.set()

    def _lost(self, connection: socket.socket) -> None:
        """Nothing more comes of it; who waits is told. Under the lock."""
        if self._socket is not connection:
            return
        connection.close()
        self._socket = None
        waiting, self._slots = self._slots, {}
        for slot in waiting.values():
            slot.told.set()

    def close(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._lost(self._socket)


def ended(told: Mapping[str, Any]) -> tuple[str, int, str]:
    """Outcome, status and words of a request by the answer to it, as a sample holds them."""
    said = str(told.get("error") or told.get("said") or "")
    match told.get("outcome"):
        case "acknowledged":
            return "ok", 200, ""
        case "refused":
            return "refused", REFUSED, said or "refused"
        case "indeterminate":
            return "reset", 0, said or "indeterminate"
    return ("ok", 200, "") if told.get("ok") is True else ("reset", 0, said or f"an answer without ok: {dict(told)}")
