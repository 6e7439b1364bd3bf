"""After a fault is healed, and after any operation, the service is healthy by itself and the kit works again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.measured_claim import Claimed
from harness.checkers.core.phrases import ended, last_line
from harness.judged.harness_pauses import sampling_gaps, within_s
from harness.judged.plan_values import claims
from harness.model import NS, FaultRecord, Operation, Outcome, Verdict
from harness.recording.events import Recovered
from harness.recording.history import not_told
from harness.recording.recording import Recording

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
    """What the service had to recover from since ``at_ns``, the look that tells, and when we ourselves stood still."""

    what: str
    at_ns: int
    look: _Look | None
    still: tuple[tuple[int, int], ...]

    @property
    def took_s(self) -> float:
        return (self.look.stop_ns - self.at_ns) / NS if self.look else 0.0

    @property
    def sure_s(self) -> float:
        """It was not well for at least so long, the time in which we stood still not counted."""
        return (self.look.bad_ns - self.at_ns) / NS - self.held_s if self.look else 0.0

    @property
    def held_s(self) -> float:
        return within_s(self.still, self.at_ns, self.look.stop_ns) if self.look else 0.0


@dataclass(frozen=True, slots=True)
class Recovery:
    """The limit is the claim ``recovery_s``; without one, the time the run was ready to wait. One that was over before
    anybody looked breaks no claim, however late that was."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "recovery"
    requirement: ClassVar[str] = "R84"

    def check(self, recording: Recording) -> list[Verdict]:
        limit_s = _limit_s(recording)
        verdicts: list[Verdict] = []
        for recovery, fault in _recoveries(recording):
            verdicts.append(self._recovered(recovery, limit_s))
            if fault:
                verdicts.append(self._works_again(recording, fault, recovery.at_ns))
        return verdicts + [claimed.verdict() for claimed in self.claimed(recording)]

    def claimed(self, recording: Recording) -> list[Claimed]:
        """One look tells of one recovery, whatever that was from: the longest counts."""
        limit_s = _limit_s(recording)
        if limit_s is None:
            return []
        longest: dict[_Look, float] = {}
        for recovery, _ in _recoveries(recording):
            if recovery.look and (recovery.took_s <= limit_s or recovery.sure_s > limit_s):
                longest[recovery.look] = max(longest.get(recovery.look, 0.0), recovery.took_s)
        return [
            Claimed(claim, "duration of recovery", "s", tuple(longest.values()), _RESOLUTION_S, self.requirement)
            for claim in claims(recording, "duration_s")
            if claim.subject == "recovery" and longest
        ]

    def _recovered(self, recovery: _Recovery, limit_s: float | None) -> Verdict:
        what, look, took_s = recovery.what, recovery.look, recovery.took_s
        about = f"recovery after {what}"
        if look is None:
            return Verdict("unknown", about, "", f"nobody looked whether the service recovered after {what}", "R84")
        outcome: Outcome = "pass"
        if look.ok:
            late = not look.bad_ns and look.start_ns - recovery.at_ns > _AT_ONCE_S * NS
            why = f"healthy and ready {'at the first look, ' * late}{took_s:.2f} s after {what}"
            if limit_s is not None and took_s > limit_s and recovery.sure_s <= limit_s:
                outcome, why = "unknown", f"{why}, seen too late to say whether it kept the claimed {limit_s:g} s"
        else:
            outcome, why = "fail", f"still not healthy and ready {took_s:.1f} s after {what}"
            if recovery.sure_s <= (_CHANCE_S if limit_s is None else limit_s):
                outcome, why = "unknown", f"{why}, and nobody looked any longer"
        if outcome == "unknown" and recovery.held_s:
            why += f"; for {recovery.held_s:.2f} s of that we ourselves stood still"
        return Verdict(outcome, about, f"{took_s:.2f} s", why, self.requirement)

    def _works_again(self, recording: Recording, fault: FaultRecord, at_ns: int) -> Verdict:
        # One that stays in to the end has to be lived with: what counts is the next operation under it.
        met, since = ("came", fault.injected_ns or at_ns) if fault.to_the_end else ("was healed", at_ns)
        following = [o for o in recording.operations if o.start_ns >= since and o.expect == "success"]
        about = f"the kit {'under' if fault.to_the_end else 'after'} {fault.name} ({fault.id})"
        if not following:
            return Verdict("unknown", about, "", f"no operation was run after {fault.name} {met}", "R89")
        first: Operation = min(following, key=lambda o: o.start_ns)
        if first.succeeded:
            return Verdict("pass", about, ended(first), f"{first.id}, the first operation after it, succeeded", "R89")
        why = f"{ended(first)}, the first operation after {fault.name} {met}; {last_line(first.output)}"
        if untold := not_told(recording, first):
            return Verdict("unknown", about, ended(first), f"{why}; {untold}", "R89")
        return Verdict("fail", about, ended(first), why, "R89")


def _limit_s(recording: Recording) -> float | None:
    return next((c.limit for c in claims(recording, "duration_s") if c.subject == "recovery"), None)


def _recoveries(recording: Recording) -> Iterator[tuple[_Recovery, FaultRecord | None]]:
    """After each fault that was healed, each operation that failed, and each that succeeded and left a service that was
    not well."""
    looks = [_look(e) for e in recording.of(Recovered)]
    still = tuple(sampling_gaps(recording.resources))
    limit_s = _limit_s(recording)
    enough_ns = (_CHANCE_S if limit_s is None else limit_s) * NS
    for fault in recording.faults:
        if fault.healed_ns is not None:
            what = f"{fault.name} ({fault.id}) was healed"
            yield _Recovery(what, fault.healed_ns, _first_after(looks, fault.healed_ns, enough_ns), still), fault
    for operation in recording.operations:
        look = next((k for k in looks if k.after == operation.id), None)
        if operation.succeeded and look and not look.ok:
            what = f"{operation.id} exited 0"
        elif not operation.succeeded and not operation.on_our_backup:
            what = f"{operation.id} failed"
        else:
            continue
        # Until the faults were gone that were in at its end nothing could recover, and nobody looked.
        healed = [f.healed_ns for f in recording.faults if f.healed_ns and look and f.healed_ns <= look.stop_ns]
        yield _Recovery(what, max([operation.stop_ns, *healed]), look, still), None


def _first_after(looks: list[_Look], at_ns: int, enough_ns: float) -> _Look | None:
    """The first look that tells whether it was well after this moment: one that began then, or was told of its being
    bad then. A look in vain that ended too soon after it tells less than a later one."""
    telling = [k for k in looks if k.start_ns >= at_ns or k.bad_ns >= at_ns]
    return next((k for k in telling if k.ok or k.stop_ns - at_ns > enough_ns), next(iter(telling), None))


def _look(event: Recovered) -> _Look:
    stop_ns = event.start_ns + int(event.seconds * NS)
    bad_ns = event.last_bad_ns if event.ok else stop_ns
    return _Look(event.after, event.ok, event.start_ns, bad_ns, stop_ns)
