"""Of operations that ran together at least one wins; the losers leave fast, say why, and changed nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.concurrency.exclusive import NoneTogether
from harness.checkers.concurrency.race_needs import race_needs
from harness.checkers.core.codes import Details, OperationEnd, code, end_of, finding
from harness.checkers.core.late import HarnessLate
from harness.checkers.core.protocol import Checker
from harness.config.kit_capabilities import KitCapabilities
from harness.judged.critical_sections import faults_on, marks_lock
from harness.judged.judged_run import JudgedRun
from harness.judged.kit_held import others_held_s
from harness.judged.plan_values import policies
from harness.model import Finding, Operation, Subject
from harness.plan import Step, Together
from harness.stats.spans import within_s

_QUESTION = "operations.winners"


@code(
    "operations.none_won",
    "fail",
    title="None of the operations succeeded",
    sentence="none succeeded: {% for m in members %}{{ m|ended }}, {{ m|said }}{{ '; ' if not loop.last }}{% endfor %}",
    meaning="Several operations ran at once and each of them gave up, so a race leaves nothing deployed.",
    causes=("each waits for the other and gives up", "a lock that is left behind keeps everyone out"),
    look="operations/*.out of the run",
    hint="let the one that has the lock go on, whatever the others do",
)
class NoneWon(Details):
    members: list[OperationEnd]


@code(
    "operations.loser_was_inside",
    "fail",
    title="A losing operation had changed something",
    sentence="{{ loser.id }} failed after it had been inside {{ phase }}: {{ loser|said }}",
    meaning="An operation that lost the race had been in a phase after its lock, so it may have changed the system.",
    causes=("the lock is looked for too late", "the lock was taken away from its holder"),
    look="the phases of that operation in the timeline",
    hint="take the lock before anything is changed, and keep it to the end",
)
class LoserWasInside(Details):
    loser: OperationEnd
    phase: str


@code(
    "operations.loser_stayed",
    "fail",
    title="A losing operation did not leave",
    sentence="{{ loser|ended }}, more than the {{ limit_s }} s in which a loser leaves",
    meaning="An operation that did not get the lock went on waiting, so who started it does not learn that it lost.",
    causes=("the kit waits for the lock without a limit", "its limit is longer than the scenario allows"),
    hint="give the wait for the lock a limit; [locks.NAME] waits_s says how long it may wait",
)
class LoserStayed(Details):
    """``limit_s``: what [locks] says it waits, and the time in which a loser leaves."""

    loser: OperationEnd
    limit_s: float


@code(
    "operations.loser_waited",
    "unknown",
    title="A losing operation waited, and may",
    sentence="{{ loser|ended }}, and it is not said how long one waits for the lock",
    meaning="An operation that did not get the lock went on waiting for longer than a loser needs to leave. That is "
    "sound where it is meant to queue.",
    causes=("the kit queues for its lock", "the kit waits for the lock without a limit"),
    look="operations/*.out of the run",
    hint='[locks.NAME] operations = ["deploy", ...] and waits_s say how long one waits for the lock',
    matter="plan",
)
class LoserWaited(Details):
    loser: OperationEnd


@code(
    "operations.loser_gave_no_reason",
    "fail",
    title="A losing operation broke",
    sentence="{{ loser|ended }} with a traceback: {{ loser|said }}",
    meaning="An operation that lost printed a traceback: it did not expect that another one has the lock.",
    causes=("the kit does not handle the lock's refusal",),
    look="operations/*.out of the run",
    hint="print one line that says who has the lock",
)
class LoserGaveNoReason(Details):
    loser: OperationEnd


@code(
    "operations.loser_silent",
    "note",
    title="A losing operation said nothing",
    sentence="{{ loser|ended }}, and printed nothing",
    meaning="An operation that lost said so by its exit code alone, as `flock -n` does: whoever started it does not "
    "learn why it failed.",
    hint="print one line that says who has the lock",
)
class LoserSilent(Details):
    loser: OperationEnd


@code(
    "operations.loser_lock_not_marked",
    "unknown",
    title="It is not known whether a loser was inside",
    sentence="it cannot be told whether {{ operation }} had been inside: no `lock` phase was marked, or seen in time",
    meaning="The kit marks no `<operation>.lock`, so nothing tells whether the losing operation changed something.",
    causes=("the kit marks no phases", "the log that shows the phase is buffered"),
    hint="mark `<operation>.lock`, or detect it by [phases]",
    matter="plan",
)
class LoserLockNotMarked(Details):
    operation: str


@code(
    "operations.losers_left",
    "pass",
    title="One won, the others left",
    sentence="{{ won|join(', ') }} succeeded"
    "{% if slowest %}; {{ slowest|ended }} without having been inside, {{ slowest|said }}{% endif %}",
    meaning="At least one operation succeeded; the others left in time, with a reason, and had not been inside.",
)
class LosersLeft(Details):
    won: list[str]
    lost: list[str]
    slowest: OperationEnd | None


@dataclass(frozen=True, slots=True)
class Winners(Checker):
    """``leave_within_s``: a loser's own time, and after what [locks] says it waits; gates do not count, its own or of
    others. What the harness killed or stopped is no loser, nor one that shares no lock with another of its group."""

    leave_within_s: float = 10.0

    name: ClassVar[str] = "winners"
    codes: ClassVar = (
        NoneWon,
        LoserWasInside,
        LoserStayed,
        LoserWaited,
        LoserGaveNoReason,
        LoserSilent,
        HarnessLate,
        LoserLockNotMarked,
        LosersLeft,
        NoneTogether,
    )

    def needs(self, kit: KitCapabilities, steps: Sequence[Step | Together]) -> Iterator[str]:
        return race_needs(kit, steps)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        if not run.groups:
            yield finding(_QUESTION, Subject("run", ""), NoneTogether())
        for members in run.groups:
            yield from self._judge(run, members)

    def _judge(self, run: JudgedRun, members: tuple[Operation, ...]) -> Iterator[Finding]:
        group = Subject("operation", ", ".join(m.id for m in members))
        won = [m for m in members if m.succeeded]
        said = policies(run.recording)
        lost = [
            m
            for m in members
            if not m.succeeded
            and not faults_on(run.recording, m)
            and any(said.share_lock(m.name, other.name) for other in members if other.id != m.id)
        ]
        bad = [finding(_QUESTION, group, NoneWon([end_of(m) for m in members]))] if not won else []
        bad += [finding(_QUESTION, Subject("operation", m.id), d) for m in lost for d in self._wrong(run, m)]
        if bad:
            yield from bad
            return
        for silent in (m for m in lost if not m.output.strip()):
            yield finding(_QUESTION, Subject("operation", silent.id), LoserSilent(end_of(silent)))
        slowest = max(lost, key=lambda m: m.seconds, default=None)
        yield finding(
            _QUESTION,
            group,
            LosersLeft([m.id for m in won], [m.id for m in lost], end_of(slowest) if slowest else None),
        )

    def _wrong(self, run: JudgedRun, loser: Operation) -> Iterator[Details]:
        end = end_of(loser)
        if inside := run.critical_sections[loser.id]:
            yield LoserWasInside(end, inside[-1].phase)
        waits_s = policies(run.recording).waits_s(loser.name)
        limit_s = self.leave_within_s + (waits_s or 0.0)
        if loser.exit is None or loser.seconds - others_held_s(run.recording, loser) > limit_s:
            if stalled_s := within_s(run.harness_pauses, loser.start_ns, loser.stop_ns):
                yield HarnessLate("harness", stalled_s, affects=f"whether {loser.id} left in time")
            else:
                yield LoserWaited(end) if waits_s is None else LoserStayed(end, limit_s)
        if "Traceback (most recent call last)" in loser.output:
            yield LoserGaveNoReason(end)
        if not marks_lock(run.recording, loser):
            yield LoserLockNotMarked(loser.id)
