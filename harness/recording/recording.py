"""A run folder as read: events, samples, ledger, operations, observations and the system's logs; read-only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from harness.model import FaultRecord, Observation, Operation, Span, Write
from harness.recording.events import Event, Observed, OperationStopped, RecordingComplete, RunStarted
from harness.recording.fault_records import fault_records
from harness.recording.ledger import Ledger
from harness.recording.problems import Problem
from harness.recording.reading.event_log import EventLog
from harness.recording.reading.integrity import Integrity
from harness.recording.reading.ledger_files import LedgerFiles
from harness.recording.reading.observations import look_file, read_observations
from harness.recording.reading.operations import read_operations
from harness.recording.reading.samples import RunSamples
from harness.recording.recorder import EVENTS, PLAN
from harness.recording.sources import Source, read_sources

_E = TypeVar("_E", bound=Event)
_MOST_LATE_NS = 60_000_000_000


class Recording:
    """Read-only view of a run folder. Nothing here judges; ``problems`` lists what is missing or torn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = EventLog(folder / EVENTS)
        self.samples = RunSamples(folder)
        self._ledger = LedgerFiles(folder / "ledger")
        self._integrity = Integrity(folder)

    @cached_property
    def plan(self) -> Mapping[str, Any]:
        """``run.json``: what was to be done (scenario, cell, seed, system, claims, steps, faults, provenance, host)."""
        plan: Mapping[str, Any] = json.loads((self.folder / PLAN).read_text())
        return plan

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Who recorded which files, by which clock."""
        return read_sources(self.folder)

    @property
    def events(self) -> tuple[Event, ...]:
        """All that can be read; ``problems`` counts the others."""
        return self.log.events

    def of(self, kind: type[_E]) -> Iterator[_E]:
        """The events of one kind, in the order they were written."""
        return self.log.of(kind)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What makes this recording less than whole: cut short, torn or foreign lines, sample files without trailer."""
        found: list[Problem] = []
        torn, lines = self.log.unreadable
        if torn:
            found.append(Problem("events_torn", count=torn, total=lines))
        if not self.events or not isinstance(self.events[-1], RecordingComplete):
            found.append(Problem("cut_short"))
        times = [e.t for e in self.events]
        # An event may carry an earlier instant on purpose (the end of an operation is recorded after its healing).
        if any(before - after > _MOST_LATE_NS for before, after in pairwise(times)):
            found.append(Problem("mixed"))
        looks = (self._integrity.wrong_with(look_file(e), e.digest) for e in self.of(Observed))
        found.extend(strange for strange in (self.strange_plan, *looks) if strange)
        files = (*self.samples.load, *self.samples.probe)
        found.extend(Problem("samples_incomplete", file.worker) for file in files if not file.complete)
        found.extend(Problem("ledger_torn", bad) for bad in self._ledger.unreadable)
        return tuple(found)

    @cached_property
    def strange_plan(self) -> Problem | None:
        """How run.json is not what this run was made by; None when it is."""
        looks = (self._integrity.wrong_with(PLAN, e.digest) for e in self.of(RunStarted))
        return next((strange for strange in looks if strange), None)

    @property
    def measured_ns(self) -> tuple[int, int]:
        """From steady load to the end of the load: the window in which downtime is counted; (0, 0) without one."""
        return self.log.measured_ns

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """In the order they ended."""
        return read_operations(self.folder / "operations", self.of(OperationStopped))

    @property
    def phases(self) -> tuple[tuple[str, Span, float], ...]:
        """(operation id, span, gate seconds within it) of every phase the kit marked or was seen in."""
        return self.log.phases

    @property
    def writes(self) -> tuple[Write, ...]:
        """The ledger of all clients, by the time they were sent."""
        return self._ledger.writes

    @property
    def ledger(self) -> Ledger:
        """The same as columns; each read-back has a part of it."""
        return self._ledger.columns

    @cached_property
    def faults(self) -> tuple[FaultRecord, ...]:
        """One for each planned fault, also for one that never fired."""
        return fault_records(self.events)

    @cached_property
    def observations(self) -> tuple[Observation, ...]:
        """Read-backs in the order they were made, each with the ledger and operations up to it. Those of crash states
        know only what came before their cut. What an attached system held before is with each of them instead."""
        observed = self.of(Observed)
        return read_observations(self.folder, observed, self._integrity, self.ledger, self.operations)
