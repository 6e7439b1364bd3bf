"""At least one backup can really be restored after the fault, and holds what it must."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from harness.checkers.core.codes import Answer, Details, OperationEnd, answer, code, end_of, finding, outcome_of
from harness.checkers.core.protocol import Checker
from harness.checkers.data.restore_exact import judge_live_restored
from harness.judged.cut_links import cut_links
from harness.judged.judged_run import JudgedRun
from harness.model import FaultRecord, Finding, Operation, Outcome, Subject
from harness.recording.history import cause, excused
from harness.recording.recording import Recording

_QUESTION = "backup.restorable"


class Try(msgspec.Struct):
    """One restore: how it ended, and what its read-back showed (empty: it failed, or was never read back).
    ``excuse``: why its failure says nothing about the kit; empty where it does."""

    restore: OperationEnd
    answers: list[Answer]
    excuse: str


_TRIES = (
    "{% for t in tries %}{% if t.answers %}{{ t.answers|told }}{% elif t.restore.exit == 0 %}{{ t.restore.id }} was "
    "never read back{% else %}{{ t.restore|ended }}; {{ t.restore|said }}{% if t.excuse %}; {{ t.excuse }}"
    "{% endif %}{% endif %}"
    "{{ '; ' if not loop.last }}{% endfor %}"
)


@code(
    "backup.restorable",
    "pass",
    title="A backup could be restored",
    sentence="{{ restore }} of {{ tried|count('restore') }}: {{ answers|told }}",
    meaning="After the fault at least one restore brought back exactly what its backup held.",
)
class CanBeRestored(Details):
    """``restore``: the first one that held."""

    restore: str
    tried: int
    answers: list[Answer]


@code(
    "backup.none_restorable",
    "fail",
    title="No backup could be restored",
    sentence="no backup could be restored: " + _TRIES,
    meaning="Every restore that was tried after the fault failed, or brought back something else than its backup.",
    causes=(
        "the fault damaged the latest backup, and no older one is kept",
        "what is needed to open a backup (a key, a catalogue) was replaced or lost",
    ),
    look="operations/restore-*.out, and the backups that `status` lists",
    hint="keep the last good backup and its key until a new one has been verified",
)
class NoneRestorable(Details):
    tries: list[Try]


@code(
    "backup.restorable_undecided",
    "unknown",
    title="It cannot be told whether a restore worked",
    sentence="no restore could be judged: " + _TRIES,
    meaning="A restore was tried after the fault that can be called neither good nor bad.",
    causes=("`status` does not say which backup is the latest", "the restore was not read back"),
    look="the read-back after the restore",
    hint="declare [operations.status] and [load.read_back]",
    matter="plan",
)
class RestorableUndecided(Details):
    """``tries``: those that cannot be judged."""

    tries: list[Try]


@code(
    "backup.restore_not_tried",
    "unknown",
    title="No restore was tried after the fault",
    sentence="no restore was tried after the fault",
    meaning="The run has no restore after the last fault was healed.",
    causes=("the run was broken off", "the system declares no restore operation"),
    look="the operations of the run",
    hint="declare [operations.restore]",
    matter="plan",
    absent=True,
)
class NotTried(Details):
    pass


@dataclass(frozen=True, slots=True)
class Restorable(Checker):
    """Restores made after the last fault was healed, or under one that stays to the end (all in a run without)."""

    name: ClassVar[str] = "restorable"
    codes: ClassVar = (CanBeRestored, NoneRestorable, RestorableUndecided, NotTried)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        recording = run.recording
        since_ns = max((_from(f) for f in recording.faults), default=0)
        restores = [o for o in recording.operations if o.name == "restore" and o.start_ns >= since_ns]
        yield finding(_QUESTION, Subject("run", ""), _judge(recording, restores))


def _judge(recording: Recording, restores: list[Operation]) -> Details:
    if not restores:
        return NotTried()
    tries = [(*_try(recording, o), o) for o in restores]
    for outcome, tried, restore in tries:
        if outcome == "pass":
            return CanBeRestored(restore.id, len(restores), tried.answers)
    # Not as findings are merged otherwise: one restore that may have worked leaves open whether any did.
    if undecided := [tried for outcome, tried, _ in tries if outcome == "unknown"]:
        return RestorableUndecided(undecided)
    return NoneRestorable([tried for _, tried, _ in tries])


def _try(recording: Recording, restore: Operation) -> tuple[Outcome, Try]:
    end = end_of(restore)
    if not restore.succeeded:
        excuse = excused(recording, restore) or next((cut.why for cut in cut_links(recording, restore)), "")
        return "unknown" if excuse else "fail", Try(end, [], excuse)
    look = next((o for o in recording.observations if (c := cause(o)) is not None and c.id == restore.id), None)
    if look is None:
        return "unknown", Try(end, [], "")
    answers = judge_live_restored(recording, look)
    return outcome_of(answers), Try(end, [answer(a) for a in answers], "")


def _from(fault: FaultRecord) -> int:
    over_ns = fault.injected_ns if fault.to_the_end else fault.healed_ns or fault.injected_ns
    return over_ns or 0
