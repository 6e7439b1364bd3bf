"""An operation that lacks the space it needs refuses before it writes, instead of eating what is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core.codes import Details, OperationEnd, code, end_of, finding
from harness.checkers.core.protocol import Checker
from harness.judged.judged_run import JudgedRun
from harness.judged.plan_values import policies
from harness.model import Finding, Operation, Subject
from harness.recording.recording import Recording

_QUESTION = "space.checked_first"
# A lock, a log line, a directory entry: not yet a copy.
_SOME_BYTES = 64 * 1024


@code(
    "space.refused_first",
    "pass",
    title="The operation refused before it wrote",
    sentence="{{ end|ended }} and had written {{ written_bytes|size }} to the {{ disk }} disk",
    meaning="The disk was too full when the operation began, and it said so before it wrote more than a lock or a log.",
)
class RefusedFirst(Details):
    end: OperationEnd
    disk: str
    free_bytes: int
    written_bytes: int


@code(
    "space.not_checked",
    "fail",
    title="The operation filled the disk before failing",
    sentence="{{ end|ended }}, after it had written {{ written_bytes|size }} to the {{ disk }} disk: it began with "
    "{{ free_bytes|size }} free and had not made sure that this is enough",
    meaning="The operation began on a disk without the space it needs, used up what was left, and failed then. All "
    "else that writes to this disk had no space meanwhile.",
    causes=("the kit does not compare free space with what it needs", "it compares it with a guess that is too low"),
    look="what the operation does before its first copy",
    hint="before the first copy, compare the free space with the size of the data plus a margin",
)
class NotChecked(Details):
    end: OperationEnd
    disk: str
    free_bytes: int
    written_bytes: int


@code(
    "space.check_not_said",
    "unknown",
    title="It filled the disk, which may be meant",
    sentence="{{ end|ended }}, after it had written {{ written_bytes|size }} to the {{ disk }} disk, which had "
    "{{ free_bytes|size }} free; whether it is to look at that first is not said",
    meaning="The operation began on a disk without the space it needs, used up what was left, and failed then. Many "
    "sound tools do; a team may want more of theirs.",
    causes=("its tools write until the disk is full", "it compares free space with a guess that is too low"),
    look="what the operation does before its first copy",
    hint="[operations.NAME] checks_space = true or false",
    matter="plan",
)
class CheckNotSaid(Details):
    end: OperationEnd
    disk: str
    free_bytes: int
    written_bytes: int


@code(
    "space.ran_out",
    "note",
    title="The operation filled the disk, as it may",
    sentence="{{ end|ended }}, after it had written {{ written_bytes|size }} to the {{ disk }} disk: it does not look "
    "at the space first, as checks_space = false has it",
    meaning="All else that writes to this disk had no space meanwhile.",
)
class RanOut(Details):
    end: OperationEnd
    disk: str
    free_bytes: int
    written_bytes: int


@code(
    "space.not_tried",
    "unknown",
    title="No operation met a disk already full",
    sentence="no operation began on a full disk and failed, with what it wrote known",
    meaning="The disk filled up only later, or was the data disk, where the service writes as well, so it cannot be "
    "told whether space is checked first.",
    causes=("the fault did not come before the operation", "the operation succeeded all the same"),
    look="the disk_full fault in the timeline of the run",
    hint="run disk_full:before-backup",
    matter="plan",
    absent=True,
)
class NotTried(Details):
    pass


_OUTCOMES: Mapping[bool | None, type[NotChecked | CheckNotSaid | RanOut]] = {
    True: NotChecked,
    False: RanOut,
    None: CheckNotSaid,
}


@dataclass(frozen=True, slots=True)
class RefusesBeforeWriting(Checker):
    """Judges operations that began on a disk already full, and failed. On the data disk the service writes too, so that
    what the kit wrote there cannot be told."""

    name: ClassVar[str] = "space_check"
    codes: ClassVar = (RefusedFirst, NotChecked, CheckNotSaid, RanOut, NotTried)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        tried = False
        for operation in run.recording.operations:
            disk, written = operation.fault_disk, operation.disk_written_bytes
            if operation.succeeded or disk in (None, "data") or written is None:
                continue
            if _was_full_before(run.recording, operation):
                tried = True
                said = policies(run.recording).looks_at_space(operation.name)
                kind = _OUTCOMES[said] if written > _SOME_BYTES else RefusedFirst
                details = kind(end_of(operation), disk, operation.free_bytes or 0, written)
                yield finding(_QUESTION, Subject("operation", operation.id), details)
        if not tried:
            yield finding(_QUESTION, Subject("run", ""), NotTried())


def _was_full_before(recording: Recording, operation: Operation) -> bool:
    return any(
        "refuses_space" in f.effects
        and f.targets.get("disk") == operation.fault_disk
        and f.injected_ns is not None
        and f.injected_ns <= operation.start_ns
        and (f.healed_ns is None or f.healed_ns >= operation.start_ns)
        for f in recording.faults
    )
