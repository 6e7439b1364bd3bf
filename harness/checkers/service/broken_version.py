"""A new version that is really bad does not stay: it is not promoted, the old one serves again, and how long it served
is measured from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count, ended, last_line
from harness.checkers.service.versions import back_to_old
from harness.judged.broken_version_spans import Served, broken, served
from harness.judged.downtime import Records, bad_mask, within
from harness.judged.plan_values import deadline_ms
from harness.model import NS, Measurement, Operation, Verdict
from harness.recording.events import VersionSilent, VersionWatched
from harness.recording.recording import Recording
from harness.recording.samples import DTYPE
from harness.stats.arrays import np

MEASUREMENT = "broken version in service"
# A single question without an answer is none: what comes and goes between two questions is not seen anyway.
_MISSED = 2


def unseen(recording: Recording, operation: Operation) -> list[tuple[int, int]]:
    """Stretches of this deployment in which nobody can tell what served: our questions got no answer, though somebody
    took some of them, and no broken version was heard before or after; or nobody asked any more."""
    known = [(span.start_ns, span.stop_ns) for span in served(recording)]
    shortest_ns = max((_MISSED * e.interval_s * NS for e in recording.of(VersionWatched)), default=0)
    return [
        (e.since_ns, e.t)
        for e in recording.of(VersionSilent)
        if e.since_ns <= operation.stop_ns and e.t >= operation.start_ns and e.t - e.since_ns > shortest_ns
        if not e.questions or (e.refused < e.questions and not any(a <= e.since_ns and e.t <= b for a, b in known))
    ]


def measurement(recording: Recording) -> list[Measurement]:
    """Seconds of service of the broken version, one value a deployment of it (0: it never got traffic); those in which
    nobody can tell what served have none."""
    if not broken(recording) or not any(True for _ in recording.of(VersionWatched)):
        return []
    doubtful = {o.id for o in broken(recording) if unseen(recording, o)}
    each = [spans for id_, spans in _by_deployment(recording).items() if id_ not in doubtful]
    if not each:
        return []
    values = tuple(round(sum(s.seconds for s in spans), 3) for spans in each)
    resolution_s = max(sum(s.resolution_ns for s in spans) / NS for spans in each)
    return [Measurement(MEASUREMENT, "s", values, round(resolution_s, 3), {})]


def _by_deployment(recording: Recording) -> dict[str, list[Served]]:
    """Each stretch belongs to the last deployment of a broken version that had begun by then."""
    operations = sorted(broken(recording), key=lambda o: o.start_ns)
    found: dict[str, list[Served]] = {o.id: [] for o in operations}
    for span in served(recording):
        begun = [o.id for o in operations if o.start_ns <= span.stop_ns]
        if begun:
            found[begun[-1]].append(span)
    return found


@dataclass(frozen=True, slots=True)
class BrokenVersion:
    """One verdict for each deployment of the version that system.toml calls broken."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "broken_version"
    requirement: ClassVar[str] = "R100"

    def check(self, recording: Recording) -> list[Verdict]:
        operations = broken(recording)
        if not operations:
            return []
        if not any(True for _ in recording.of(VersionWatched)):
            why = "nobody watched from outside which version was in service"
            return [Verdict("unknown", "a broken version", "", why, self.requirement)]
        spans = _by_deployment(recording)
        return [self._judge(recording, o, spans[o.id]) for o in operations]

    def _judge(self, recording: Recording, operation: Operation, spans: list[Served]) -> Verdict:
        about = f"the broken version of {operation.id}"
        version = operation.broken_version
        hidden = unseen(recording, operation)
        seconds = sum(span.seconds for span in spans)
        measured = "not seen" if hidden and not spans else f"{seconds:.2f} s in service"
        what = f"version {version}, known to be broken,"
        if spans:
            resolution_s = sum(s.resolution_ns for s in spans) / NS
            how_long = f"{seconds:.2f} s (resolution {resolution_s:.2f} s){_until(recording, operation, spans)}"
            harm = f"{what} served for {how_long}; {_harm(recording, spans)}"
        else:
            harm = f"{what} {'was not seen' if hidden else 'never got traffic'}"
        if hidden:
            longest = max(stop - start for start, stop in hidden)
            harm += f", and nothing said which version serves for {longest / NS:.2f} s of {operation.id}"
        if operation.succeeded:
            return Verdict("fail", about, measured, f"{ended(operation)} although {harm}", self.requirement)
        outcome, end = back_to_old(recording, operation)
        if hidden and outcome == "pass":
            outcome = "unknown"
        why = f"{end}; {harm}; {last_line(operation.output)}"
        return Verdict(outcome, about, measured, why, self.requirement)


def _until(recording: Recording, operation: Operation, spans: list[Served]) -> str:
    """What ended it, when the deployment itself did not."""
    last = max(span.stop_ns for span in spans)
    if last <= operation.stop_ns:
        return ""
    after = [o.id for o in recording.operations if operation.stop_ns <= o.start_ns <= last <= o.stop_ns]
    return f", until {after[0]} replaced it" if after else ", to the end"


def _harm(recording: Recording, spans: list[Served]) -> str:
    """What clients had of it, by the load and the probes."""
    files = (*recording.load_samples, *recording.probe_samples)
    due = [within(file.records, (span.start_ns, span.stop_ns)) for span in spans for file in files]
    records: Records = np.concatenate(due) if due else np.zeros(0, DTYPE)
    bad = int(bad_mask(records, deadline_ms(recording)).sum())
    return f"{bad} of {count(len(records), 'request')} due meanwhile were bad"
