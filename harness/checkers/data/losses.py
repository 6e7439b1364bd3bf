"""What was lost, against the claims ``deploy_lost_writes``, ``rollback_lost_writes`` and ``restore_lost_s``; and what
restores take back by nature (RPO), measured whether it is claimed or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core import claim_codes
from harness.checkers.core.late import HarnessLate
from harness.checkers.core.measured_claim import LOSS, MeasuredClaim
from harness.checkers.core.protocol import Checker
from harness.checkers.data.acknowledged_writes import lost_writes
from harness.checkers.data.restore_exact import RecoveryPoint, recovery_point
from harness.judged.judged_run import JudgedRun
from harness.judged.plan_values import claims
from harness.model import Claim, Finding, Measurement, Observation
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
class Losses(Checker):
    """One finding a claim, over the read-backs that follow its operation; no such operation in the run, no finding."""

    name: ClassVar[str] = "losses"
    codes: ClassVar = (*claim_codes.CODES, HarnessLate)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        recording = run.recording
        made = [o.name for o in recording.operations if o.succeeded]
        for claim in (*claims(recording, "lost_writes"), *claims(recording, "lost_s")):
            if claim.subject in made:
                yield _measured(recording, claim, made.count(claim.subject)).finding()


def _measured(recording: Recording, claim: Claim, runs: int) -> MeasuredClaim:
    after = [
        o for o in recording.observations if o.crash is None and o.found is not None and claim.subject in _followed(o)
    ]
    if claim.measure == "lost_s":
        unit, values = "s", tuple(recovery_point(o).seconds for o in after if is_restored(o))
    else:
        unit, values = "writes", tuple(float(len(lost_writes(o))) for o in after if not is_restored(o))
    return MeasuredClaim(LOSS, claim, unit, values, left_out={"not_read_back": runs})


def _followed(observation: Observation) -> set[str]:
    """What the read-back follows: an operation, or all that succeeded of those that ran together."""
    operation = cause(observation)
    if operation is None:
        return set()
    group = operation.group
    beside = {o.name for o in observation.operations if group is not None and o.succeeded and o.group == group}
    return {operation.name} | beside
