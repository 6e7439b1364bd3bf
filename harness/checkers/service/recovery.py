"""After a fault is healed, and after any operation, the service is healthy by itself and the kit works again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core import claim_codes
from harness.checkers.core.codes import Details, end_of, finding
from harness.checkers.core.late import HarnessLate
from harness.checkers.core.measured_claim import RECOVERY, MeasuredClaim
from harness.checkers.core.protocol import Checker
from harness.checkers.service import recovery_codes as codes
from harness.judged.harness_pauses import sampling_gaps
from harness.judged.judged_run import JudgedRun
from harness.judged.plan_values import claims, policies
from harness.model import NS, FaultRecord, Finding, Subject
from harness.recording.events import Recovered
from harness.recording.history import excused
from harness.recording.recording import Recording
from harness.stats.spans import within_s

_RECOVERS, _WORKS = "service.recovers", "kit.works_again"
# Where nothing is claimed, a service that was given less than this had no chance to recover.
_CHANCE_S = 15.0
# A look that began later than this saw that the service is well, not when it became so.
_AT_ONCE_S = 1.0
# Three good answers in a row, 50 ms apart, are what a look ends with.
_RESOLUTION_S = 0.15


@dataclass(frozen=True, slots=True)
class _Look:
    """One wait for the service's health, after an operation or something else. ``bad_ns``: when it was last seen not to
    be well; 0 if it always was."""

    after: str
    ok: bool
    start_ns: int
    bad_ns: int
    stop_ns: int


@dataclass(frozen=True, slots=True)
class _Recovery:
    """What the service had to recover from since ``at_ns``, the look that tells, and when the harness stalled."""

    after: Literal["fault_healed", "operation_failed", "operation_succeeded"]
    id: str
    fault: str
    at_ns: int
    look: _Look | None
    gaps: tuple[tuple[int, int], ...]

    @property
    def took_s(self) -> float:
        return (self.look.stop_ns - self.at_ns) / NS if self.look else 0.0

    @property
    def bad_s(self) -> float:
        """It was last seen not to be well so long after ``at_ns``."""
        return (self.look.bad_ns - self.at_ns) / NS if self.look else 0.0

    @property
    def sure_s(self) -> float:
        """It was not well for at least so long, the time in which the harness stood still not counted."""
        return self.bad_s - self.held_s

    @property
    def held_s(self) -> float:
        return within_s(self.gaps, self.at_ns, self.look.stop_ns) if self.look else 0.0


@dataclass(frozen=True, slots=True)
class Recovery(Checker):
    """The limit is the claim ``recovery_s``; without one, the time the run was ready to wait. One that was over before
    anybody looked breaks no claim, however late that was."""

    name: ClassVar[str] = "recovery"
    codes: ClassVar = (*codes.CODES, *claim_codes.CODES, HarnessLate)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        recording = run.recording
        limit_s = _limit_s(recording)
        recoveries = [*_recoveries(recording)]
        for recovery, fault in recoveries:
            subject = Subject("fault" if fault else "operation", recovery.id)
            because = [fault.id] if fault else []
            yield finding(_RECOVERS, subject, _recovered(recovery, limit_s), because=because)
            if fault:
                yield finding(_WORKS, subject, _works_again(recording, fault, recovery.at_ns), because=because)
        if limit_s is not None:
            yield from _claimed(recording, [r for r, _ in recoveries], limit_s)


def _claimed(recording: Recording, recoveries: list[_Recovery], limit_s: float) -> Iterator[Finding]:
    """One look tells of one recovery, whatever that was from: the longest counts."""
    longest: dict[_Look, float] = {}
    for recovery in recoveries:
        if recovery.look and (recovery.took_s <= limit_s or recovery.sure_s > limit_s):
            longest[recovery.look] = max(longest.get(recovery.look, 0.0), recovery.took_s)
    for claim in claims(recording, "duration_s"):
        if claim.subject == "recovery" and longest:
            yield MeasuredClaim(RECOVERY, claim, "s", tuple(longest.values()), _RESOLUTION_S).finding()


def _recovered(recovery: _Recovery, limit_s: float | None) -> Details:
    look, took_s, sure_s = recovery.look, recovery.took_s, recovery.sure_s
    what = (recovery.after, recovery.id, recovery.fault, took_s)
    if look is None:
        return codes.RecoveryNotWatched(*what)
    enough_s = _CHANCE_S if limit_s is None else limit_s
    # The harness stood still for so long that the time it lost decides.
    paused = sure_s <= enough_s < recovery.bad_s or took_s - recovery.held_s <= enough_s < took_s
    if not look.ok and sure_s > enough_s:
        return codes.NotRecovered(*what)
    if look.ok and (limit_s is None or took_s <= limit_s or sure_s > limit_s):
        return codes.Recovered(*what, at_first_look=_at_first_look(recovery, look))
    if paused:
        return HarnessLate("harness", recovery.held_s, affects=f"whether the service recovered after {recovery.id}")
    if look.ok and limit_s is not None:
        return codes.RecoverySeenLate(*what, at_first_look=_at_first_look(recovery, look), limit_s=limit_s)
    return codes.RecoveryNotAwaited(*what)


def _at_first_look(recovery: _Recovery, look: _Look) -> bool:
    return not look.bad_ns and look.start_ns - recovery.at_ns > _AT_ONCE_S * NS


def _works_again(recording: Recording, fault: FaultRecord, at_ns: int) -> Details:
    # One that stays in to the end has to be lived with: what counts is the next operation under it.
    since = (fault.injected_ns or at_ns) if fault.to_the_end else at_ns
    link, said = fault.targets.get("link", "") if fault.to_the_end else "", policies(recording)
    following = [o for o in recording.operations if o.start_ns >= since and o.expect == "success"]
    following = [o for o in following if not (link and said.needs_link(o.name, link))]
    if not following:
        return codes.NotTriedAfterFault(fault.name, fault.to_the_end)
    first = min(following, key=lambda o: o.start_ns)
    what = (fault.name, fault.to_the_end, end_of(first))
    if first.succeeded:
        return codes.WorksAfterFault(*what)
    unsaid = f"[operations.{first.name}] needs_links does not say whether it needs {link}"
    if why := excused(recording, first) or (unsaid if link and said.needs_link(first.name, link) is None else ""):
        return codes.ExcusedAfterFault(*what, why=why)
    return codes.BrokenAfterFault(*what)


def _limit_s(recording: Recording) -> float | None:
    return next((c.limit for c in claims(recording, "duration_s") if c.subject == "recovery"), None)


def _recoveries(recording: Recording) -> Iterator[tuple[_Recovery, FaultRecord | None]]:
    """After each fault that was healed, each operation that failed, and each that succeeded and left a service that was
    not well."""
    looks = [_look(e) for e in recording.of(Recovered)]
    gaps = tuple(sampling_gaps(recording.samples.resources))
    limit_s = _limit_s(recording)
    enough_ns = (_CHANCE_S if limit_s is None else limit_s) * NS
    for fault in recording.faults:
        if fault.healed_ns is not None:
            look = _first_after(looks, fault.healed_ns, enough_ns)
            yield _Recovery("fault_healed", fault.id, fault.name, fault.healed_ns, look, gaps), fault
    after: Literal["operation_failed", "operation_succeeded"]
    for operation in recording.operations:
        look = next((k for k in looks if k.after == operation.id), None)
        if operation.succeeded and look and not look.ok:
            after = "operation_succeeded"
        elif not operation.succeeded and not operation.on_our_backup:
            after = "operation_failed"
        else:
            continue
        # Until the faults were gone that were in at its end nothing could recover, and nobody looked.
        healed = [f.healed_ns for f in recording.faults if f.healed_ns and look and f.healed_ns <= look.stop_ns]
        yield _Recovery(after, operation.id, "", max([operation.stop_ns, *healed]), look, gaps), None


def _first_after(looks: list[_Look], at_ns: int, enough_ns: float) -> _Look | None:
    """The first look that tells whether it was well after this moment: one that began then, or was told of its being
    bad then. A look in vain that ended too soon after it tells less than a later one."""
    telling = [k for k in looks if k.start_ns >= at_ns or k.bad_ns >= at_ns]
    return next((k for k in telling if k.ok or k.stop_ns - at_ns > enough_ns), next(iter(telling), None))


def _look(event: Recovered) -> _Look:
    stop_ns = event.start_ns + int(event.seconds * NS)
    bad_ns = event.last_bad_ns if event.ok else stop_ns
    return _Look(event.after, event.ok, event.start_ns, bad_ns, stop_ns)
