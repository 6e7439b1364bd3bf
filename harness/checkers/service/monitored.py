"""No deployment succeeds unseen: with every monitor out it holds or goes back, with one of them out it says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core.codes import Details, end_of, finding
from harness.checkers.core.protocol import Checker
from harness.checkers.service import monitor_codes as codes
from harness.checkers.service.monitor_codes import MonitorsGone
from harness.checkers.service.versions import version_after
from harness.judged.judged_run import JudgedRun
from harness.model import NS, FaultRecord, Finding, Operation, Subject
from harness.recording.events import MonitorsBlind
from harness.recording.failure_phrases import monitors_missing
from harness.recording.recording import Recording

_QUESTION = "deploy.monitored"
_SAID_CHARS = 200


@dataclass(frozen=True, slots=True)
class MonitorOutage:
    """Monitors that saw nothing from ``start_ns`` to ``stop_ns``, as our own probe found them; ``fault`` is the id of
    what took them away."""

    fault: str
    names: tuple[str, ...]
    every: bool
    how: str
    status: tuple[str, ...]
    start_ns: int
    stop_ns: int


def monitor_outages(recording: Recording) -> list[MonitorOutage]:
    """One for each fault that took monitors away and was seen to last."""
    events = [*recording.of(MonitorsBlind)]
    found: list[MonitorOutage] = []
    for fault in recording.faults:
        if fault.state not in ("applied", "healed", "heal_failed"):
            continue
        if event := _event_of(events, fault):
            stop_ns = fault.healed_ns or recording.log.stop.mono_ns
            every = len(event.names) == len(event.declared)
            outage = MonitorOutage(
                fault.id, tuple(event.names), every, event.how, tuple(event.status), event.since_ns, stop_ns
            )
            found.append(outage)
    return found


def _event_of(events: list[MonitorsBlind], fault: FaultRecord) -> MonitorsBlind | None:
    """The event a fault wrote when it was confirmed: between its injection and that."""
    start_ns, stop_ns = fault.injected_ns or 0, fault.confirmed_ns or 0
    return next((e for e in events if start_ns <= e.t <= stop_ns), None)


@dataclass(frozen=True, slots=True)
class Monitored(Checker):
    """One finding for each deployment of which a part ran while monitors were out."""

    name: ClassVar[str] = "monitored"
    codes: ClassVar = codes.CODES

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        recording = run.recording
        outages = monitor_outages(recording)
        for operation in recording.operations:
            for outage in outages if operation.name == "deploy" else ():
                if operation.start_ns < outage.stop_ns and operation.stop_ns > outage.start_ns:
                    details = _judge(recording, operation, outage)
                    yield finding(_QUESTION, Subject("operation", operation.id), details, because=[outage.fault])


def _judge(recording: Recording, operation: Operation, outage: MonitorOutage) -> Details:
    end, gone = end_of(operation), _gone(recording, operation, outage)
    if operation.succeeded:
        if outage.every and outage.stop_ns >= operation.stop_ns:
            return codes.Unseen(end, gone)
        return codes.DegradedSaid(end, gone) if gone.said else codes.MonitorsOutUnsaid(end, gone)
    version = version_after(recording, operation)
    if not version.before or not version.after:
        return codes.VersionAfterUnknown(end, gone, version)
    held = version.after == version.before
    return codes.HeldBlind(end, gone, version) if held else codes.BlindLeftNew(end, gone, version)


def _gone(recording: Recording, operation: Operation, outage: MonitorOutage) -> MonitorsGone:
    from_s = (outage.start_ns - operation.start_ns) / NS
    return MonitorsGone(
        monitors=[*outage.names],
        every=outage.every,
        how=outage.how,
        from_s=from_s if from_s > 0 else None,
        to_s=(min(outage.stop_ns, operation.stop_ns) - operation.start_ns) / NS,
        phases=[
            span.name
            for id_, span, _ in recording.phases
            if id_ == operation.id and span.stop.mono_ns > outage.start_ns and span.start.mono_ns < outage.stop_ns
        ],
        # What `status` gives as degraded is said by its place there, whatever its words.
        said=(monitors_missing(operation.output) or "; ".join(outage.status))[:_SAID_CHARS],
    )
