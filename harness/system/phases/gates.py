"""Edges as they are met: what the run does at each, and how long that held an operation of the kit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from harness.host.clock import mono_ns
from harness.model import NS, Edge, Instant
from harness.recording.events import By, LeftOut
from harness.recording.recorder import Recorder

_MOST_PROBLEMS = 100
_SEEN = {"log": "in a line of a log", "bytes": "by the bytes written"}


@dataclass(frozen=True, slots=True)
class Sighting:
    """How an edge came to be known: by a mark of the kit, a system call, a line of a log, bytes written, or as the
    start or the end of the operation. ``held``: it stood there meanwhile. ``late_ns``: the edge may be so much older
    than it was seen, at most. ``ended``: it was seen only once the operation had ended."""

    by: By = "mark"
    held: bool = True
    late_ns: int = 0
    ended: bool = False

    def said(self) -> str:
        """For the sentence on a fault that is put in there; empty where the edge was exact."""
        if self.held:
            return ""
        if self.ended:
            return f"the edge was seen {_SEEN[self.by]} only when the operation had ended"
        return f"the edge was seen {_SEEN[self.by]}, at most {self.late_ns * 1000 / NS:.1f} ms late; the kit went on"


MARKED = Sighting()

# on_edge(edge, operation id, how it was seen): what the run does, while the kit is held where it is.
OnEdge = Callable[[Edge, str, Sighting], None]
# record(at, operation id, edge, gate_ns, how it was seen)
Record = Callable[[Instant, str, Edge, int, Sighting], None]


class Gates:
    """Of a whole run; called by every thread that meets an edge."""

    def __init__(self, on_edge: OnEdge, record: Record) -> None:
        self._on_edge = on_edge
        self._record = record
        self._lock = threading.Lock()
        self._gate_ns: dict[str, int] = {}
        self._held: dict[str, int] = {}  # operation -> at how many marks at once
        self._since_ns: dict[str, int] = {}  # operation -> from when on that is not in _gate_ns yet
        self.problems: list[str] = []  # of the kit's own marks
        self.failures: list[tuple[Edge, str]] = []  # what of ours went wrong there: it is not known what was left out

    def gate_ns(self, operation: str) -> int:
        """How long this operation was held at its gates so far, those it is at included. Two at once are one time."""
        with self._lock:
            self._count(operation)
            return self._gate_ns.get(operation, 0)

    def _count(self, operation: str) -> int:
        """Add the time it was held since this was last asked; until when that is."""
        until_ns = mono_ns()
        if self._held.get(operation):
            since_ns = self._since_ns[operation]
            self._gate_ns[operation] = self._gate_ns.get(operation, 0) + max(0, until_ns - since_ns)
            self._since_ns[operation] = until_ns
        return until_ns

    def hold(self, at: Instant, edge: Edge, operation: str, sighting: Sighting = MARKED) -> None:
        """The kit stands at the edge until this returns."""
        with self._lock:
            if not self._held.get(operation):
                self._since_ns[operation] = max(at.mono_ns, self._since_ns.get(operation, 0))
            self._held[operation] = self._held.get(operation, 0) + 1
        self._meet(edge, operation, sighting)
        with self._lock:
            until_ns = self._count(operation)
            self._held[operation] -= 1
        self._record(at, operation, edge, until_ns - at.mono_ns, sighting)

    def see(self, at: Instant, edge: Edge, operation: str, sighting: Sighting) -> None:
        """The edge was met and holds nobody: the kit goes on, has not begun or has ended."""
        self._record(at, operation, edge, 0, sighting)
        self._meet(edge, operation, sighting)

    def _meet(self, edge: Edge, operation: str, sighting: Sighting) -> None:
        try:
            self._on_edge(edge, operation, sighting)
        except BaseException as error:  # noqa: BLE001 - sys.exit in a fault, too: the kit must be let go whatever the fault did; the run ends unknown
            with self._lock:
                if len(self.failures) < _MOST_PROBLEMS:
                    self.failures.append((edge, f"{type(error).__name__}: {error}"))

    def told(self, recorder: Recorder) -> list[str]:
        """Record what was left out for what went wrong of ours; the problems of the kit's marks."""
        for edge, why in self.failures:
            recorder.record(LeftOut(what=f"what was to be done at {edge}", why=why))
        return self.problems

    def problem(self, text: str) -> None:
        with self._lock:
            if len(self.problems) < _MOST_PROBLEMS:
                self.problems.append(text)
