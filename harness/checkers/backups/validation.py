"""The kit's own validation accepts a good backup and rejects a damaged one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count, ended, last_line
from harness.model import Verdict
from harness.recording.history import not_told
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class RejectsDamage:
    """Judges ``validate`` runs on backups damaged on purpose, and on undamaged ones: a validation that rejects
    everything is as useless as one that accepts everything. One that goes on refusing a backup that is whole again goes
    by its name: that may be right, and of the damage not tried then it tells nothing."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "validation"
    requirement: ClassVar[str] = "R79"

    def check(self, recording: Recording) -> list[Verdict]:
        runs = [o for o in recording.operations if o.name == "validate"]
        damaged = [o for o in runs if o.damaged_how]
        clean = [o for o in runs if not o.damaged_how and o.expect == "success" and not not_told(recording, o)]
        rejected = [o for o in damaged if o.exit not in (0, None)]
        accepted = [o for o in clean if o.exit == 0]
        measured = (
            f"rejected {len(rejected)} of {count(len(damaged), 'damaged backup')}, "
            f"accepted {len(accepted)} of {count(len(clean), 'good one')}"
        )
        wrong = [
            f"{o.id} accepted a backup that was {o.damaged_how}; {last_line(o.output)}" for o in damaged if o.exit == 0
        ]
        wrong += [
            f"{o.id} rejected an undamaged backup; {last_line(o.output)}" for o in clean if o.exit not in (0, None)
        ]
        about = "validation"
        if wrong:
            return [Verdict("fail", about, measured, "; ".join(wrong), self.requirement)]
        if not rejected or not accepted or len(rejected) < len(damaged) or len(accepted) < len(clean):
            why = "it takes a damaged backup rejected and a good one accepted to say, and every one judged"
            return [Verdict("unknown", about, measured, why, self.requirement)]
        if by_name := next((o for o in runs if o.put_back and o.exit != 0), None):
            why = f"{ended(by_name)} on a backup that had been {by_name.put_back} and was whole again"
            return [Verdict("unknown", about, measured, f"{why}: other damage was not tried", self.requirement)]
        kinds = ", ".join(sorted({str(o.damaged_how) for o in rejected}))
        return [Verdict("pass", about, measured, f"every damaged backup was rejected ({kinds})", self.requirement)]
