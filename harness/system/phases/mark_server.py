"""The phase marks of a deployment kit: a Unix socket that answers each mark when the kit may go on."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import BinaryIO

from harness.host.clock import now
from harness.model import Edge
from harness.system.phases.gates import Gates

_MOST_BYTES = 64 * 1024
_NAME = 200  # characters of a phase, or of the id of an operation


class PhaseServer:
    """Accepts marks for the whole run; one thread a connection, since two kits may be held at the same time."""

    def __init__(self, path: Path, gates: Gates) -> None:
        self.path = path
        self.gates = gates
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o666)  # the kit may run as another user
        self._listener.listen(64)
        threading.Thread(target=self._accept, name="phases", daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name="phase-marks", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while line := _line(stream):
                at = now()
                try:
                    mark = json.loads(line)
                    edge, operation = Edge(str(mark["phase"])[:_NAME], mark["event"]), str(mark["operation"])[:_NAME]
                    if edge.event not in ("start", "stop"):
                        raise ValueError(edge.event)
                except (ValueError, KeyError, TypeError, RecursionError):
                    self.gates.problem(f"not a phase mark: {line[:80]!r}")
                    if not _let_go(connection, "not a phase mark"):
                        return
                    continue
                self.gates.hold(at, edge, operation)
                if not _let_go(connection):
                    return


def _line(stream: BinaryIO) -> bytes:
    """Empty when the kit has closed its end, or was killed with an answer unread."""
    try:
        # A mark is short: of a line without an end no more than this is ever in memory.
        return stream.readline(_MOST_BYTES)
    except ConnectionError:
        return b""


def _let_go(connection: socket.socket, error: str = "") -> bool:
    """Answer a mark; False when the kit was killed while it was held."""
    answer = {"go": True, "error": error} if error else {"go": True}
    try:
        connection.sendall(json.dumps(answer).encode() + b"\n")
    except OSError:
        return False
    return True
