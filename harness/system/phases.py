"""The phase marks of a deployment kit: a Unix socket that answers each mark when the kit may go on."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from harness.host.clock import mono_ns, now
from harness.model import Edge, Instant

# on_edge(edge, operation id): what the run does while the kit is held.
OnEdge = Callable[[Edge, str], None]
# record(at, operation id, edge, gate_ns)
Record = Callable[[Instant, str, Edge, int], None]

_MOST_BYTES = 64 * 1024
_NAME = 200  # characters of a phase, or of the id of an operation
_MOST_PROBLEMS = 100


class PhaseServer:
    """Accepts marks for the whole run; one thread a connection, since two kits may be held at the same time."""

    def __init__(self, path: Path, on_edge: OnEdge, record: Record) -> None:
        self.path = path
        self._on_edge = on_edge
        self._record = record
        self._lock = threading.Lock()
        self._gate_ns: dict[str, int] = {}
        self._open: dict[str, int] = {}  # operation -> since when it is held
        self.problems: list[str] = []
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, name="phases", daemon=True).start()

    def gate_ns(self, operation: str) -> int:
        """How long this operation was held at its gates so far, the one it is at included."""
        with self._lock:
            since = self._open.get(operation)
            return self._gate_ns.get(operation, 0) + (mono_ns() - since if since else 0)

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
            # A mark is short: of a line without an end no more than this is ever in memory.
            while line := stream.readline(_MOST_BYTES):
                at = now()
                try:
                    mark = json.loads(line)
                    edge, operation = Edge(str(mark["phase"])[:_NAME], mark["event"]), str(mark["operation"])[:_NAME]
                    if edge.event not in ("start", "stop"):
                        raise ValueError(edge.event)
                except (ValueError, KeyError, TypeError, RecursionError):
                    self._complain(f"not a phase mark: {line[:80]!r}")
                    if not _let_go(connection, "not a phase mark"):
                        return
                    continue
                with self._lock:
                    self._open[operation] = at.mono_ns
                try:
                    self._on_edge(edge, operation)
                except BaseException as error:  # noqa: BLE001 - sys.exit in a fault, too: the kit must be let go whatever the fault did; the run ends unknown
                    self._complain(f"at {edge}: {type(error).__name__}: {error}")
                gate = mono_ns() - at.mono_ns
                with self._lock:
                    self._open.pop(operation, None)
                    self._gate_ns[operation] = self._gate_ns.get(operation, 0) + gate
                self._record(at, operation, edge, gate)
                if not _let_go(connection):
                    return

    def _complain(self, problem: str) -> None:
        with self._lock:
            if len(self.problems) < _MOST_PROBLEMS:
                self.problems.append(problem)


def _let_go(connection: socket.socket, error: str = "") -> bool:
    """Answer a mark; False when the kit was killed while it was held."""
    answer = {"go": True, "error": error} if error else {"go": True}
    try:
        connection.sendall(json.dumps(answer).encode() + b"\n")
    except OSError:
        return False
    return True
