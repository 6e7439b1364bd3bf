"""No deployment succeeds unseen: with every monitor out it holds or goes back, with one of them out it says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import last_line
from harness.checkers.service.versions import back_to_old
from harness.model import NS, FaultRecord, Operation, Verdict
from harness.recording.events import MonitorsBlind
from harness.recording.failure_phrases import monitors_missing
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class Out:
    """Monitors that saw nothing from ``start_ns`` to ``stop_ns``, as our own probe found them."""

    names: tuple[str, ...]
    every: bool
    how: str
    status: tuple[str, ...]
    start_ns: int
    stop_ns: int


def outs(recording: Recording) -> list[Out]:
    """One for each fault that took monitors away and was seen to last."""
    events = [*recording.of(MonitorsBlind)]
    found: list[Out] = []
    for fault in recording.faults:
        if fault.state not in ("applied", "healed", "heal_failed"):
            continue
        event = _told(events, fault)
        if event:
            stop_ns = fault.healed_ns or recording.stop.mono_ns
            every = len(event.names) == len(event.declared)
            found.append(Out(tuple(event.names), every, event.how, tuple(event.status), event.since_ns, stop_ns))
    return found


def _told(events: list[MonitorsBlind], fault: FaultRecord) -> MonitorsBlind | None:
    """The event a fault wrote when it was confirmed: between its injection and that."""
    start_ns, stop_ns = fault.injected_ns or 0, fault.confirmed_ns or 0
    return next((e for e in events if start_ns <= e.t <= stop_ns), None)


@dataclass(frozen=True, slots=True)
class Monitored:
    """One verdict for each deployment of which a part ran while monitors were out."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "monitored"
    requirement: ClassVar[str] = "R99"

    def check(self, recording: Recording) -> list[Verdict]:
        return [
            self._judge(recording, operation, out)
            for operation in recording.operations
            if operation.name == "deploy"
            for out in outs(recording)
            if operation.start_ns < out.stop_ns and operation.stop_ns > out.start_ns
        ]

    def _judge(self, recording: Recording, operation: Operation, out: Out) -> Verdict:
        about = f"{operation.id} with {_named(out)} {out.how}"
        start_s, stop_s = ((ns - operation.start_ns) / NS for ns in (out.start_ns, min(out.stop_ns, operation.stop_ns)))
        start = f"from {start_s:.2f} s" if start_s > 0 else "from before its start"
        were = "were" if len(out.names) > 1 else "was"
        gone = f"{_named(out)} {were} {out.how} {start} to {stop_s:.2f} s of it"
        phases = [
            span.name
            for id_, span, _ in recording.phases
            if id_ == operation.id and span.stop.mono_ns > out.start_ns and span.start.mono_ns < out.stop_ns
        ]
        if phases:
            gone += f", through {', '.join(phases)}"
        row = self.requirement if out.every else "R101"
        measured = "exit " + ("none" if operation.exit is None else str(operation.exit))
        # What `status` gives as degraded is said by its place there, whatever its words.
        said = monitors_missing(operation.output) or "; ".join(out.status)
        words = f"it said: {said[:200]}" if said else "neither it nor `status` said so"
        if not operation.succeeded:
            outcome, end = back_to_old(recording, operation)
            why = f"{end}: {gone}; {last_line(operation.output)}"
            return Verdict(outcome, about, measured, why, row)
        if out.every and out.stop_ns >= operation.stop_ns:
            why = f"{operation.id} exited 0 although no monitor could see it: {gone}; {words}"
            return Verdict("fail", about, measured, why, row)
        if not said:
            why = f"{operation.id} exited 0, and {words}: {gone}"
            return Verdict("fail", about, measured, why, row)
        why = f"{operation.id} went on and exited 0: {gone}; {words}"
        return Verdict("pass", about, measured, why, row)


def _named(out: Out) -> str:
    return " and ".join(out.names)
