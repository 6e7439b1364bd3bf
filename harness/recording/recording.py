"""A run folder as read: events, samples, ledger, operations, observations and the system's logs; read-only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.host.outputs import MOST_BYTES, tail
from harness.model import (
    BEFORE,
    Artefact,
    CrashState,
    Evidence,
    FaultRecord,
    Found,
    Instant,
    Observation,
    OffsiteCopy,
    Operation,
    Span,
    Write,
)
from harness.recording.recorder import EVENTS, PLAN, digest
from harness.recording.samples import SampleFile, read_samples

Event = Mapping[str, Any]
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
    def events(self) -> tuple[Event, ...]:
        path = self.folder / EVENTS
        if not path.exists():
            return ()
        events: list[Event] = []
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines()):
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue  # named by `problems`: the sequence has a hole there
            if isinstance(event, dict) and event.get("n") == number and {"t", "w", "kind"} <= event.keys():
                events.append(event)
        return tuple(events)

    def of_kind(self, kind: str) -> Iterator[Event]:
        return (e for e in self.events if e["kind"] == kind)

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What makes this recording less than whole: cut short, torn or foreign lines, sample files without trailer."""
        found: list[str] = []
        path = self.folder / EVENTS
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        if len(lines) != len(self.events):
            found.append(f"{len(lines) - len(self.events)} of {len(lines)} event lines are torn or out of sequence")
        if not self.events or self.events[-1]["kind"] != "recording.complete":
            found.append("the recording was cut short (no closing event)")
        times = [e["t"] for e in self.events]
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
        return next((said for e in self.of_kind("run.start") if (said := self._strange(PLAN, e))), "")

    def _strange_files(self) -> Iterator[str]:
        """Files that are not those the events were written with."""
        looks = (self._strange(_look(e), e) for e in self.of_kind("observation"))
        yield from (said for said in (self.strange_plan, *looks) if said)

    def _strange(self, name: str, event: Event) -> str:
        path = self.folder / name
        if not path.exists():
            return f"{name} is missing"
        fits = event.get("digest", "") in ("", digest(path.read_text(errors="replace")))
        return "" if fits else f"{name} is not the one of this run"

    # -- time ----------------------------------------------------------------------------------------------------
    @cached_property
    def start(self) -> Instant:
        first = self.events[0]
        return Instant(first["t"], first["w"])

    @cached_property
    def stop(self) -> Instant:
        last = self.events[-1]
        return Instant(last["t"], last["w"])

    @cached_property
    def measured_ns(self) -> tuple[int, int]:
        """From steady load to the end of the load: the window in which downtime is counted; (0, 0) without one."""
        start = next((e["t"] for e in self.of_kind("load.steady")), 0)
        stop = next((e["t"] for e in self.of_kind("load.stopping")), 0)
        return (start, stop) if start and stop else (0, 0)

    # -- operations and phases -----------------------------------------------------------------------------------
    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """In the order they ended."""
        return tuple(_operation(e, self._output(e["id"])) for e in self.of_kind("operation.stop"))

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
            if e["kind"] == "phase":
                key, at = (e["operation"], e["phase"]), Instant(e["t"], e["w"])
                if e["event"] == "start":
                    if not e.get("ended"):
                        open_[key] = (at, e["gate_ns"])
                elif key in open_:
                    began, gate = open_.pop(key)
                    done.append((key[0], Span(key[1], began, at), gate / 1e9))
            elif e["kind"] == "operation.stop":
                at = Instant(e["t"], e["w"])
                for key in [k for k in open_ if k[0] == e["id"]]:
                    began, gate = open_.pop(key)
                    done.append((key[0], Span(key[1], began, at), gate / 1e9))
        return tuple(done)

    @cached_property
    def late_ns(self) -> Mapping[tuple[str, str, str], int]:
        """(operation id, phase, event) -> by how much that edge may have been seen late, for those of a kit that does
        not mark them."""
        return {
            (e["operation"], e["phase"], e["event"]): e["late_ns"] for e in self.of_kind("phase") if e.get("late_ns")
        }

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
        stages: dict[str, dict[str, Event]] = {}
        for e in self.events:
            if e["kind"].startswith("fault."):
                stages.setdefault(e["id"], {})[e["kind"].removeprefix("fault.")] = e
        records: list[FaultRecord] = []
        for id_, stage in stages.items():
            planned = stage["planned"]
            last = stage.get("healed") or stage.get("confirmed") or {}
            confirmed = stage.get("confirmed")
            said = "; ".join(
                s for s in (str(confirmed["said"]) if confirmed else "", str(last.get("felt_said", ""))) if s
            )
            records.append(
                FaultRecord(
                    id=id_,
                    name=planned["name"],
                    parameters=planned["parameters"],
                    at=planned["at"],
                    injected_ns=stage["injected"]["t"] if "injected" in stage else None,
                    confirmed_ns=confirmed["t"] if confirmed and confirmed["applied"] else None,
                    released_ns=stage.get("healed", {}).get("released_ns"),
                    healed_ns=stage["healed"]["t"] if "healed" in stage and stage["healed"]["ok"] else None,
                    evidence=Evidence(
                        bool(confirmed and confirmed["applied"]), bool(last.get("felt")), said or "never fired"
                    ),
                    operation=stage.get("injected", {}).get("operation", ""),
                    to_the_end=planned.get("hold") == "end",
                    felt_said=str(last.get("felt_said", "")),
                )
            )
        return tuple(records)

    @cached_property
    def observations(self) -> tuple[Observation, ...]:
        """Read-backs in the order they were made, each with the ledger and operations up to it. Those of crash states
        know only what came before their cut. What an attached system held before is with each of them instead."""
        done: list[Observation] = []
        held_before: frozenset[str] = frozenset()
        backups_before: frozenset[tuple[str, int]] = frozenset()
        for e in self.of_kind("observation"):
            if strange := self._strange(_look(e), e):
                raise ValueError(strange)
            content = json.loads((self.folder / _look(e)).read_text())
            found = content["found"]
            if e["cause"] == BEFORE:
                held_before = frozenset(token for token, _ in found or ())
                backups_before = frozenset((a["path"], a["size"]) for a in content["artefacts"])
                continue
            copies = content.get("offsite")
            look = Observation(
                label=e["label"],
                cause=e["cause"],
                start_ns=e["start_ns"],
                stop_ns=e["t"],
                found=None if found is None else tuple(Found(*row) for row in found),
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
                writes=tuple(w for w in self.writes if w.sent_ns <= e["t"]),
                operations=tuple(o for o in self.operations if o.start_ns <= e["t"]),
                held_before=held_before,
                backups_before=backups_before,
            )
            if "crash" in content:
                after = [_operation(o, o["output"]) for o in content["operations"]]
                look = _crashed(look, CrashState(**content["crash"]), after)
            earlier = (o for o in done if o.crash is None and (look.crash is None or o.stop_ns <= look.crash.at_ns))
            done.append(replace(look, earlier=tuple(earlier)))
        return tuple(done)


def _look(event: Event) -> str:
    """Where the content of an observation lies."""
    return f"observations/{event['label']}.json"


def _operation(event: Event, output: str) -> Operation:
    return Operation(
        id=event["id"],
        name=event["name"],
        repeat=event["repeat"],
        warmup=event["warmup"],
        expect=event["expect"],
        start_ns=event["start_ns"],
        stop_ns=event["t"],
        gate_ns=event["gate_ns"],
        exit=event["exit"],
        blocked_on=event.get("blocked_on", ""),
        output=output,
        attributes=event.get("attributes", {}),
    )


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
    return replace(look, crash=crash, operations=(*before, *after), writes=tuple(writes))
