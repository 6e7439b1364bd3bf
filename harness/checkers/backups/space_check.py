"""An operation that lacks the space it needs refuses before it writes, instead of eating what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count, ended
from harness.host.sizes import size
from harness.model import Operation, Verdict
from harness.recording.recording import Recording

# A lock, a log line, a directory entry: not yet a copy.
_SOME_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class RefusesBeforeWriting:
    """Judges operations that began on a disk already full, and failed. On the data disk the service writes too, so that
    what the kit wrote there cannot be told."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "space_check"
    requirement: ClassVar[str] = "R63"

    def check(self, recording: Recording) -> list[Verdict]:
        before = [
            o
            for o in recording.operations
            if not o.succeeded
            and o.fault_disk not in (None, "data")
            and o.disk_written_bytes is not None
            and _was_full_before(recording, o)
        ]
        about = "space is checked first"
        if not before:
            why = "no operation began on a full disk and failed, with what it wrote known"
            return [Verdict("unknown", about, "", why, self.requirement)]
        measured = ", ".join(f"{o.id} wrote {size(_written(o))}" for o in before)
        wrong = [
            f"{ended(o)}, after it had written {size(_written(o))} to the {o.fault_disk} disk: it began "
            f"with {size(o.free_bytes or 0)} free and had not made sure that this is enough"
            for o in before
            if _written(o) > _SOME_BYTES
        ]
        if wrong:
            return [Verdict("fail", about, measured, "; ".join(wrong), self.requirement)]
        why = f"{count(len(before), 'operation')} refused with at most {size(_SOME_BYTES)} written"
        return [Verdict("pass", about, measured, why, self.requirement)]


def _was_full_before(recording: Recording, operation: Operation) -> bool:
    return any(
        "refuses_space" in f.effects
        and f.targets.get("disk") == operation.fault_disk
        and f.injected_ns is not None
        and f.injected_ns <= operation.start_ns
        and (f.healed_ns is None or f.healed_ns >= operation.start_ns)
        for f in recording.faults
    )


def _written(operation: Operation) -> int:
    return operation.disk_written_bytes or 0
