"""Operations that ran together were never inside their critical phases at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, permutations
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count, seconds
from harness.judged.critical_sections import Stay, groups, killed, marks_lock, overlaps, stays, stood
from harness.model import Operation, Verdict
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class Exclusive:
    """Critical is every phase after ``<operation>.lock``. One after the other is fine; a run in which no operation was
    under way while another was inside proves nothing. ``held``: one of them has to have been held at the meeting of the
    group, else the race was left to chance."""

    held: bool = False

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "exclusive"
    requirement: ClassVar[str] = "R95"

    def check(self, recording: Recording) -> list[Verdict]:
        found = groups(recording)
        if not found:
            why = "no operations ran together"
            return [Verdict("unknown", "one operation at a time", "", why, self.requirement)]
        return [self._judge(recording, members) for members in found]

    def _judge(self, recording: Recording, members: tuple[Operation, ...]) -> Verdict:
        about = f"one at a time: {', '.join(m.id for m in members)}"
        inside = {m.id: stays(recording, m) for m in members}
        broken = [s for a, b in combinations(members, 2) if (s := self._sentence(members, a, b, inside))]
        n_inside = sum(bool(s) for s in inside.values())
        measured = f"{n_inside} of {count(len(members), 'operation')} went inside"
        if broken:
            return Verdict("fail", about, measured, "; ".join(broken[:3]), self.requirement)
        if silent := [m.id for m in members if not marks_lock(recording, m) and not killed(m)]:
            why = (
                f"it cannot be told when {', '.join(silent)} had the lock: no `lock` phase was marked, or seen in time"
            )
            return Verdict("unknown", about, measured, why, self.requirement)
        tried = [
            f"{b.id} was under way while {a.id} was inside {max(shared)[1]}"
            for a, b in permutations(members, 2)
            if (shared := [(ns, s.phase) for s, _, ns in overlaps(inside[a.id], (Stay("", b.start_ns, b.stop_ns),))])
        ]
        tried = tried or [
            f"{b.id} was under way while {a.id} stood still inside {phases[0]}"
            for a, b in permutations(members, 2)
            if (phases := [s.phase for s, _, _ in overlaps(stood(recording, a), (Stay("", b.start_ns, b.stop_ns),))])
        ]
        if not tried:
            return Verdict("unknown", about, measured, "none was under way while another was inside", self.requirement)
        meeting = next((e for e in recording.of_kind("rendezvous") if e["operation"] in inside), None)
        if self.held and meeting is None:
            why = "none came to the edge where they were to be held: the race was left to chance"
            return Verdict("unknown", about, measured, why, self.requirement)
        held = f"{meeting['operation']} was held at {meeting['at']} for {meeting['seconds']:.1f} s; " if meeting else ""
        late_ns = max((ns for (id_, _, _), ns in recording.late_ns.items() if id_ in inside), default=0)
        never = (
            f"never two inside{f' for longer than {late_ns / 1e6:.1f} ms, so late may we have seen it' * bool(late_ns)}"
        )
        return Verdict("pass", about, measured, f"{never}; {held}{'; '.join(tried[:3])}", self.requirement)

    @staticmethod
    def _sentence(
        members: tuple[Operation, ...], a: Operation, b: Operation, inside: dict[str, tuple[Stay, ...]]
    ) -> str:
        shared = list(overlaps(inside[a.id], inside[b.id]))
        if not shared:
            return ""
        first, second, _ = max(shared, key=lambda s: s[2])
        began_ns = max(first.start_ns, second.start_ns)
        left = [m.id for m in members if m.stop_ns <= began_ns and m.exit != 0]
        before = f", after {', '.join(left)} had given up" if left else ""
        won = ", and both reported success" if a.succeeded and b.succeeded else ""
        total = sum(ns for _, _, ns in shared)
        both = f"both for {seconds(total)}{before}{won}"
        return f"{a.id} was inside {first.phase} while {b.id} was inside {second.phase}: {both}"
