"""A run folder as read: events, samples, ledger, operations, observations and the system's logs; read-only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness.host.outputs import MOST_BYTES, tail
from harness.model import (
    BEFORE,
    Artefact,
    CrashState,
    FaultRecord,
    Found,
    Instant,
    Observation,
    OffsiteCopy,
    Operation,
    Span,
    Write,
)
from harness.recording.events import (
    Event,
    LoadSteady,
    LoadStopping,
    Observed,
    OperationStopped,
    PhaseEdge,
    RecordingComplete,
    RunStarted,
    read_events,
)
from harness.recording.fault_records import fault_records
from harness.recording.ledger import Entries, Ledger, Writes, as_writes, upto
from harness.recording.recorder import EVENTS, PLAN, digest
from harness.recording.samples import SampleFile, read_samples
from harness.recording.sources import Source, read_sources

_E = TypeVar("_E", bound=Event)
_MOST_LATE_NS = 60_000_000_000


class Recording:
    """Read-only view of a run folder. Nothing here judges; ``problems`` lists what is missing or torn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def plan(self) -> Mapping[str, Any]:
        """``run.json``: what was to be done (scenario, cell, seed, system, claims, steps, faults, provenance, host)."""
        plan: Mapping[str, Any] = json.loads((self.folder / PLAN).read_text())
        return plan

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Who recorded which files, by which clock."""
        return read_sources(self.folder)

    @cached_property
    def _read(self) -> tuple[tuple[Event, ...], int]:
        return read_events(self.folder / EVENTS)

    @property
    def events(self) -> tuple[Event, ...]:
        """All that can be read; ``problems`` counts the others."""
        return self._read[0]

    @cached_property
    def _by_kind(self) -> Mapping[type[Event], list[Event]]:
        found: dict[type[Event], list[Event]] = {}
        for event in self.events:
            found.setdefault(type(event), []).append(event)
        return found

    def of(self, kind: type[_E]) -> Iterator[_E]:
        """The events of one kind, in the order they were written."""
        return (e for e in self._by_kind.get(kind, ()) if isinstance(e, kind))

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What makes this recording less than whole: cut short, torn or foreign lines, sample files without trailer."""
        found: list[str] = []
        lines = self._read[1]
        if lines != len(self.events):
            found.append(f"{lines - len(self.events)} of {lines} event lines are torn or out of sequence")
        if not self.events or not isinstance(self.events[-1], RecordingComplete):
            found.append("the recording was cut short (no closing event)")
        times = [e.t for e in self.events]
        # An event may carry an earlier instant on purpose (the end of an operation is recorded after its healing).
        if any(before - after > _MOST_LATE_NS for before, after in pairwise(times)):
            found.append("events of different runs seem to be mixed (time runs backwards)")
        found.extend(self._strange_files())
        for file in (*self.load_samples, *self.probe_samples):
            if not file.complete:
                found.append(f"samples of {file.worker} are incomplete (no trailer, or its count differs)")
        found.extend(f"ledger line not readable: {bad}" for bad in self._ledger[1])
        return tuple(found)

    @cached_property
    def strange_plan(self) -> str:
        """Why run.json is not what this run was made by; empty when it is."""
        return next((said for e in self.of(RunStarted) if (said := self._strange(PLAN, e.digest))), "")

    def _strange_files(self) -> Iterator[str]:
        """Files that are not those the events were written with."""
        looks = (self._strange(_look(e), e.digest) for e in self.of(Observed))
        yield from (said for said in (self.strange_plan, *looks) if said)

    def _strange(self, name: str, known: str) -> str:
        """Why this file is not the one of this run; empty when it is. Asked once: a run has one view of its files."""
        if (name, known) not in self._asked:
            self._asked[name, known] = self._not_of_this_run(name, known)
        return self._asked[name, known]

    @cached_property
    def _asked(self) -> dict[tuple[str, str], str]:
        return {}

    def _not_of_this_run(self, name: str, known: str) -> str:
        path = self.folder / name
        if not path.exists():
            return f"{name} is missing"
        fits = known in ("", digest(path.read_text(errors="replace")))
        return "" if fits else f"{name} is not the one of this run"

    # -- time ----------------------------------------------------------------------------------------------------
    @cached_property
    def start(self) -> Instant:
        return self.events[0].instant

    @cached_property
    def stop(self) -> Instant:
        return self.events[-1].instant

    @cached_property
    def measured_ns(self) -> tuple[int, int]:
        """From steady load to the end of the load: the window in which downtime is counted; (0, 0) without one."""
        start = next((e.t for e in self.of(LoadSteady)), 0)
        stop = next((e.t for e in self.of(LoadStopping)), 0)
        return (start, stop) if start and stop else (0, 0)

    # -- operations and phases -----------------------------------------------------------------------------------
    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """In the order they ended."""
        return tuple(_operation(e, self._output(e.id)) for e in self.of(OperationStopped))

    def _output(self, operation_id: str) -> str:
        """All that was kept of what the operation said, invalid bytes replaced."""
        path = self.folder / "operations" / f"{operation_id}.out"
        if not path.exists():
            return ""
        return tail(path, MOST_BYTES)

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

    # -- load and meters -----------------------------------------------------------------------------------------
    @cached_property
    def load_samples(self) -> tuple[SampleFile, ...]:
        return tuple(read_samples(p) for p in sorted((self.folder / "samples").glob("load-*.bin")))

    @cached_property
    def probe_samples(self) -> tuple[SampleFile, ...]:
        return tuple(read_samples(p) for p in sorted((self.folder / "samples").glob("probe-*.bin")))

    @cached_property
    def _ledger(self) -> tuple[tuple[Write, ...], tuple[str, ...]]:
        writes: list[Write] = []
        bad: list[str] = []
        for path in sorted((self.folder / "ledger").glob("*.jsonl")):
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                try:
                    writes.append(Write(**json.loads(line), worker=path.stem))
                except (json.JSONDecodeError, TypeError):
                    bad.append(f"{path.name}:{number}")
        return tuple(sorted(writes, key=lambda w: w.sent_ns)), tuple(bad)

    @cached_property
    def ledger(self) -> Ledger:
        """The same as columns; each read-back has a part of it."""
        return Ledger(self.writes)

    @property
    def writes(self) -> tuple[Write, ...]:
        """The ledger of all clients, by the time they were sent."""
        return self._ledger[0]

    @cached_property
    def resources(self) -> tuple[Mapping[str, float], ...]:
        """Rows of ``resources.jsonl``: t (mono ns) and what harness/meters/resources.py documents."""
        path = self.folder / "resources.jsonl"
        if not path.exists():
            return ()
        rows: list[Mapping[str, float]] = []
        for line in path.read_text().splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return tuple(rows)

    # -- faults and observations ---------------------------------------------------------------------------------
    @cached_property
    def faults(self) -> tuple[FaultRecord, ...]:
        """One for each planned fault, also for one that never fired."""
        return fault_records(self.events)

    @cached_property
    def observations(self) -> tuple[Observation, ...]:
        """Read-backs in the order they were made, each with the ledger and operations up to it. Those of crash states
        know only what came before their cut. What an attached system held before is with each of them instead."""
        done: list[Observation] = []
        entries = _EntriesOnce()  # one read-back finds for the most part what the one before found
        held_before: frozenset[str] = frozenset()
        backups_before: frozenset[tuple[str, int]] = frozenset()
        for e in self.of(Observed):
            if strange := self._strange(_look(e), e.digest):
                raise ValueError(strange)
            found, content = _content((self.folder / _look(e)).read_bytes())
            if e.cause == BEFORE:
                held_before = frozenset(token for token, _ in found or ())
                backups_before = frozenset((a["path"], a["size"]) for a in content["artefacts"])
                continue
            copies = content.get("offsite")
            look = Observation(
                label=e.label,
                cause=e.cause,
                start_ns=e.start_ns,
                stop_ns=e.t,
                found=None if found is None else Entries(map(entries.__getitem__, found)),
                error=content["error"],
                totals=content["totals"],
                expected_totals=content["expected_totals"],
                artefacts=tuple(Artefact(**a) for a in content["artefacts"]),
                latest=content["latest"],
                status_error=content["status_error"],
                version=content["version"],
                snapshot_ns=tuple(content["snapshot_ns"]) if content["snapshot_ns"] else None,
                said=content.get("said", {}),
                schemas=tuple(content.get("schemas", ())),
                offsite=None if copies is None else tuple(OffsiteCopy(**c) for c in copies),
                stored=content.get("stored"),
                writes=upto(self.ledger, e.t),
                operations=tuple(o for o in self.operations if o.start_ns <= e.t),
                held_before=held_before,
                backups_before=backups_before,
                error_status=content.get("error_status", 0),
                not_provided=frozenset(content.get("not_provided", ())),
            )
            if "crash" in content:
                after = [_operation(msgspec.convert(o, OperationStopped), o["output"]) for o in content["operations"]]
                look = _crashed(look, CrashState(**content["crash"]), after)
            earlier = (o for o in done if o.crash is None and (look.crash is None or o.stop_ns <= look.crash.at_ns))
            done.append(replace(look, earlier=tuple(earlier)))
        return tuple(done)


