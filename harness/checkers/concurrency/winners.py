"""Of operations that ran together at least one wins; the losers leave fast, say why, and changed nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count, ended, last_line
from harness.judged.critical_sections import faults_on, groups, marks_lock, stays
from harness.judged.soundness import standstills, within_s
from harness.model import Operation, Verdict
from harness.recording.recording import Recording

Spans = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Winners:
    """``leave_within_s``: a loser's own time, gates not counted. What we killed or stopped ourselves is no loser."""

    leave_within_s: float = 10.0

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "winners"
    requirement: ClassVar[str] = "R95"

    def check(self, recording: Recording) -> list[Verdict]:
        found = groups(recording)
        if not found:
            return [Verdict("unknown", "winners and losers", "", "no operations ran together", self.requirement)]
        return [self._judge(recording, members) for members in found]

    def _judge(self, recording: Recording, members: tuple[Operation, ...]) -> Verdict:
        about = f"winners and losers of {', '.join(m.id for m in members)}"
        won = [m for m in members if m.succeeded]
        lost = [m for m in members if not m.succeeded and not faults_on(recording, m)]
        measured = f"{len(won)} of {count(len(members), 'operation')} succeeded, {len(lost)} gave up"
        still = standstills(recording.resources)
        wrong = [text for m in lost for text in self._wrong(recording, m, still)]
        if not won:
            wrong.insert(0, f"none succeeded: {'; '.join(f'{ended(m)}, {last_line(m.output)}' for m in members)}")
        if wrong:
            return Verdict("fail", about, measured, "; ".join(wrong), self.requirement)
        if unsure := [text for m in lost for text in self._unsure(recording, m, still)]:
            return Verdict("unknown", about, measured, "; ".join(unsure), self.requirement)
        fine = f"{', '.join(m.id for m in won)} succeeded"
        if lost:
            slowest = max(lost, key=lambda m: m.seconds)
            fine += f"; {ended(slowest)} without having been inside, {last_line(slowest.output)}"
        return Verdict("pass", about, measured, fine, self.requirement)

    def _wrong(self, recording: Recording, loser: Operation, still: Spans) -> list[str]:
        found: list[str] = []
        inside = stays(recording, loser)
        if inside:
            found.append(
                f"{loser.id} failed after it had been inside {inside[-1].phase}: {last_line(loser.output)}",
            )
        if self._stays_long(loser) and not within_s(still, loser.start_ns, loser.stop_ns):
            found.append(f"{ended(loser)}, more than the {self.leave_within_s:g} s in which a loser leaves")
        if "Traceback (most recent call last)" in loser.output or not loser.output.strip():
            found.append(f"{ended(loser)} without a reason: {last_line(loser.output)}")
        return found

    def _unsure(self, recording: Recording, loser: Operation, still: Spans) -> list[str]:
        found: list[str] = []
        if self._stays_long(loser):
            ours_s = within_s(still, loser.start_ns, loser.stop_ns)
            found.append(f"{ended(loser)}; for {ours_s:.2f} s of that we ourselves stood still")
        if not marks_lock(recording, loser):
            found.append(
                f"it cannot be told whether {loser.id} had been inside: no `lock` phase was marked, or seen in time"
            )
        return found

    def _stays_long(self, loser: Operation) -> bool:
        return loser.exit is None or loser.seconds > self.leave_within_s
