"""At least one backup can really be restored after the fault, and holds what it must."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count, ended, last_line
from harness.checkers.data.restore_exact import RestoreExact
from harness.model import FaultRecord, Operation, Outcome, Verdict
from harness.recording.history import cause, not_told
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class Restorable:
    """Restores made after the last fault was healed, or under one that stays to the end (all in a run without)."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "restorable"
    requirement: ClassVar[str] = "R93"

    def check(self, recording: Recording) -> list[Verdict]:
        since_ns = max((_from(f) for f in recording.faults), default=0)
        tried = [o for o in recording.operations if o.name == "restore" and o.start_ns >= since_ns]
        about = "a backup that can be restored"
        measured = f"{sum(o.succeeded for o in tried)} of {count(len(tried), 'restore')} succeeded"
        if not tried:
            return [Verdict("unknown", about, measured, "no restore was tried after the fault", self.requirement)]
        verdicts = {o.id: self._judged(recording, o) for o in tried}
        best = next((v for v in verdicts.values() if v.outcome == "pass"), None)
        if best:
            return [Verdict("pass", about, measured, best.why, self.requirement)]
        # Not as verdicts are merged otherwise: one restore that may have worked leaves open whether any did.
        outcome: Outcome = "unknown" if any(v.outcome == "unknown" for v in verdicts.values()) else "fail"
        why = "; ".join(v.why for v in verdicts.values() if v.outcome == outcome)
        none = "no backup could be restored" if outcome == "fail" else "no restore could be judged"
        return [Verdict(outcome, about, measured, f"{none}: {why}", self.requirement)]

    def _judged(self, recording: Recording, restore: Operation) -> Verdict:
        if not restore.succeeded:
            why = f"{ended(restore)}; {last_line(restore.output)}"
            if untold := not_told(recording, restore):
                return Verdict("unknown", restore.id, "", f"{why}; {untold}", self.requirement)
            return Verdict("fail", restore.id, "", why, self.requirement)
        for observation in recording.observations:
            operation = cause(observation)
            if operation is not None and operation.id == restore.id:
                return RestoreExact().check(observation)[0]
        return Verdict("unknown", restore.id, "", f"{restore.id} was never read back", self.requirement)


def _from(fault: FaultRecord) -> int:
    over_ns = fault.injected_ns if fault.to_the_end else fault.healed_ns or fault.injected_ns
    return over_ns or 0
