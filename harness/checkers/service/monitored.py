"""No deployment succeeds unseen: with every monitor out it holds or goes back, with one of them out it says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core.codes import Details, OperationEnd, end_of, finding
from harness.checkers.core.protocol import Checker
from harness.checkers.service import monitor_codes as codes
from harness.checkers.service.monitor_codes import MonitorsGone
from harness.checkers.service.versions import version_after
from harness.judged.judged_run import JudgedRun
from harness.judged.monitor_outages import MonitorOutage, monitor_outages
from harness.judged.plan_values import policies
from harness.model import NS, Finding, Operation, Subject
from harness.recording.failure_phrases import monitors_missing
from harness.recording.recording import Recording

_QUESTION = "deploy.monitored"
_SAID_CHARS = 200


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
            return _unseen(recording, operation, end, gone)
        return codes.DegradedSaid(end, gone) if gone.said else codes.MonitorsOutUnsaid(end, gone)
    version = version_after(recording, operation)
    if not version.before or not version.after:
        return codes.VersionAfterUnknown(end, gone, version)
    held = version.after == version.before
    return codes.HeldBlind(end, gone, version) if held else codes.BlindLeftNew(end, gone, version)


def _unseen(recording: Recording, operation: Operation, end: OperationEnd, gone: MonitorsGone) -> Details:
    if gone.from_s is None:
        return codes.Unseen(end, gone)  # no kit that asks at all begins without them
    asks = policies(recording).asks(operation.name)
    return {"throughout": codes.Unseen, "before": codes.AskedBefore}.get(asks, codes.UnseenNotSaid)(end, gone)


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
