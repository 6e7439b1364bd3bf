"""Gates: what the run does at each edge that an operation reaches, and for how long that holds the operation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from harness.host.clock import mono_ns
from harness.model import NS, Edge, Instant
from harness.recording.events import By, LeftOut, PhaseEdge
from harness.recording.recorder import Recorder
from harness.stats.spans import merged_spans

_MOST_PROBLEMS = 100
_SEEN = {"log": "in a line of a log", "bytes": "by the bytes written"}


@dataclass(frozen=True, slots=True)
class EdgeDetection:
    """How an edge was detected: by a mark of the kit, a system call, a line of a log, bytes written, or as the start or
    the end of the operation. ``held``: the kit waited there meanwhile. ``late_ns``: the longest time by which the edge
    may have come before its detection. ``ended``: it was detected only after the operation had ended."""

    by: By = "mark"
    held: bool = True
    late_ns: int = 0
    ended: bool = False

    def as_event(self, operation: str, edge: Edge, gate_ns: int) -> PhaseEdge:
        """The event that records the edge; ``gate_ns``: for how long the gate held ``operation`` (its id)."""
        return PhaseEdge(
            operation=operation,
            phase=edge.phase,
            event=edge.event,
            gate_ns=gate_ns,
            by=self.by,
            held=self.held,
            late_ns=self.late_ns,
            ended=self.ended,
        )

    def describe(self) -> str:
        """For the sentence on a fault that lands there; empty if the edge is exact."""
        if self.held:
            return ""
        if self.ended:
            return f"the edge was seen {_SEEN[self.by]} only when the operation had ended"
        return f"the edge was seen {_SEEN[self.by]}, at most {self.late_ns * 1000 / NS:.1f} ms late; the kit went on"


MARKED = EdgeDetection()

# on_edge(edge, operation id, how it was detected): what the run does while the gate holds the kit.
OnEdge = Callable[[Edge, str, EdgeDetection], None]
# record(at, operation id, edge, gate_ns, how it was detected)
Record = Callable[[Instant, str, Edge, int, EdgeDetection], None]


class Gates:
    """The gates of a whole run; every thread that reaches an edge calls them. ``also``: phases that are, too, whenever
    another is, by the name of that."""

    def __init__(
        self, on_edge: OnEdge, record: Record, also: Mapping[str, Sequence[str]] = MappingProxyType({})
    ) -> None:
        self._also = also
        self._on_edge = on_edge
        self._record = record
        self._lock = threading.Lock()
        self._gate_ns: dict[str, int] = {}
        self._held: dict[str, int] = {}  # operation -> at how many gates at once
        self._since_ns: dict[str, int] = {}  # operation -> from when on its hold is not in _gate_ns yet
        self._began_ns: dict[str, int] = {}  # operation -> when its hold began
        self._spans: list[tuple[str, int, int]] = []  # every hold that is over: operation, start, stop
        self.problems: list[str] = []  # of the kit's own marks
        self.failures: list[tuple[Edge, str]] = []  # where the harness failed: it is unknown what it left out

    def gate_ns(self, operation: str) -> int:
        """For how long gates have held this operation so far. Two gates at once count once."""
        with self._lock:
            self._count(operation)
            return self._gate_ns.get(operation, 0)

    def others_ns(self, operation: str, since_ns: int) -> int:
        """For how long since then gates have held other operations, any of them: whoever waits for the lock of one
        waits for us."""
        with self._lock:
            now_ns = mono_ns()
            spans = [(start, stop) for name, start, stop in self._spans if name != operation]
            spans += [(self._began_ns[n], now_ns) for n, held in self._held.items() if held and n != operation]
        return sum(max(0, stop - max(start, since_ns)) for start, stop in merged_spans(spans))

    def _count(self, operation: str) -> int:
        """Add the time it was held since the last call; now, in CLOCK_MONOTONIC ns."""
        until_ns = mono_ns()
        if self._held.get(operation):
            since_ns = self._since_ns[operation]
            self._gate_ns[operation] = self._gate_ns.get(operation, 0) + max(0, until_ns - since_ns)
            self._since_ns[operation] = until_ns
        return until_ns

    def hold(self, at: Instant, edge: Edge, operation: str, detection: EdgeDetection = MARKED) -> None:
        """The kit waits at the edge until this returns."""
        with self._lock:
            if not self._held.get(operation):
                self._since_ns[operation] = max(at.mono_ns, self._since_ns.get(operation, 0))
                self._began_ns[operation] = at.mono_ns
            self._held[operation] = self._held.get(operation, 0) + 1
        self._meet(edge, operation, detection)
        with self._lock:
            until_ns = self._count(operation)
            self._held[operation] -= 1
            self._spans.append((operation, at.mono_ns, until_ns))
        self._record(at, operation, edge, until_ns - at.mono_ns, detection)
        for phase in self._also.get(edge.phase, ()):
            self._record(at, operation, Edge(phase, edge.event), 0, detection)

    def see(self, at: Instant, edge: Edge, operation: str, detection: EdgeDetection) -> None:
        """Record an edge without a hold: the kit goes on, has not begun or has ended."""
        for phase in (edge.phase, *self._also.get(edge.phase, ())):
            self._record(at, operation, Edge(phase, edge.event), 0, detection)
        self._meet(edge, operation, detection)

    def _meet(self, edge: Edge, operation: str, detection: EdgeDetection) -> None:
        try:
            for phase in (edge.phase, *self._also.get(edge.phase, ())):
                self._on_edge(Edge(phase, edge.event), operation, detection)
        except BaseException as error:  # noqa: BLE001 - sys.exit in a fault, too: the kit must be let go whatever the fault did; the run ends unknown
            with self._lock:
                if len(self.failures) < _MOST_PROBLEMS:
                    self.failures.append((edge, f"{type(error).__name__}: {error}"))

    def record_failures(self, recorder: Recorder) -> list[str]:
        """Record what the harness left out where it failed; the problems of the kit's marks."""
        for edge, why in self.failures:
            recorder.record(LeftOut(what=f"what was to be done at {edge}", why=why))
        return self.problems

    def problem(self, text: str) -> None:
        with self._lock:
            if len(self.problems) < _MOST_PROBLEMS:
                self.problems.append(text)
