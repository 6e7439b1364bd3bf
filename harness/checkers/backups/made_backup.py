"""A backup that says it succeeded is one the kit itself knows of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count, ended
from harness.model import Verdict
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """By what ``status`` lists at the next read-back; whether it can be restored is asked
    elsewhere. A kit whose ``status`` says nothing has no verdict here; what an attached system had before proves
    nothing of what was made."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "made_backup"
    requirement: ClassVar[str] = ""

    def check(self, recording: Recording) -> list[Verdict]:
        told = [o for o in recording.observations if o.crash is None and not o.status_error]
        asked = 0
        empty: list[str] = []
        old: list[str] = []
        for operation in recording.operations:
            if operation.name != "backup" or not operation.succeeded:
                continue
            look = next((o for o in told if o.start_ns >= operation.stop_ns), None)
            if look is None:
                continue
            asked += 1
            if not look.artefacts and not look.latest:
                empty.append(f"{ended(operation)}, and `status` knows of no backup at {look.label}")
            elif look.artefacts and not any(look.is_new(a) for a in look.artefacts):
                old.append(f"after {operation.id} `status` knows of none but those from before the run")
        if not asked:
            return []
        measured = f"{asked - len(empty) - len(old)} of {count(asked, 'backup')} listed afterwards"
        if empty:
            return [Verdict("fail", "backups made", measured, "; ".join(empty), self.requirement)]
        if old:
            return [Verdict("unknown", "backups made", measured, "; ".join(old), self.requirement)]
        return [Verdict("pass", "backups made", measured, "after each `status` knows of a backup", self.requirement)]
