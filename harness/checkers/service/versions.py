"""An operation has done what it says: the version it promised answers, or, when it failed, the one that was there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count, ended, seconds
from harness.judged.critical_sections import stays
from harness.model import Operation, Outcome, Verdict
from harness.recording.events import Recovered, SystemUp
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class Versions:
    """Looks at what /version said the moment the operation had exited 0, and at the looks that came next, or once the
    service was healthy again after one that failed. An operation that was killed or hung said nothing, and promised
    nothing."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "versions"
    requirement: ClassVar[str] = "R14"

    def check(self, recording: Recording) -> list[Verdict]:
        promised = [o for o in recording.operations if o.succeeded and o.version_wanted]
        failed = {o.id: o for o in recording.operations if o.exit is not None and o.exit > 0}
        looks = [e for e in recording.of(Recovered) if e.after in failed and e.ok]
        owing = [e for e in looks if e.version_owed]
        if not promised and not owing:
            return []
        about = "version in service"
        wrong = [_lie(o) for o in promised if _said(o) not in ("", o.version_wanted) and not _overtaken(recording, o)]
        kept = [(o, _next_looks(recording, o)) for o in promised if _said(o) == o.version_wanted]
        wrong += [text for o, looks_after in kept if (text := _did_not_stay(o, looks_after))]
        wrong += [
            f"{ended(failed[e.after])} and left version {e.version} in service, where {e.version_owed} was"
            for e in owing
            if e.version not in ("", e.version_owed)
        ]
        silent = [o.id for o in promised if not _said(o)] + [e.after for e in owing if not e.version]
        n = len(promised) + len(owing)
        right = n - len(wrong) - len(silent)
        measured = f"{right} of {count(n, 'operation')} left the version they promised"
        if wrong:
            return [Verdict("fail", about, measured, "; ".join(wrong), self.requirement)]
        if silent:
            why = f"/version did not answer right after {', '.join(silent)}"
            return [Verdict("unknown", about, measured, why, self.requirement)]
        why = "each time the promised version answered when the operation exited"
        if again := sum(len(looks_after) for _, looks_after in kept):
            why += f", and again at {count(again, 'look')} soon after"
        if owing:
            why += ", and after one that failed the version that was there"
        return [Verdict("pass", about, measured, why, self.requirement)]


def back_to_old(recording: Recording, operation: Operation) -> tuple[Outcome, str]:
    """Whether what served before an operation that did not succeed serves after it, and that in words."""
    earlier = [o for o in recording.operations if o.succeeded and _said(o) and o.stop_ns <= operation.start_ns]
    started = next((e.version for e in recording.of(SystemUp)), "")
    old = _said(earlier[-1]) if earlier else started
    next_ns = min((o.start_ns for o in recording.operations if o.start_ns >= operation.stop_ns), default=None)
    looks = [
        o
        for o in recording.observations
        if o.start_ns >= operation.stop_ns and (next_ns is None or o.start_ns <= next_ns)
    ]
    now = looks[0].version if looks else ""
    if not old or not now:
        return "unknown", f"{ended(operation)}, and nobody looked which version served then"
    if now != old:
        return "fail", f"{ended(operation)} and left version {now} in service"
    return "pass", f"{ended(operation)} and version {old} serves"


def _said(operation: Operation) -> str:
    return operation.version_at_exit


def _overtaken(recording: Recording, operation: Operation) -> bool:
    """Whether one that ran together with it got in only after it had ended, and what answered is what that promised:
    we asked too late to tell."""
    return any(
        o.id != operation.id
        and o.group is not None
        and o.group == operation.group
        and o.version_wanted == _said(operation)
        and (inside := stays(recording, o))
        and inside[0].start_ns >= operation.stop_ns
        for o in recording.operations
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
        (f.injected_ns, f.healed_ns or recording.stop.mono_ns) for f in recording.faults if f.injected_ns is not None
    ]
    return [
        look
        for look in looks
        if look.version and not any(a <= look.at_ns and b >= operation.stop_ns for a, b in changers)
    ]


def _did_not_stay(operation: Operation, looks: list[_Look]) -> str:
    """Empty when what it promised still answered."""
    wanted = operation.version_wanted
    for look in looks:
        if look.version != wanted:
            later = seconds(look.at_ns - operation.stop_ns)
            return f"{ended(operation)} and /version said {wanted}, and {later} later {look.version}: it did not stay"
    return ""


def _lie(operation: Operation) -> str:
    sentence = f"{operation.id} exited 0 after {operation.seconds:.2f} s while /version still said {_said(operation)}"
    if operation.version_after_s is None:
        return f"{sentence} (and {operation.version_wanted} never came)"
    return f"{sentence} (for another {operation.version_after_s:.1f} s)"
