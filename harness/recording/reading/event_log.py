"""The event log of a run as read: its events by kind, its time and the phases it tells of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from harness.model import Instant, Span
from harness.recording.events import Event, LoadSteady, LoadStopping, OperationStopped, PhaseEdge, read_events

_E = TypeVar("_E", bound=Event)


class EventLog:
    """``events.jsonl``, read once it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _read(self) -> tuple[tuple[Event, ...], int]:
        return read_events(self._path)

    @property
    def events(self) -> tuple[Event, ...]:
        """All that can be read."""
        return self._read[0]

    @property
    def unreadable(self) -> tuple[int, int]:
        """How many lines are torn or out of sequence, and how many lines there are."""
        return self._read[1] - len(self.events), self._read[1]

    @cached_property
    def _by_kind(self) -> Mapping[type[Event], list[Event]]:
        found: dict[type[Event], list[Event]] = {}
        for event in self.events:
            found.setdefault(type(event), []).append(event)
        return found

    def of(self, kind: type[_E]) -> Iterator[_E]:
        """The events of one kind, in the order they were written."""
        return (e for e in self._by_kind.get(kind, ()) if isinstance(e, kind))

    @property
    def start(self) -> Instant:
        return self.events[0].instant

    @property
    def stop(self) -> Instant:
        return self.events[-1].instant

    @cached_property
    def measured_ns(self) -> tuple[int, int]:
        """From steady load to the end of the load: the window in which downtime is counted; (0, 0) without one."""
        start = next((e.t for e in self.of(LoadSteady)), 0)
        stop = next((e.t for e in self.of(LoadStopping)), 0)
        return (start, stop) if start and stop else (0, 0)

    @cached_property
    def phases(self) -> tuple[tuple[str, Span, float], ...]:
        """(operation id, span, gate seconds within it) of every phase the kit marked or was seen in; a phase cut off by
        the end of its operation stops there. One whose start was seen only then is none: nobody knows when it was."""
        open_: dict[tuple[str, str], tuple[Instant, int]] = {}
        done: list[tuple[str, Span, float]] = []
        for e in self.events:
            if isinstance(e, PhaseEdge):
                key = (e.operation, e.phase)
                if e.event == "start":
                    if not e.ended:
                        open_[key] = (e.instant, e.gate_ns)
                elif key in open_:
                    began, gate = open_.pop(key)
                    done.append((key[0], Span(key[1], began, e.instant), gate / 1e9))
            elif isinstance(e, OperationStopped):
                for key in [k for k in open_ if k[0] == e.id]:
                    began, gate = open_.pop(key)
                    done.append((key[0], Span(key[1], began, e.instant), gate / 1e9))
        return tuple(done)

    @cached_property
    def late_ns(self) -> Mapping[tuple[str, str, str], int]:
        """(operation id, phase, event) -> by how much that edge may have been seen late, for those of a kit that does
        not mark them."""
        return {(e.operation, e.phase, e.event): e.late_ns for e in self.of(PhaseEdge) if e.late_ns}
