"""Operations that ran together were never inside their critical phases at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import ClassVar

import msgspec

from harness.checkers.concurrency.race_needs import race_needs
from harness.checkers.core.codes import Details, code, finding
from harness.checkers.core.protocol import Checker
from harness.config.kit_capabilities import KitCapabilities
from harness.judged.critical_sections import (
    CriticalSection,
    held_while_paused,
    killed,
    locked_before,
    marks_lock,
    overlaps,
)
from harness.judged.judged_run import JudgedRun
from harness.judged.plan_values import policies
from harness.model import NS, Finding, Operation, Subject
from harness.plan import Step, Together
from harness.recording.events import Barrier

_QUESTION = "operations.exclusive"


class Overlap(msgspec.Struct):
    """Two operations inside critical phases at once for ``seconds``; ``given_up``: those that had failed before."""

    first: str
    first_phase: str
    second: str
    second_phase: str
    seconds: float
    both_succeeded: bool
    given_up: list[str]


class Contender(msgspec.Struct):
    """An operation that was under way while another was inside; ``stalled``: while the harness had stopped that one."""

    operation: str
    inside: str
    phase: str
    stalled: bool


@code(
    "operations.overlapped",
    "fail",
    title="Two operations changed things at once",
    sentence="{% for o in overlaps[:3] %}{{ o.first }} was inside {{ o.first_phase }} while {{ o.second }} was inside "
    "{{ o.second_phase }}: both for {{ o.seconds|s }}"
    "{% if o.given_up %}, after {{ o.given_up|join(', ') }} had given up{% endif %}"
    "{% if o.both_succeeded %}, and both reported success{% endif %}{{ '; ' if not loop.last }}{% endfor %}",
    meaning="Two operations of the kit were inside phases after `<operation>.lock` at the same time.",
    causes=(
        "the kit takes no lock, or looks for it and takes it in two steps",
        "an operation that did not get the lock removes it as it leaves",
        "a lock whose lease ran out is taken while its holder goes on",
    ),
    look="the timeline of the run, and where the kit takes and releases its lock",
    hint="take the lock in one atomic step, and let only its holder release it",
)
class Overlapped(Details):
    overlaps: list[Overlap]
    inside: int
    operations: list[str]


@code(
    "operations.overlap_not_said",
    "unknown",
    title="Two ran at once, which may be meant",
    sentence="{% for o in overlaps[:3] %}{{ o.first }} was inside {{ o.first_phase }} while {{ o.second }} was inside "
    "{{ o.second_phase }}: both for {{ o.seconds|s }}{{ '; ' if not loop.last }}{% endfor %}",
    meaning="Operations that may well run beside each other, such as a backup and a deployment, did. Whether they are "
    "to keep each other out is not said.",
    look="the timeline of the run, and where the kit takes its lock",
    hint='[locks.NAME] operations = ["deploy", "rollback", "backup"] says which operations share a lock',
    matter="plan",
)
class OverlapNotSaid(Details):
    overlaps: list[Overlap]


@code(
    "operations.share_no_lock",
    "note",
    title="They share no lock",
    sentence="{{ operations|join(', ') }} share no lock, as [locks] has it: whether they ran at once is not judged",
    meaning="[locks] of the system.toml names no lock that two of these operations share.",
)
class ShareNoLock(Details):
    operations: list[str]


@code(
    "operations.one_at_a_time",
    "pass",
    title="One operation changed things at a time",
    sentence="never two inside"
    "{% if late_ms %} for longer than {{ '%.1f'|format(late_ms) }} ms, so late may we have seen it{% endif %}; "
    "{% if held_at %}{{ held_operation }} was held at {{ held_at }} for {{ held_s|s(1) }}; {% endif %}"
    "{% for c in contenders[:3] %}{{ c.operation }} was under way while {{ c.inside }} "
    "{{ 'stood still' if c.stalled else 'was' }} {{ 'past' if c.phase.endswith('.lock') else 'inside' }} "
    "{{ c.phase }}{{ '; ' if not loop.last }}{% endfor %}",
    meaning="At least one operation was under way while another was inside its critical phases, and it stayed out.",
)
class OneAtATime(Details):
    contenders: list[Contender]
    inside: int
    operations: list[str]
    late_ms: float
    held_operation: str
    held_at: str
    held_s: float


@code(
    "operations.none_together",
    "unknown",
    title="No operations ran together",
    sentence="no operations ran together",
    meaning="The scenario has no group of operations, or the system provides too few of its members.",
    hint="run it in a cell with a group (Together), on a system that provides its operations",
    matter="plan",
    absent=True,
)
class NoneTogether(Details):
    pass


@code(
    "operations.lock_not_marked",
    "unknown",
    title="It is not known who had the lock",
    sentence="it cannot be told when {{ operations|join(', ') }} had the lock: no `lock` phase was marked, or seen in "
    "time",
    meaning="Nothing tells when an operation was inside: the kit did not mark `<operation>.lock`, or it came to light "
    "only after the operation had ended.",
    causes=("the kit marks no phases", "the log that shows the phase is buffered"),
    hint='mark `<operation>.lock`, or detect it by [phases."<operation>.lock"]; `stdbuf -oL` unbuffers a log',
    matter="plan",
)
class LockNotMarked(Details):
    operations: list[str]


@code(
    "operations.no_contention",
    "unknown",
    title="No operation met another one inside",
    sentence="none was under way while another was inside",
    meaning="The operations ran one after the other, so nothing shows that they keep each other out.",
    causes=("the operations are too short to overlap", "they began too far apart"),
    hint="hold the group at a `barrier`, or run it again with another seed",
    matter="plan",
)
class NoContention(Details):
    pass


@code(
    "operations.race_by_chance",
    "unknown",
    title="The race was left to chance",
    sentence="none came to the edge where they were to be held: the race was left to chance",
    meaning="The cell has a barrier at an edge, and none of the operations reached that edge.",
    causes=("the kit marks the phase under another name, or not at all",),
    hint="mark the phases that the cell waits for (harness/docs/phases.md)",
    matter="plan",
)
class RaceByChance(Details):
    pass


@dataclass(frozen=True, slots=True)
class Exclusive(Checker):
    """Critical is every phase after ``<operation>.lock``, of operations that share a lock ([locks]). One after the
    other is fine; a run in which no operation was under way while another was inside proves nothing. ``held``: one of
    them has to have been held at the barrier of the group, else the race was left to chance."""

    held: bool = False

    name: ClassVar[str] = "exclusive"
    codes: ClassVar = (
        Overlapped,
        OverlapNotSaid,
        ShareNoLock,
        OneAtATime,
        NoneTogether,
        LockNotMarked,
        NoContention,
        RaceByChance,
    )

    def needs(self, kit: KitCapabilities, steps: Sequence[Step | Together]) -> Iterator[str]:
        return race_needs(kit, steps)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        if not run.groups:
            yield finding(_QUESTION, Subject("run", ""), NoneTogether())
        for members in run.groups:
            subject = Subject("operation", ", ".join(m.id for m in members))
            yield finding(_QUESTION, subject, self._judge(run, members))

    def _judge(self, run: JudgedRun, members: tuple[Operation, ...]) -> Details:
        recording = run.recording
        inside = {m.id: run.critical_sections[m.id] for m in members}
        ids, n_inside = [m.id for m in members], sum(bool(s) for s in inside.values())
        said = policies(recording)
        pairs = {(a, b): said.share_lock(a.name, b.name) for a, b in combinations(members, 2)}
        both = [(share, o) for (a, b), share in pairs.items() if (o := _overlap(members, a, b, inside))]
        if broken := [o for share, o in both if share]:
            return Overlapped(broken, n_inside, ids)
        if unsaid := [o for share, o in both if share is None]:
            return OverlapNotSaid(unsaid)
        if not any(share is not False for share in pairs.values()):
            return ShareNoLock(ids)
        racing = {m.id for pair, share in pairs.items() if share is not False for m in pair}
        if silent := [m.id for m in members if m.id in racing and not marks_lock(recording, m) and not killed(m)]:
            return LockNotMarked(silent)
        locked = {m.id: locked_before(recording, m) for m in members}
        contenders = [
            Contender(b.id, a.id, max(shared)[1], False)
            for a, b in permutations(members, 2)
            if said.share_lock(a.name, b.name) is not False
            if (shared := [(ns, s.phase) for s, _, ns in overlaps(locked[a.id] + inside[a.id], (_whole(b),))])
        ] or [
            Contender(b.id, a.id, phases[0], True)
            for a, b in permutations(members, 2)
            if said.share_lock(a.name, b.name) is not False
            if (phases := [s.phase for s, _, _ in overlaps(held_while_paused(recording, a), (_whole(b),))])
        ]
        if not contenders:
            return NoContention()
        held = next((e for e in recording.of(Barrier) if e.operation in inside), None)
        if self.held and held is None:
            return RaceByChance()
        late_ns = max((ns for (id_, _, _), ns in recording.log.late_ns.items() if id_ in inside), default=0)
        return OneAtATime(
            contenders,
            n_inside,
            ids,
            late_ns / 1e6,
            held_operation=held.operation if held else "",
            held_at=held.at if held else "",
            held_s=held.seconds if held else 0.0,
        )


def _whole(operation: Operation) -> CriticalSection:
    return CriticalSection("", operation.start_ns, operation.stop_ns)


def _overlap(
    members: tuple[Operation, ...], a: Operation, b: Operation, inside: dict[str, tuple[CriticalSection, ...]]
) -> Overlap | None:
    shared = list(overlaps(inside[a.id], inside[b.id]))
    if not shared:
        return None
    first, second, _ = max(shared, key=lambda s: s[2])
    began_ns = max(first.start_ns, second.start_ns)
    return Overlap(
        a.id,
        first.phase,
        b.id,
        second.phase,
        seconds=sum(ns for _, _, ns in shared) / NS,
        both_succeeded=a.succeeded and b.succeeded,
        given_up=[m.id for m in members if m.stop_ns <= began_ns and m.exit != 0],
    )
