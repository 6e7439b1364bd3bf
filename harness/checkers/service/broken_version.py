"""A new version that is really bad does not stay: it is not promoted, the old one serves again, and how long it served
is measured from outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.codes import Details, end_of, finding
from harness.checkers.core.protocol import Checker
from harness.checkers.service import version_codes as codes
from harness.checkers.service.version_codes import BrokenVersionServed
from harness.checkers.service.versions import version_after
from harness.judged.broken_version_spans import BrokenVersionSpan, broken_deployments, broken_version_spans
from harness.judged.downtime import Records, bad_mask, within
from harness.judged.judged_run import JudgedRun
from harness.judged.monitor_outages import lost_within
from harness.judged.plan_values import deadline_ms, policies
from harness.model import NS, Finding, Measurement, Operation, Subject
from harness.recording.events import VersionSilent, VersionWatched
from harness.recording.recording import Recording
from harness.recording.samples import DTYPE
from harness.stats.arrays import np

_QUESTION = "version.broken_not_kept"
MEASUREMENT = "broken version in service"
# A single question without an answer is none: what comes and goes between two questions is not seen anyway.
_MISSED = 2


def unseen(recording: Recording, operation: Operation) -> list[tuple[int, int]]:
    """Stretches of this deployment in which it is not known what served: questions of the harness got no answer, though
    some were taken, and no broken version was heard before or after; or the harness asked no more."""
    known = [(span.start_ns, span.stop_ns) for span in broken_version_spans(recording)]
    shortest_ns = max((_MISSED * e.interval_s * NS for e in recording.of(VersionWatched)), default=0)
    return [
        (e.since_ns, e.t)
        for e in recording.of(VersionSilent)
        if e.since_ns <= operation.stop_ns and e.t >= operation.start_ns and e.t - e.since_ns > shortest_ns
        if not e.questions or (e.refused < e.questions and not any(a <= e.since_ns and e.t <= b for a, b in known))
    ]


def measurement(recording: Recording) -> list[Measurement]:
    """Seconds of service of the broken version, one value a deployment of it (0: it never got traffic); those in which
    it is not known what served have none."""
    if not broken_deployments(recording) or not any(True for _ in recording.of(VersionWatched)):
        return []
    doubtful = {o.id for o in broken_deployments(recording) if unseen(recording, o)}
    each = [spans for id_, spans in _by_deployment(recording).items() if id_ not in doubtful]
    if not each:
        return []
    values = tuple(round(sum(s.seconds for s in spans), 3) for spans in each)
    resolution_s = max(sum(s.resolution_ns for s in spans) / NS for spans in each)
    return [Measurement(MEASUREMENT, "s", values, round(resolution_s, 3), {})]


def _by_deployment(recording: Recording) -> dict[str, list[BrokenVersionSpan]]:
    """Each stretch belongs to the last deployment of a broken version that had begun by then."""
    operations = sorted(broken_deployments(recording), key=lambda o: o.start_ns)
    found: dict[str, list[BrokenVersionSpan]] = {o.id: [] for o in operations}
    for span in broken_version_spans(recording):
        begun = [o.id for o in operations if o.start_ns <= span.stop_ns]
        if begun:
            found[begun[-1]].append(span)
    return found


@dataclass(frozen=True, slots=True)
class BrokenVersion(Checker):
    """One finding for each deployment of the version that system.toml calls broken."""

    name: ClassVar[str] = "broken_version"
    codes: ClassVar = codes.BROKEN_VERSION

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        recording = run.recording
        operations = broken_deployments(recording)
        if operations and not any(True for _ in recording.of(VersionWatched)):
            yield finding(_QUESTION, Subject("run", ""), codes.NotWatched())
            return
        spans = _by_deployment(recording)
        for operation in operations:
            details = _judge(recording, operation, spans[operation.id])
            yield finding(_QUESTION, Subject("operation", operation.id), details)


def _judge(recording: Recording, operation: Operation, spans: list[BrokenVersionSpan]) -> Details:
    end, served = end_of(operation), _served(recording, operation, spans)
    if operation.succeeded:
        asks = policies(recording).asks(operation.name) if lost_within(recording, operation) else "throughout"
        kind = {"throughout": codes.BrokenPromoted, "before": codes.BrokenServedUnseen}.get(asks, codes.BrokenNotSaid)
        return kind(end, served)
    version = version_after(recording, operation)
    if version.before and version.after and version.after != version.before:
        return codes.BrokenLeft(end, served, version)
    if served.unseen_s or not version.before or not version.after:
        return codes.BrokenUnseen(end, served, version)
    return codes.BrokenWithdrawn(end, served, version)


def _served(recording: Recording, operation: Operation, spans: list[BrokenVersionSpan]) -> BrokenVersionServed:
    until, replaced_by = _until(recording, operation, spans)
    due = _due_meanwhile(recording, spans)
    return BrokenVersionServed(
        version=operation.broken_version,
        got_traffic=bool(spans),
        seconds=sum(span.seconds for span in spans),
        resolution_s=sum(s.resolution_ns for s in spans) / NS,
        until=until,
        replaced_by=replaced_by,
        requests=len(due),
        bad=int(bad_mask(due, deadline_ms(recording)).sum()),
        unseen_s=max((stop - start for start, stop in unseen(recording, operation)), default=0) / NS,
    )


def _until(
    recording: Recording, operation: Operation, spans: list[BrokenVersionSpan]
) -> tuple[Literal["operation", "replaced", "end", ""], str]:
    """What ended it, and the operation that replaced it; empty where it never served."""
    if not spans:
        return "", ""
    last = max(span.stop_ns for span in spans)
    if last <= operation.stop_ns:
        return "operation", ""
    after = [o.id for o in recording.operations if operation.stop_ns <= o.start_ns <= last <= o.stop_ns]
    return ("replaced", after[0]) if after else ("end", "")


def _due_meanwhile(recording: Recording, spans: list[BrokenVersionSpan]) -> Records:
    """The requests of load and prober that were due while it served."""
    files = (*recording.samples.load, *recording.samples.probe)
    due = [within(file.records, (span.start_ns, span.stop_ns)) for span in spans for file in files]
    records: Records = np.concatenate(due) if due else np.zeros(0, DTYPE)
    return records
