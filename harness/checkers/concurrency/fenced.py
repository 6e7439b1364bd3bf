"""An operation that stood still past its lease and lost the lock is kept from changing anything: refused when it goes
on again, or ended by whoever took the lock from it."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.concurrency.race_needs import race_needs
from harness.checkers.core.codes import Details, OperationEnd, code, end_of, finding
from harness.checkers.core.protocol import Checker
from harness.config.kit_capabilities import KitCapabilities
from harness.judged.critical_sections import CUT_OFF_NS, faults_on, pauses
from harness.judged.judged_run import JudgedRun
from harness.model import NS, Finding, Operation, Subject
from harness.plan import Step, Together
from harness.recording.events import PhaseEdge

_QUESTION = "operations.fenced"
_STORY = "{{ holder.id }} stood still for {{ paused_s|s }} while {{ others|join(', ') }} had the lock"


@code(
    "operations.zombie_succeeded",
    "fail",
    title="A zombie went on and reported success",
    sentence=_STORY + ", went on{% if phase %} through {{ phase }}{% endif %} and reported success: {{ holder|said }}",
    meaning="An operation was stopped past its lease, another took the lock, and the first went on as if it had it.",
    causes=("the lease is taken without a fencing number", "the kit does not look at the lock again before it changes"),
    look="the phases of both operations in the timeline",
    hint="look at the lock (fencing number) before each change, or kill the old holder when its lock is taken",
)
class ZombieSucceeded(Details):
    holder: OperationEnd
    paused_s: float
    others: list[str]
    phase: str


@code(
    "operations.zombie_went_on",
    "fail",
    title="A zombie went on before it failed",
    sentence=_STORY + ", went on through {{ phase }} "
    "{% if killed %}though it had been killed{% else %}and only then failed: {{ holder|said }}{% endif %}",
    meaning="An operation that had lost its lock took a further step before it ended, or something it had started did.",
    causes=("the lock is looked at too late", "a child of the killed operation goes on in a session of its own"),
    look="the phases of both operations in the timeline",
    hint="look at the lock before each change; end all that the old holder started",
)
class ZombieWentOn(Details):
    holder: OperationEnd
    paused_s: float
    others: list[str]
    phase: str
    killed: bool


@code(
    "operations.zombie_refused",
    "pass",
    title="The zombie was kept out",
    sentence=_STORY + "; continued, it changed nothing: {{ holder|ended }} ({{ after_s|s }} after), {{ holder|said }}",
    meaning="The operation that had lost its lock took no further step once it went on again.",
)
class ZombieRefused(Details):
    holder: OperationEnd
    paused_s: float
    others: list[str]
    after_s: float


@code(
    "operations.zombie_killed",
    "pass",
    title="The zombie was ended where it stood",
    sentence=_STORY + "; it was killed where it stood ({{ after_s|s }} after); then nothing of it went on",
    meaning="Whoever took the lock ended the old holder first, and nothing that it had started went on.",
)
class ZombieKilled(Details):
    holder: OperationEnd
    paused_s: float
    others: list[str]
    after_s: float


@code(
    "operations.lock_kept",
    "pass",
    title="The stopped operation kept its lock",
    sentence="{{ holder.id }} stood still for {{ paused_s|s }} and kept its lock: {{ refused.id }} was refused "
    "meanwhile, after {{ waited_s|s }}, {{ refused|said }}; a lock without a lease waits for its holder, however long",
    meaning="The lock has no lease, or a longer one: another operation was refused, so there was nothing to fence.",
)
class LockKept(Details):
    holder: OperationEnd
    paused_s: float
    refused: OperationEnd
    waited_s: float


@code(
    "operations.none_stopped",
    "unknown",
    title="No operation was stopped and continued",
    sentence="no operation was stopped and continued",
    meaning="The fault that stops the holder of the lock never came, so nothing shows that a zombie is kept out.",
    look="the faults of the run",
    hint="mark the phase at which the fault is planned",
    matter="plan",
    absent=True,
)
class NoneStopped(Details):
    pass


@code(
    "operations.lock_not_taken",
    "unknown",
    title="Nobody took the lock meanwhile",
    sentence="{{ holder.id }} stood still for {{ paused_s|s }}, and no other operation had the lock meanwhile: it had "
    "lost nothing",
    meaning="No other operation was inside while the holder stood still, and none was refused: fencing was not tried.",
    causes=("the lease is longer than the pause", "the kit marks no `lock` phase"),
    hint="mark `<operation>.lock`; a lease longer than the pause of the scenario is not tried by it",
    matter="plan",
)
class LockNotTaken(Details):
    holder: OperationEnd
    paused_s: float


@code(
    "operations.zombie_ended_before",
    "unknown",
    title="The zombie had ended before",
    sentence=_STORY + "; it had ended before it was continued",
    meaning="The stopped operation ended before the harness continued it, by its own doing or the harness's.",
    hint="run it again",
    matter="plan",
)
class ZombieEndedBefore(Details):
    holder: OperationEnd
    paused_s: float
    others: list[str]


@code(
    "operations.zombie_killed_late",
    "unknown",
    title="The zombie was ended late",
    sentence=_STORY + "; it was killed where it stood, {{ late_s|s }} after another was inside: nothing had kept it "
    "from going on until then",
    meaning="The old holder was killed only after another had been inside: until then it stood still by luck.",
    causes=("the new holder goes inside before it ends the old one",),
    hint="end the old holder before going inside",
)
class ZombieKilledLate(Details):
    holder: OperationEnd
    paused_s: float
    others: list[str]
    late_s: float


@dataclass(frozen=True, slots=True)
class Fenced(Checker):
    """Judged by what it did after it was continued: phases it still marked, and the success it reported. One that was
    killed where it stood (a stopped process ends in no other way) before another was inside can do no more, if nothing
    it had started went on. One that kept its lock, for another was refused meanwhile, has nothing to be fenced from."""

    name: ClassVar[str] = "fenced"
    codes: ClassVar = (
        ZombieSucceeded,
        ZombieWentOn,
        ZombieRefused,
        ZombieKilled,
        LockKept,
        NoneStopped,
        LockNotTaken,
        ZombieEndedBefore,
        ZombieKilledLate,
    )

    def needs(self, kit: KitCapabilities, steps: Sequence[Step | Together]) -> Iterator[str]:
        return race_needs(kit, steps)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        paused = [(o, span) for o in run.recording.operations for span in pauses(run.recording, o)]
        if not paused:
            yield finding(_QUESTION, Subject("run", ""), NoneStopped())
        for operation, (from_ns, to_ns) in paused:
            because = [f.id for f in faults_on(run.recording, operation)]
            details = _judged(run, operation, from_ns, to_ns)
            yield finding(_QUESTION, Subject("operation", operation.id), details, because=because)


def _judged(run: JudgedRun, operation: Operation, from_ns: int, to_ns: int) -> Details:
    holder, paused_s = end_of(operation), (to_ns - from_ns) / NS
    inside = [
        (o.id, s.start_ns)
        for o in run.recording.operations
        if o.id != operation.id
        for s in run.critical_sections[o.id]
        if s.start_ns < to_ns and s.stop_ns > from_ns
    ]
    if not inside:
        return _nothing_lost(run, operation, from_ns, to_ns)
    others = list(dict(inside))
    gone = operation.stop_ns <= to_ns
    by_us = any("kills" in f.effects for f in faults_on(run.recording, operation))
    if gone and (operation.exit != -signal.SIGKILL or by_us):
        return ZombieEndedBefore(holder, paused_s, others)
    marks = [e for e in run.recording.of(PhaseEdge) if e.operation == operation.id]
    # A detected edge is older than its detection; the end of the operation is no step it took.
    still_ns = min(to_ns, operation.stop_ns)
    later = [e for e in marks if e.t - e.late_ns > still_ns and e.by != "end"]
    phase = str(later[-1].phase) if later else ""
    if operation.succeeded:
        return ZombieSucceeded(holder, paused_s, others, phase)
    if later:
        return ZombieWentOn(holder, paused_s, others, phase, killed=gone)
    late_ns = operation.stop_ns - min(start_ns for _, start_ns in inside)
    if gone and late_ns > CUT_OFF_NS:
        return ZombieKilledLate(holder, paused_s, others, late_ns / NS)
    if gone:
        return ZombieKilled(holder, paused_s, others, (operation.stop_ns - from_ns) / NS)
    return ZombieRefused(holder, paused_s, others, (operation.stop_ns - to_ns) / NS)


def _nothing_lost(run: JudgedRun, operation: Operation, from_ns: int, to_ns: int) -> Details:
    holder, paused_s = end_of(operation), (to_ns - from_ns) / NS
    group = operation.group
    refused = [
        o
        for o in run.recording.operations
        if o.id != operation.id and o.group == group and (o.exit or 0) > 0 and from_ns <= o.stop_ns <= to_ns
    ]
    if group is None or not refused or operation.stop_ns <= to_ns:
        return LockNotTaken(holder, paused_s)
    first = refused[0]
    return LockKept(holder, paused_s, end_of(first), (first.stop_ns - first.start_ns) / NS)