def _look(event: Observed) -> str:
    """Where the content of an observation lies."""
    return f"observations/{event.label}.json"


class _EntriesOnce(dict[tuple[str, str], Found]):
    """(token, payload) -> one entry for all read-backs that found it."""

    def __missing__(self, row: tuple[str, str]) -> Found:
        entry = self[row] = Found(*row)
        return entry


def _content(raw: bytes) -> tuple[list[tuple[str, str]] | None, dict[str, Any]]:
    """What was found, and what else a read-back holds."""
    try:
        parts = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        found = msgspec.json.decode(parts.pop("found"), type=list[tuple[str, str]] | None)
        return found, {name: json.loads(bytes(part)) for name, part in parts.items()}
    except msgspec.MsgspecError:  # a total that is NaN, half a surrogate: json reads what json wrote
        content: dict[str, Any] = json.loads(raw.decode())
        rows = content.pop("found")
        return None if rows is None else [(token, payload) for token, payload in rows], content


# What an operation has of the event that told its end, under the same names.
_TOLD = {f.name for f in fields(Operation)} & set(OperationStopped.__struct_fields__) - {"restores"}


def _operation(event: OperationStopped, output: str) -> Operation:
    told = {name: getattr(event, name) for name in _TOLD}
    restores = event.restores or event.name == "restore"
    return Operation(**told, restores=restores, stop_ns=event.t, output=output)


def _crashed(look: Observation, crash: CrashState, after: list[Operation]) -> Observation:
    """The observation as of the cut: what had no end by then has none, what came later never happened; ``after`` was
    run on the state it left."""
    at_ns = crash.at_ns
    before = [
        o if o.stop_ns <= at_ns else replace(o, exit=None, stop_ns=at_ns)
        for o in look.operations
        if o.start_ns <= at_ns
    ]
    owed_ns = crash.owed_ns or at_ns
    writes = [
        w if w.end_ns < owed_ns else replace(w, outcome="indeterminate") for w in look.writes if w.sent_ns <= at_ns
    ]
    ledger = Ledger(writes, like=as_writes(look.writes).ledger)
    return replace(look, crash=crash, operations=(*before, *after), writes=Writes(ledger, ledger.every))
