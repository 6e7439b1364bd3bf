"""A restore brings back exactly what its backup held: a clean cut, nothing mixed; what is written later stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count
from harness.checkers.data.damage import damage, gaps, numbers, unreadable
from harness.model import NS, Observation, Operation, Outcome, Verdict
from harness.recording.history import acknowledged, cause, is_restored, missing, owed, returned
from harness.recording.ledger import Writes


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
class RestoreExact:
    """For the read-back of a restore that said it succeeded; for those of crash states PowerLoss asks."""

    judges: ClassVar[Literal["run", "observation"]] = "observation"
    name: ClassVar[str] = "restore_exact"
    requirement: ClassVar[str] = "R19"

    def check(self, observation: Observation) -> list[Verdict]:
        if not is_restored(observation) or observation.crash is not None:
            return []
        point, gone = RecoveryPoint(0, 0.0), 0
        if observation.found is not None and (operation := cause(observation)) is not None:
            point, gone = recovery_point(observation), len(owed(observation, operation.start_ns).gone)
        outcome, why = self._judge(observation, point)
        measured = numbers(observation, point.lost, gone)
        if point.lost:
            measured += f", reaching back {point.seconds:.2f} s before the restore"
        return [Verdict(outcome, f"data at {observation.label}", measured, why, self.requirement)]

    def judged(self, observation: Observation) -> tuple[Outcome, str]:
        """The outcome and its sentence for the read-back of a restore."""
        return self._judge(observation, recovery_point(observation))

    def _judge(self, observation: Observation, point: RecoveryPoint) -> tuple[Outcome, str]:
        operation = cause(observation)
        assert operation is not None
        if observation.found is None:
            said = unreadable(observation)
            if said:
                return "fail", f"{operation.id} exited 0, and the data cannot be read: {said}"
            return "unknown", f"not read: {observation.error}"
        wrong = [*_after(observation, operation), *_mixed_within(observation, operation), *damage(observation)]
        if observation.snapshot_ns is not None:
            wrong = [*_cut(observation, operation, observation.snapshot_ns), *wrong]
        if wrong:
            return "fail", "; ".join(wrong)
        open_ = gaps(observation)
        if observation.snapshot_ns is None:
            open_.append("it is not known which backup this was restored from, or when that was taken")
        elif not (before := owed(observation, observation.snapshot_ns[0])).present:
            open_.append("no acknowledged write was older than the backup")
        elif before.unclear:
            open_.append(f"{count(before.unclear, 'write')} cannot be judged: the restore before was never read back")
        elif not _younger(observation, operation, observation.snapshot_ns[1]):
            open_.append("nothing was written between the backup and the restore: one that did nothing looks the same")
        if open_:
            return "unknown", "; ".join(open_)
        return (
            "pass",
            f"{snapshot(observation)}: {count(point.lost, 'write')} after it lost, {point.seconds:.2f} s of work",
        )


def snapshot(observation: Observation) -> str:
    """What was found exactly. The ledger knows what our clients wrote; of what was seeded only totals could tell."""
    return "exactly the snapshot" + ("" if observation.expected_totals else " of our clients' writes")


def _cut(observation: Observation, operation: Operation, snapshot_ns: tuple[int, int]) -> list[str]:
    """What contradicts one clean cut within the time the snapshot was taken."""
    began_ns, ended_ns = snapshot_ns
    before = owed(observation, began_ns)
    said: list[str] = []
    lost = missing(observation, before.present)
    if lost:
        said.append(f"{count(len(lost), 'write')} older than the backup missing (first: {lost[0].token})")
    back = returned(observation, before.gone)
    if back:
        said.append(f"{count(len(back), 'write')} resurrected that an earlier restore had taken away")
    mixed = returned(observation, _younger(observation, operation, ended_ns))
    if mixed:
        said.append(
            f"mixed: {count(len(mixed), 'write')} sent after the backup was taken, and before {operation.id} began, "
            f"survived it (first: {mixed[0].token})"
        )
    answered = acknowledged(observation)
    around = answered.where((answered.end_ns < operation.start_ns) & (answered.sent_ns <= ended_ns))
    latest_ns = returned(observation, around).sent_ns.max(initial=0)
    holes = missing(observation, around.where((around.end_ns >= began_ns) & (around.end_ns < latest_ns)))
    if holes:
        said.append(f"no clean cut: {count(len(holes), 'write')} missing though a later one of the snapshot is there")
    return said


def _younger(observation: Observation, operation: Operation, ended_ns: int) -> Writes:
    """What a restore has to take away: written after the snapshot ended, and before the restore began."""
    writes = acknowledged(observation)
    return writes.where((writes.sent_ns > ended_ns) & (writes.end_ns < operation.start_ns))


def _mixed_within(observation: Observation, operation: Operation) -> list[str]:
    """During the restore what is found must be newer than what is not: it took effect at one moment."""
    # Only what the snapshot cannot have held.
    within = _within(observation, operation)
    within = within.where(within.sent_ns >= operation.start_ns)
    last_missing_ns = missing(observation, within).sent_ns.max(initial=0)
    older = returned(observation, within.where(within.end_ns < last_missing_ns))
    if not older:
        return []
    return [f"mixed: {count(len(older), 'write')} of the time {operation.id} ran kept while later ones are gone"]


def _after(observation: Observation, operation: Operation) -> list[str]:
    writes = acknowledged(observation)
    lost = missing(observation, writes.where(writes.sent_ns > operation.stop_ns))
    if not lost:
        return []
    return [f"{count(len(lost), 'write')} acknowledged after {operation.id} had ended lost (first: {lost[0].token})"]
