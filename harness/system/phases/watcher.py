"""The phases of one operation of a kit that does not mark them, seen in what it does: lines, bytes, system calls."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from harness.config.schema import EdgeConfig, PhaseConfig
from harness.host.clock import mono_ns, now
from harness.host.held_calls import Call
from harness.model import NS, Edge
from harness.system.phases.gates import EdgeDetection, Gates
from harness.system.phases.traces import Growth, NewLines

LOOK_EVERY_S = 0.005
_LAST = 2**31  # bytes are seen after the lines of the same look


@dataclass(slots=True)
class _Phase:
    """``waits_for`` its start, then its stop, then nothing; ``count`` is how often that has matched so far."""

    config: PhaseConfig
    waits_for: Literal["start", "stop", ""] = "start"
    count: int = 0

    @property
    def edge(self) -> EdgeConfig | None:
        return {"start": self.config.start, "stop": self.config.stop, "": None}[self.waits_for]

    def met(self) -> Edge:
        assert self.waits_for
        edge = Edge(self.config.name, self.waits_for)
        self.waits_for, self.count = ("stop" if self.waits_for == "start" else ""), 0
        return edge


class PhaseWatch:
    """``begin`` before the operation's command is started, ``end`` once it has ended; in between ``on_call`` is asked
    about its system calls. ``output`` is where the operation's own output goes."""

    def __init__(
        self,
        phases: Sequence[PhaseConfig],
        operation: str,
        output: Path,
        place: Callable[[str], str],
        gates: Gates,
    ) -> None:
        self._operation = operation
        self._gates = gates
        self._phases = [_Phase(p) for p in phases]
        self._output = output
        self._place = place
        edges = [e for p in phases for e in (p.start, p.stop) if e]
        self.families = frozenset(e.call for e in edges if e.by == "syscall")
        self._lines = {path: NewLines(path) for path in {self._log(e) for e in edges if e.by == "log"}}
        self._growth = {path: Growth(path) for path in {Path(place(e.path)) for e in edges if e.by == "bytes"}}
        self._lock = threading.Lock()
        self._holding = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        for phase in self._phases:
            if phase.config.start is None:
                self._gates.see(now(), phase.met(), self._operation, EdgeDetection("start"))
        if self._lines or self._growth:
            self._thread = threading.Thread(target=self._work, name=f"phases-{self._operation}", daemon=True)
            self._thread.start()

    def end(self) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()
        self._look(last=True)
        for phase in self._phases:
            if phase.config.stop is None and phase.waits_for == "stop":
                self._gates.see(now(), phase.met(), self._operation, EdgeDetection("end"))

    # -- lines and bytes -----------------------------------------------------------------------------------------
    def _work(self) -> None:
        while not self._over.is_set():
            began = mono_ns()
            self._look()
            # A directory with many files takes its time to look at: no more than half of it.
            self._over.wait(max(LOOK_EVERY_S, (mono_ns() - began) / NS))

    def _look(self, last: bool = False) -> None:
        traces: list[NewLines | Growth] = [*self._lines.values(), *self._growth.values()]
        for trace in traces:
            trace.look(last)
        at = now()
        hits: list[tuple[int, Edge, EdgeDetection]] = []
        with self._lock:
            for phase in self._phases:
                before: NewLines | Growth | None = None
                number = -1
                while (edge := phase.edge) and edge.by != "syscall":
                    trace = self._trace(edge)
                    found = _met_in(trace, phase, edge, number if trace is before else -1)
                    if found is None:
                        break
                    before, number = trace, found
                    late_ns = at.mono_ns - trace.since_ns
                    hits.append((number, phase.met(), EdgeDetection(edge.by, False, late_ns, ended=last)))
        for _, met, detection in sorted(hits, key=lambda hit: hit[0]):
            self._gates.see(at, met, self._operation, detection)

    def _trace(self, edge: EdgeConfig) -> NewLines | Growth:
        return self._lines[self._log(edge)] if edge.by == "log" else self._growth[Path(self._place(edge.path))]

    def _log(self, edge: EdgeConfig) -> Path:
        return Path(self._place(edge.file)) if edge.file else self._output

    # -- system calls --------------------------------------------------------------------------------------------
    def on_call(self, call: Call) -> Callable[[], None] | None:
        """What is to be done while the call is held, if it is an edge."""
        if self._over.is_set():
            return None  # what the operation left behind goes on by itself
        with self._lock:
            met = [phase.met() for phase in self._phases if _called(phase, call)]
        return partial(self._hold, met) if met else None

    def _hold(self, met: Sequence[Edge]) -> None:
        with self._holding:  # two processes may come to an edge at once: the time is counted once
            for edge in met:
                self._gates.hold(now(), edge, self._operation, EdgeDetection("syscall"))


def _met_in(trace: NewLines | Growth, phase: _Phase, edge: EdgeConfig, after: int) -> int | None:
    """The place in what the last look saw at which the edge was met, behind ``after``; None: nowhere."""
    if isinstance(trace, Growth):
        return _LAST if trace.grown_bytes >= edge.size_bytes else None
    for number, line in enumerate(trace.lines):
        if number > after and re.search(edge.pattern, line):
            phase.count += 1
            if phase.count == edge.nth:
                return number
    return None


def _called(phase: _Phase, call: Call) -> bool:
    """Whether this call is the edge the phase waits for."""
    edge = phase.edge
    if edge is None or edge.by != "syscall" or edge.call != call.family:
        return False
    if edge.pattern and not any(re.search(edge.pattern, path) for path in call.paths):
        return False
    phase.count += 1
    return phase.count == edge.nth
