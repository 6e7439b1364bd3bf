"""An operation has done what it says: the version it promised answers, or, when it failed, the one that was there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core.codes import Details, end_of, finding
from harness.checkers.core.protocol import Checker
from harness.checkers.service import version_codes as codes
from harness.checkers.service.version_codes import VersionAfter
from harness.judged.judged_run import JudgedRun
from harness.model import NS, Finding, Operation, Subject
from harness.recording.events import Recovered, SystemUp
from harness.recording.recording import Recording

_QUESTION = "version.in_service"


@dataclass(frozen=True, slots=True)
class Versions(Checker):
    """Looks at what /version said the moment the operation had exited 0, and at the looks that came next, or once the
    service was healthy again after one that failed. An operation that was killed or hung said nothing, and promised
    nothing."""

    name: ClassVar[str] = "versions"
    codes: ClassVar = codes.VERSIONS

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        recording = run.recording
        promised = [o for o in recording.operations if o.succeeded and o.version_wanted]
        failed = {o.id: o for o in recording.operations if o.exit is not None and o.exit > 0}
        owing = [e for e in recording.of(Recovered) if e.after in failed and e.ok and e.version_owed]
        wrong: dict[str, Details] = {}
        looks_after = 0
        for o in promised:
            if _said(o) == o.version_wanted:
                looks = _next_looks(recording, o)
                looks_after += len(looks)
                if gone := _did_not_stay(o, looks):
                    wrong[o.id] = gone
            elif _said(o) and not _overtaken(run, o):
                wrong[o.id] = codes.NotServedAtExit(o.name, end_of(o), _said(o), o.version_wanted, o.version_after_s)
        for e in owing:
            if e.version not in ("", e.version_owed):
                end = end_of(failed[e.after])
                wrong[e.after] = codes.ChangedByFailure(failed[e.after].name, end, e.version, e.version_owed)
        for id_, details in wrong.items():
            yield finding(_QUESTION, Subject("operation", id_), details)
        silent = [o.id for o in promised if not _said(o)] + [e.after for e in owing if not e.version]
        if silent:
            yield finding(_QUESTION, Subject("operation", ", ".join(silent)), codes.Unanswered(silent))
        right = len(promised) + len(owing) - len(wrong) - len(silent)
        if right and not wrong and not silent:
            yield finding(_QUESTION, Subject("run", ""), codes.AsPromised(right, looks_after, len(owing)))


def version_after(recording: Recording, operation: Operation) -> VersionAfter:
    """What served before an operation that did not succeed, and after it, before anything else was done."""
    earlier = [o for o in recording.operations if o.succeeded and _said(o) and o.stop_ns <= operation.start_ns]
    started = next((e.version for e in recording.of(SystemUp)), "")
    next_ns = min((o.start_ns for o in recording.operations if o.start_ns >= operation.stop_ns), default=None)
    looks = [
        o
        for o in recording.observations
        if o.start_ns >= operation.stop_ns and (next_ns is None or o.start_ns <= next_ns)
    ]
    return VersionAfter(_said(earlier[-1]) if earlier else started, looks[0].version if looks else "")


def _said(operation: Operation) -> str:
    return operation.version_at_exit


def _overtaken(run: JudgedRun, operation: Operation) -> bool:
    """Whether one that ran together with it got in only after it had ended, and what answered is what that promised:
    we asked too late to tell."""
    return any(
        o.id != operation.id
        and o.group is not None
        and o.group == operation.group
        and o.version_wanted == _said(operation)
        and (inside := run.critical_sections[o.id])
        and inside[0].start_ns >= operation.stop_ns
        for o in run.recording.operations
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """What /version said once, and when."""

    at_ns: int
    version: str


def _next_looks(recording: Recording, operation: Operation) -> list[_Look]:
    """What answered when it was asked next: once the service was healthy, and at the read-back after it. Left out is a
    look before which another operation was under way, or a fault of ours in place: either may have changed it. So is
    one that had no answer."""
    looks = [_Look(e.t, e.version) for e in recording.of(Recovered) if e.after == operation.id and e.ok]
    looks += [
        _Look(o.stop_ns, o.version)
        for o in recording.observations
        if o.crash is None and o.start_ns >= operation.stop_ns
    ][:1]
    changers = [(o.start_ns, o.stop_ns) for o in recording.operations if o.id != operation.id]
    changers += [
        (f.injected_ns, f.healed_ns or recording.log.stop.mono_ns)
        for f in recording.faults
        if f.injected_ns is not None
    ]
    return [
        look
        for look in looks
        if look.version and not any(a <= look.at_ns and b >= operation.stop_ns for a, b in changers)
    ]


def _did_not_stay(operation: Operation, looks: list[_Look]) -> codes.DidNotStay | None:
    """None when what it promised still answered."""
    wanted = operation.version_wanted
    for look in looks:
        if look.version != wanted:
            later_s = (look.at_ns - operation.stop_ns) / NS
            return codes.DidNotStay(operation.name, end_of(operation), look.version, wanted, later_s)
    return None
