"""What was lost, against the claims ``deploy_lost_writes``, ``rollback_lost_writes`` and ``restore_lost_s``; and what
restores take back by nature (RPO), measured whether it is claimed or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.measured_claim import Claimed
from harness.checkers.data.acknowledged_writes import lost_writes
from harness.checkers.data.restore_exact import RecoveryPoint, recovery_point
from harness.judged.plan_values import claims
from harness.model import Claim, Measurement, Observation, Verdict
from harness.recording.history import cause, is_restored
from harness.recording.recording import Recording


def measurements(recording: Recording) -> list[Measurement]:
    """Seconds of work and acknowledged writes that restores took back, one value each for every restore that was read
    back; warm-ups count, for what is lost then is lost."""
    points: dict[str, dict[str, RecoveryPoint]] = {}
    for look in recording.observations:
        operation = cause(look)
        if operation is not None and look.crash is None and look.found is not None and is_restored(look):
            points.setdefault(operation.name, {}).setdefault(operation.id, recovery_point(look))
    found: list[Measurement] = []
    for name, of_each in points.items():
        seconds = tuple(round(point.seconds, 6) for point in of_each.values())
        writes = tuple(float(point.lost) for point in of_each.values())
        found += [
            Measurement(f"work lost by {name}", "s", seconds),
            Measurement(f"writes lost by {name}", "writes", writes),
        ]
    return found


@dataclass(frozen=True, slots=True)
class Losses:
    """One verdict a claim, over the read-backs that follow its operation; no such operation in the run, no verdict."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "losses"
    requirement: ClassVar[str] = "R19"

    def check(self, recording: Recording) -> list[Verdict]:
        return [claimed.verdict() for claimed in self.claimed(recording)]

    def claimed(self, recording: Recording) -> list[Claimed]:
        made = {o.name for o in recording.operations if o.succeeded}
        stated = (*claims(recording, "lost_writes"), *claims(recording, "lost_s"))
        return [self._measured(recording, claim) for claim in stated if claim.subject in made]

    def _measured(self, recording: Recording, claim: Claim) -> Claimed:
        after = [
            o
            for o in recording.observations
            if o.crash is None and o.found is not None and claim.subject in _followed(o)
        ]
        if claim.measure == "lost_s":
            unit, values = "s", tuple(recovery_point(o).seconds for o in after if is_restored(o))
        else:
            unit, values = "writes", tuple(float(len(lost_writes(o))) for o in after if not is_restored(o))
        missing = f"no read-back after {claim.subject} could be made"
        return Claimed(claim, f"lost by {claim.subject}", unit, values, 0.0, self.requirement, missing)


def _followed(observation: Observation) -> set[str]:
    """What the read-back follows: an operation, or all that succeeded of those that ran together."""
    operation = cause(observation)
    if operation is None:
        return set()
    group = operation.group
    beside = {o.name for o in observation.operations if group is not None and o.succeeded and o.group == group}
    return {operation.name} | beside
