"""A restore brings back exactly what its backup held: a clean cut, nothing mixed; what is written later stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core.codes import Details, finding
from harness.checkers.core.protocol import Checker
from harness.checkers.data.damage import damage, first_tokens, gaps, indeterminate, is_unreadable
from harness.checkers.data.data_codes import DAMAGE, GAPS, NotRead, Undecidable
from harness.checkers.data.restore_codes import (
    CODES,
    BackupUnknown,
    EndsLater,
    Exact,
    LaterLost,
    LeftNoTraces,
    Mixed,
    NothingOlder,
    NothingYounger,
    OlderLost,
    ReplayedNothing,
    RestoredUnreadable,
    Resurrected,
)
from harness.config.kit_capabilities import KitCapabilities
from harness.judged.downtime import bad_mask, joined
from harness.judged.judged_run import JudgedRun
from harness.judged.plan_values import deadline_ms
from harness.judged.requests import cuts_by_harness, overlap, sender_stalled
from harness.model import NS, Finding, Observation, Operation, Subject
from harness.plan import Step, Together
from harness.recording.history import acknowledged, cause, is_restored, missing, owed, returned
from harness.recording.ledger import Writes
from harness.recording.recording import Recording

_QUESTION = "restore.exact"
# One alone may have been late by chance.
_LEAST_TURNED_AWAY = 2


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """What a restore cost by nature: acknowledged writes gone, and how far back from its start they reach."""

    lost: int
    seconds: float


def recovery_point(observation: Observation) -> RecoveryPoint:
    """The RPO of the restore this read-back follows. On a crash state work ended with the cut, not when that state was
    got round to."""
    operation = cause(observation)
    assert operation is not None, "not the read-back of a restore"
    lost = missing(observation, owed(observation, operation.start_ns).present)
    within = missing(observation, _within(observation, operation))
    end_ns = observation.crash.at_ns if observation.crash else operation.start_ns
    oldest_ns = int(lost.end_ns.min()) if lost else end_ns
    return RecoveryPoint(len(lost) + len(within), (end_ns - oldest_ns) / NS)


def _within(observation: Observation, operation: Operation) -> Writes:
    """Acknowledged writes under way at some moment of the restore: before or after the moment it took effect."""
    writes = acknowledged(observation)
    return writes.where((writes.end_ns >= operation.start_ns) & (writes.sent_ns <= operation.stop_ns))


@dataclass(frozen=True, slots=True)
class RestoreExact(Checker):
    """For the read-back of a restore that said it succeeded; for those of crash states PowerLoss asks."""

    name: ClassVar[str] = "restore_exact"
    codes: ClassVar = (*CODES, *DAMAGE, NotRead, *GAPS)

    def needs(self, kit: KitCapabilities, steps: Sequence[Step | Together]) -> Iterator[str]:
        return kit.missing_read_back()

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        for look in run.recording.observations:
            if is_restored(look) and look.crash is None:
                for details in judge_live_restored(run.recording, look):
                    yield finding(_QUESTION, Subject("read_back", look.label), details)


def judge_live_restored(recording: Recording, look: Observation) -> list[Details]:
    """The same of the live data, where it is known besides whether the restore left a trace."""
    found = judge_restored(look)
    nothing = any(isinstance(details, Exact) for details in found) and _did_nothing(recording, look)
    return [LeftNoTraces(d.restore) if nothing and isinstance(d, Exact) else d for d in found]


def _did_nothing(recording: Recording, look: Observation) -> bool:
    """Whether a restore to the latest left the data file as it was, read no backup, and turned nobody away: one that
    does nothing leaves the same data."""
    restore = cause(look)
    if restore is None or restore.to != "latest" or restore.left_traces is not False:
        return False
    probes = joined(recording.samples.probe)
    limit_ms = deadline_ms(recording)
    turned_away = bad_mask(probes, limit_ms) & overlap(probes, [(restore.start_ns, restore.stop_ns)])
    ours = overlap(probes, cuts_by_harness(recording)) | sender_stalled(probes, limit_ms)
    return int((turned_away & ~ours).sum()) < _LEAST_TURNED_AWAY


def judge_restored(observation: Observation) -> list[Details]:
    """What is wrong with the data that a restore left; else what is missing for a judgement; else that it is exact."""
    operation = cause(observation)
    assert operation is not None, "not the read-back of a restore"
    if observation.found is None:
        if is_unreadable(observation):
            return [RestoredUnreadable(operation.id, observation.error)]
        return [NotRead(observation.error)]
    wrong = [*_after(observation, operation), *_mixed_within(observation, operation), *damage(observation)]
    later: list[Details] = []
    made = _backups(observation, operation)
    snapshot_ns, by_content = _snapshot(observation, operation, made)
    if snapshot_ns is not None:
        later = _ends_later(observation, operation, snapshot_ns)
        replays = bool(later) or operation.to == "latest"
        until_ns = operation.start_ns if replays else snapshot_ns[1]
        wrong = [*_cut(observation, operation, (snapshot_ns[0], until_ns)), *wrong]
    elif made and observation.crash is None:
        wrong = [*_cut(observation, operation, (_first_ns(observation), operation.start_ns)), *wrong]
    if wrong:
        return wrong
    open_ = later or gaps(observation)
    if snapshot_ns is None:
        open_.append(BackupUnknown())
    elif not (before := owed(observation, snapshot_ns[0])).present:
        open_.append(NothingOlder())
    elif unclear := missing(observation, before.unclear):
        open_.append(Undecidable(len(unclear)))
    elif not (younger := _younger(observation, operation, snapshot_ns[1])):
        if operation.to != "latest":
            open_.append(NothingYounger())
    elif operation.to == "latest" and not returned(observation, younger):
        open_.append(ReplayedNothing(operation.id, len(younger)))
    return open_ or [exact(observation, operation, by_content)]


def exact(observation: Observation, operation: Operation, by_content: str = "") -> Exact:
    """That what was found is exactly the backup. The ledger knows what our clients wrote; of what was seeded only
    totals could tell."""
    point = recovery_point(observation)
    unsure = indeterminate(observation)
    clients_only = not observation.expected_totals
    return Exact(operation.id, point.lost, point.seconds, clients_only, unsure, operation.to, by_content)


def _backups(observation: Observation, operation: Operation) -> list[Operation]:
    """Those that had ended when the restore began, oldest first."""
    return [o for o in observation.operations if o.name == "backup" and o.stop_ns <= operation.start_ns]


def _first_ns(observation: Observation) -> int:
    """Before that nothing made a backup; a deployment may take one, too."""
    return min(o.start_ns for o in observation.operations if o.name in ("backup", "deploy"))


def _snapshot(
    observation: Observation, operation: Operation, made: Sequence[Operation]
) -> tuple[tuple[int, int] | None, str]:
    """When the backup was taken that was restored, as the kit told; else by what was restored: the newest, if the data
    are one clean cut at its time, and its id. Of the data a power cut left nothing is guessed."""
    if observation.snapshot_ns is not None or observation.crash is not None or not made:
        return observation.snapshot_ns, ""
    if operation.to == "latest":  # it ends where it began, whichever it began from
        return (made[0].start_ns, made[0].stop_ns), ""
    newest = next((o for o in reversed(made) if o.succeeded), None)
    if newest and not _cut(observation, operation, (newest.start_ns, newest.stop_ns)):
        return (newest.start_ns, newest.stop_ns), newest.id
    return None, ""


def _cut(observation: Observation, operation: Operation, snapshot_ns: tuple[int, int]) -> list[Details]:
    """What contradicts one clean cut within the time the snapshot was taken."""
    began_ns, ended_ns = snapshot_ns
    before = owed(observation, began_ns)
    wrong: list[Details] = []
    if lost := missing(observation, before.present):
        wrong.append(OlderLost(operation.id, len(lost), first_tokens(lost)))
    if back := returned(observation, before.gone):
        wrong.append(Resurrected(operation.id, len(back), first_tokens(back)))
    if mixed := returned(observation, _younger(observation, operation, ended_ns)):
        wrong.append(Mixed(operation.id, "newer_survived", len(mixed), first_tokens(mixed)))
    # A log that is replayed up to now brings back what there was, less what an earlier restore had taken away.
    replayed = ended_ns >= operation.start_ns
    answered = owed(observation, operation.start_ns).present if replayed else acknowledged(observation)
    around = answered.where((answered.end_ns < operation.start_ns) & (answered.sent_ns <= ended_ns))
    latest_ns = returned(observation, around).sent_ns.max(initial=0)
    if holes := missing(observation, around.where((around.end_ns >= began_ns) & (around.end_ns < latest_ns))):
        wrong.append(Mixed(operation.id, "hole", len(holes), first_tokens(holes)))
    return wrong


def _ends_later(observation: Observation, operation: Operation, snapshot_ns: tuple[int, int]) -> list[Details]:
    """Where nobody said where the restore ends: that it ended after its backup, if the data is one clean cut there."""
    newer = returned(observation, _younger(observation, operation, snapshot_ns[1]))
    if operation.to or not newer or _cut(observation, operation, (snapshot_ns[0], operation.start_ns)):
        return []
    return [EndsLater(operation.id, len(newer), first_tokens(newer))]


def _younger(observation: Observation, operation: Operation, ended_ns: int) -> Writes:
    """What a restore has to take away: written after the snapshot ended, and before the restore began."""
    writes = acknowledged(observation)
    return writes.where((writes.sent_ns > ended_ns) & (writes.end_ns < operation.start_ns))


def _mixed_within(observation: Observation, operation: Operation) -> list[Details]:
    """During the restore what is found must be newer than what is not: it took effect at one moment."""
    # Only what the snapshot cannot have held.
    within = _within(observation, operation)
    within = within.where(within.sent_ns >= operation.start_ns)
    last_missing_ns = missing(observation, within).sent_ns.max(initial=0)
    older = returned(observation, within.where(within.end_ns < last_missing_ns))
    return [Mixed(operation.id, "while_restoring", len(older), first_tokens(older))] if older else []


def _after(observation: Observation, operation: Operation) -> list[Details]:
    writes = acknowledged(observation)
    lost = missing(observation, writes.where(writes.sent_ns > operation.stop_ns))
    return [LaterLost(operation.id, len(lost), first_tokens(lost))] if lost else []
