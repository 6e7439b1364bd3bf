"""No acknowledged write is lost, none that was taken away comes back, none is doubled or torn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count, seconds
from harness.checkers.data.damage import damage, gaps, numbers, unreadable
from harness.model import Observation, Outcome, Verdict
from harness.recording.history import Owed, cause, is_restored, missing, owed, returned
from harness.recording.ledger import Writes, as_writes


def lost_writes(observation: Observation) -> Writes:
    """Acknowledged writes that are missing, and were not missing at an earlier read-back already; none is known to be
    when the data could not be read."""
    if observation.found is None:
        return as_writes(())
    return missing(observation, owed(observation, observation.start_ns).present)


@dataclass(frozen=True, slots=True)
class AcknowledgedWrites:
    """For every read-back but that of a successful restore, which RestoreExact judges, and those of crash states, for
    which PowerLoss asks."""

    judges: ClassVar[Literal["run", "observation"]] = "observation"
    name: ClassVar[str] = "acknowledged_writes"
    requirement: ClassVar[str] = "R19"

    def check(self, observation: Observation) -> list[Verdict]:
        if is_restored(observation) or observation.crash is not None:
            return []
        owes = owed(observation, observation.start_ns)
        lost = lost_writes(observation)
        outcome, why = self._judge(observation, owes, lost)
        about = f"acknowledged writes at {observation.label}"
        return [Verdict(outcome, about, numbers(observation, len(lost), len(owes.gone)), why, self.requirement)]

    def judged(self, observation: Observation) -> tuple[Outcome, str]:
        """The outcome and its sentence, whatever kind of read-back it is."""
        return self._judge(observation, owed(observation, observation.start_ns), lost_writes(observation))

    def _judge(self, observation: Observation, owes: Owed, lost: Writes) -> tuple[Outcome, str]:
        if observation.found is None:
            said = unreadable(observation)
            return (
                ("fail", f"the data cannot be read: {said}") if said else ("unknown", f"not read: {observation.error}")
            )
        wrong: list[str] = []
        if lost:
            wrong.append(_lost(observation, lost))
        back = returned(observation, owes.gone)
        if back:
            wrong.append(
                f"{count(len(back), 'write')} came back that an earlier read-back had shown to be gone "
                f"(first: {back[0].token})"
            )
        wrong += damage(observation)
        if wrong:
            return "fail", "; ".join(wrong)
        open_ = gaps(observation)
        if owes.unclear:
            open_.append(f"{count(owes.unclear, 'write')} cannot be judged: the restore before was never read back")
        if not owes.present:
            open_.append("no acknowledged write was there to be lost")
        if open_:
            return "unknown", "; ".join(open_)
        return "pass", f"all {count(len(owes.present), 'acknowledged write')} were found, none twice, none torn"


def _lost(observation: Observation, lost: Writes) -> str:
    operation = cause(observation)
    after = f" after {operation.id}" if operation else ""
    sentence = f"{count(len(lost), 'acknowledged write')} lost{after}"
    if operation:
        within = sum(1 for w in lost if w.end_ns >= operation.start_ns)
        span = seconds(max(w.end_ns for w in lost) - min(w.end_ns for w in lost))
        sentence += f", acknowledged within {span}, {within} of them while it ran or after it"
    return f"{sentence} (first: {lost[0].token})"
