"""Builds run folders as the harness would write them, for checkers to read back with the real Recording."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from harness.checkers.core.codes import code_of
from harness.checkers.core.protocol import Checker
from harness.faults import named
from harness.judged.judged_run import JudgedRun
from harness.load.requests import payload_of
from harness.model import NS, Artefact, Claim, Finding, Instant, OffsiteCopy
from harness.recording.events import decode
from harness.recording.outcomes import ledger_outcome
from harness.recording.recorder import EVENTS
from harness.recording.recording import Recording
from harness.recording.samples import FLAG_WRITE, SampleWriter

LENGTH_S = 30.0
BEGAN = Instant(1_000 * NS, 1_790_000_000 * NS)
CHANNELS = ("read_fresh", "read_reused", "write")
# (from, to, outcome, status, channels): requests due then end so; the channel "load" is Locust's. The outcome "frozen":
# they wait, and are answered well when that is over.
Bad = tuple[float, float, str, int, tuple[str, ...]]


class Run:
    """A run of 30 s of steady load; all times are seconds since it began."""

    def __init__(
        self,
        folder: Path,
        claims: Sequence[Claim] = (),
        deadline_ms: float = 1000.0,
        timing: bool = True,
        policies: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self._base = BEGAN
        for name in ("samples", "ledger", "operations", "observations"):
            (folder / name).mkdir(parents=True)
        self._events: list[str] = []
        self._counts: dict[str, int] = {}
        self._plan = {"claims": [asdict(c) for c in claims], "deadline_ms": deadline_ms, "timing": timing}
        self.says(**(policies or {}))
        self._still: list[tuple[float, float]] = []
        self._ledger: list[str] = []
        self._sampled: dict[str, list[str]] = {}  # the ledger lines that go with the samples, by file

    def says(self, **policies: Any) -> None:
        """What the team says of its own practice: ``locks``, ``needs_links``, ``asks_monitors``."""
        (self.folder / "run.json").write_text(json.dumps({**self._plan, "policies": policies}))

    def at(self, seconds: float) -> Instant:
        shift = int(seconds * NS)
        return Instant(self._base.mono_ns + shift, self._base.wall_ns + shift)

    def ns(self, seconds: float) -> int:
        return self.at(seconds).mono_ns

    def event(self, kind: str, when: float, /, **fields: Any) -> None:
        moment = self.at(when)
        line = {"t": moment.mono_ns, "w": moment.wall_ns, "n": len(self._events), "kind": kind, **fields}
        self._events.append(json.dumps(line))
        decode(self._events[-1].encode())  # else it would be left out as torn

    def next(self, name: str) -> int:
        """The number that the next operation of this name gets."""
        return self._counts.get(name, 0) + 1

    def op(
        self,
        name: str,
        start: float,
        stop: float,
        exit: int | None = 0,
        *,
        expect: str = "success",
        warmup: bool = False,
        gate: float = 0.0,
        output: str = "",
        blocked_on: str = "",
        **told: Any,
    ) -> str:
        self._counts[name] = self._counts.get(name, 0) + 1
        id_ = f"{name}-{self._counts[name]}"
        (self.folder / "operations" / f"{id_}.out").write_text(output)
        self.event(
            "operation.stop",
            stop,
            id=id_,
            name=name,
            repeat=0,
            warmup=warmup,
            expect=expect,
            start_ns=self.ns(start),
            gate_ns=int(gate * NS),
            exit=exit,
            timed_out=exit is None,
            blocked_on=blocked_on,
            **told,
        )
        return id_

    def phase(self, operation: str, name: str, start: float, stop: float | None, held: float = 0, **how: Any) -> None:
        """A phase the kit marked; without ``stop`` it was cut off by the end of its operation. ``held`` so many seconds
        at its beginning. ``how`` it was seen."""
        self.event("phase", start, operation=operation, phase=name, event="start", gate_ns=int(held * NS), **how)
        if stop is not None:
            self.event("phase", stop, operation=operation, phase=name, event="stop", gate_ns=0, **how)

    def write(self, token: str, sent: float, end: float | None = None, outcome: str = "acknowledged") -> str:
        """One write of the ledger, without a sample; answered 2 ms later unless said otherwise."""
        line = {
            "token": token,
            "operation": "create",
            "payload": payload_of(token),
            "sent_ns": self.ns(sent),
            "end_ns": self.ns(sent + 0.002 if end is None else end),
            "outcome": outcome,
            "status": 201 if outcome == "acknowledged" else 507,
        }
        self._ledger.append(json.dumps(line))
        return token

    def writes(self, start: float, stop: float, every: float = 0.1) -> list[str]:
        """Acknowledged writes, named by when they were sent."""
        n = round((stop - start) / every)
        return [self.write(f"w-{round(1000 * (start + i * every)):06d}", start + i * every) for i in range(n)]

    def observe(
        self,
        cause: str,
        start: float,
        found: Sequence[str] | None,
        *,
        stop: float | None = None,
        payloads: Mapping[str, str] | None = None,
        error: str = "",
        totals: Mapping[str, float] | None = None,
        expected_totals: Mapping[str, float] | None = None,
        snapshot: tuple[float, float] | None = None,
        artefacts: Sequence[Artefact] = (),
        latest: str = "",
        status_error: str = "",
        version: str = "1",
        said: Mapping[str, Any] | None = None,
        schemas: Sequence[str] = (),
        offsite: Sequence[OffsiteCopy] | None = None,
        stored: Mapping[str, int] | None = None,
        digests: Mapping[str, str] | None = None,
        error_status: int = 0,
        not_provided: Sequence[str] = (),
        lag: float = 0.0,
        counted: Sequence[str] = (),
        settle: float = 0.0,
    ) -> str:
        self._counts["look"] = self._counts.get("look", 0) + 1
        label = f"{cause}-look-{self._counts['look']}"
        content = {
            "found": None if found is None else [[t, (payloads or {}).get(t, payload_of(t))] for t in found],
            "error": error,
            "error_status": error_status,
            "not_provided": not_provided,
            "totals": {"/sum": 100.0} if totals is None else totals,
            "expected_totals": {"/sum": 100.0} if expected_totals is None else expected_totals,
            "artefacts": [asdict(a) for a in artefacts],
            "latest": latest,
            "status_error": status_error,
            "version": version,
            "said": said or {},
            "schemas": schemas,
            "snapshot_ns": [self.ns(s) for s in snapshot] if snapshot else None,
            "offsite": None if offsite is None else [asdict(c) for c in offsite],
            "stored": stored,
            "stored_digests": digests or {},
            "lag_s": lag,
            "totals_with_writes": counted,
            "settle_s": settle,
        }
        (self.folder / "observations" / f"{label}.json").write_text(json.dumps(content))
        end = start + 0.2 if stop is None else stop
        self.event("observation", end, label=label, cause=cause, start_ns=self.ns(start))
        return label

    def fault(
        self,
        injected: float | None = 10.0,
        healed: float | None = 12.0,
        *,
        disk: str = "backup",
        applied: bool = True,
        felt: bool = True,
        id: str = "fault-1",
        name: str = "",
        operation: str = "",
        link: str = "",
        to_the_end: bool = False,
        released: float | None = None,
    ) -> None:
        parameters = {"link": link} if link else {"disk": disk}
        name = name or ("partition" if link else "disk_full")
        hold = "end" if to_the_end else "operation"
        made = named(name)
        planned = {"effects": sorted(made.effects) if made else [], "targets": parameters}
        self.event(
            "fault.planned", 0, id=id, name=name, parameters=parameters, at="backup.start #2", hold=hold, **planned
        )
        if injected is None:
            return
        self.event("fault.injected", injected, id=id, operation=operation)
        self.event("fault.confirmed", injected, id=id, applied=applied, felt=False, said="our write failed")
        self.event(
            "fault.healed",
            LENGTH_S if healed is None else healed,
            id=id,
            ok=healed is not None,
            felt=felt,
            felt_said="not enough space: needs 20 MB" if felt else "",
            released_ns=None if released is None else self.ns(released),
        )

    def link(self, name: str, serves: bool | None) -> None:
        self.event("link.laid", 0, name=name, upstream="127.0.0.1:9", serves=serves)

    def recovered(
        self, at: float, after: str, ok: bool = True, *, began: float = 0, bad: float = 0, **versions: str
    ) -> None:
        """A look that said so ``at`` this time; it ``began`` 0.1 s before (30 s, if in vain) unless told, and was last
        told otherwise at ``bad``."""
        began = began or at - (0.1 if ok else 30)
        look = {"start_ns": self.ns(began), "seconds": round(at - began, 3), "last_bad_ns": self.ns(bad) if bad else 0}
        self.event("recovered", at, after=after, ok=ok, **look, **versions)

    def load(
        self,
        *bad: Bad,
        steady: bool = True,
        clean: bool = True,
        silent: tuple[float, float] | None = None,
        held_up: tuple[float, float] | None = None,
        only: str = "",
    ) -> None:
        """Samples of both instruments: all answered in 3 ms but for ``bad``; the load sent nothing in ``silent``
        (``only``: no reads, or no writes), and what the prober had to send in ``held_up`` it sent at its end."""
        if steady:
            self.event("load.steady", 0.0, rate_per_s=50.0, ok=True, seconds=1.0)
        else:
            self.event("load.unsteady", 0.0, why="12 of 50 writes were acknowledged")
        self.event("load.stopping", LENGTH_S)
        self.event("load.stopped", LENGTH_S + 0.5, clean=clean, why="" if clean else "killed", cpu_s=1.0, wall_s=30.0)
        self._samples("load-1", 0.02, ("load",), bad, silent, None, only)
        self._samples("probe-2", 0.01, CHANNELS, bad, None, held_up, "")

    def _samples(
        self,
        name: str,
        every: float,
        channels: Sequence[str],
        bad: Sequence[Bad],
        silent: tuple[float, float] | None,
        held_up: tuple[float, float] | None,
        only: str,
    ) -> None:
        writer = SampleWriter(self.folder / "samples" / f"{name}.bin", ["read", "write"], name)
        for i in range(round(LENGTH_S / every)):
            due = i * every
            channel = channels[i % len(channels)]
            is_write = channel == "write" or (channel == "load" and i % 3 == 0)
            if silent and silent[0] <= due < silent[1] and only in ("", "writes" if is_write else "reads"):
                continue
            outcome, status, took = "ok", 200, 0.003
            for start, stop, kind, code, on in bad:
                if start <= due < stop and (not on or channel in on or (is_write and "writes" in on)):
                    outcome, status = kind, code
                    took = {"timeout": 1.0, "unfinished": max(0.0, LENGTH_S + 0.25 - due)}.get(kind, 0.003)
                    if kind == "frozen":
                        outcome, took = "ok", stop + 0.003 - due
            due_ns = self.ns(due)
            flags = FLAG_WRITE if is_write else 0
            operation = "write" if is_write else "read"
            sent_ns = self.ns(held_up[1]) if held_up and held_up[0] <= due < held_up[1] else due_ns
            end_ns = sent_ns + int(took * NS)
            writer.add(due_ns, sent_ns + 100_000, end_ns, operation, status, outcome, channel, flags)
            if is_write:
                token = f"{name}-{i}"
                line = {
                    "token": token,
                    "operation": operation,
                    "payload": payload_of(token),
                    "sent_ns": sent_ns + 100_000,
                    "end_ns": end_ns,
                    "outcome": ledger_outcome(outcome, status),
                    "status": status,
                }
                self._sampled.setdefault(channel if channel == "load" else "probe", []).append(json.dumps(line))
        writer.close()

    def stood_still(self, start: float, stop: float) -> None:
        """The resource meter wrote no row meanwhile, for nothing of ours ran."""
        self._still.append((start, stop))

    def done(self, complete: bool = True) -> Recording:
        if complete:
            self.event("recording.complete", LENGTH_S + 1, events=len(self._events) + 1)
        quarters = [n / 4 for n in range(int(4 * LENGTH_S) + 1)]
        times = [t for t in quarters if not any(start < t < stop for start, stop in self._still)]
        rows = [{"t": self.ns(t), "load_cpu_percent": 20.0, "prober_cpu_percent": 9.0} for t in times]
        (self.folder / "resources.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        (self.folder / EVENTS).write_text("".join(f"{line}\n" for line in self._events))
        lines = {"load-1": self._ledger + self._sampled.get("load", []), "probe": self._sampled.get("probe", [])}
        for name, written in lines.items():
            (self.folder / "ledger" / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in written))
        return Recording(self.folder)


def answers(checker: Checker, recording: Recording) -> list[Finding]:
    """The findings of a checker about a recording; of a code that it does not declare is an error."""
    found = list(checker.check(JudgedRun(recording)))
    declared = {code_of(details).name for details in checker.codes}
    assert {f.code for f in found} <= declared
    return found


T = TypeVar("T")


def only(found: list[T]) -> T:
    assert len(found) == 1, found
    return found[0]
