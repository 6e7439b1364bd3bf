"""How long operations took, against the claims ``<operation>_s``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core import claim_codes
from harness.checkers.core.claim_codes import ClaimTooLittleData, RunExclusion
from harness.checkers.core.codes import finding
from harness.checkers.core.late import HarnessLate
from harness.checkers.core.measured_claim import DURATION, MeasuredClaim
from harness.checkers.core.protocol import Checker
from harness.host.clock import RESOLUTION_S
from harness.judged.harness_pauses import sampling_gaps
from harness.judged.judged_run import JudgedRun
from harness.judged.plan_values import claims, timing
from harness.model import Claim, Finding, Operation
from harness.recording.events import Seeded
from harness.recording.recording import Recording
from harness.stats.spans import within_s

# A system may keep its data in less room than it takes elsewhere; not in so little.
_LEAST_SHARE = 0.1


def timed(run: JudgedRun, name: str) -> list[Operation]:
    """The runs a claim about duration is judged by: no warm-up, no fault held and no standstill of the harness
    meanwhile, nothing damaged on purpose, and ended well (one that failed was not a short one)."""
    return [o for o in run.recording.operations if o.name == name and not _left_out(run, o)]


def _left_out(run: JudgedRun, operation: Operation) -> RunExclusion | Literal["harness_paused", ""]:
    """Why the run does not count; the harness's own standstill only where nothing else keeps it from that."""
    recording = run.recording
    held = [
        (f.injected_ns, f.healed_ns or recording.log.stop.mono_ns)
        for f in recording.faults
        if f.injected_ns is not None
    ]
    if not operation.succeeded:
        return "failed"
    if operation.warmup:
        return "warm_up"
    if operation.on_our_backup:
        return "on_a_damaged_backup"
    if _meets(operation, held):
        return "under_a_fault"
    return "harness_paused" if _meets(operation, run.harness_pauses) else ""


def _meets(operation: Operation, spans: list[tuple[int, int]]) -> bool:
    return any(start <= operation.stop_ns and operation.start_ns <= stop for start, stop in spans)


def _little_data(recording: Recording) -> Seeded | None:
    """The seed that left hardly any data, on which everything is quick."""
    return next((e for e in recording.of(Seeded) if e.found_bytes < _LEAST_SHARE * e.asked_bytes), None)


@dataclass(frozen=True, slots=True)
class Durations(Checker):
    """One finding a claim, in runs whose times count. Claims about operations not made here are left to other runs."""

    name: ClassVar[str] = "durations"
    codes: ClassVar = (*claim_codes.CODES, HarnessLate)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        recording = run.recording
        if not timing(recording):
            return
        made = {o.name for o in recording.operations}
        little = _little_data(recording)
        for claim in claims(recording, "duration_s"):
            if claim.subject not in made:
                continue
            if little:
                none = MeasuredClaim(DURATION, claim, "s", (), RESOLUTION_S)
                details = ClaimTooLittleData(none.figures(), little.asked_bytes, little.found_bytes)
                yield finding(DURATION, none.subject, details)
            else:
                yield _measured(run, claim).finding()


def _measured(run: JudgedRun, claim: Claim) -> MeasuredClaim:
    operations = [o for o in run.recording.operations if o.name == claim.subject]
    reasons = {o.id: _left_out(run, o) for o in operations}
    counted = [o for o in operations if not reasons[o.id]]
    paused = [o for o in operations if reasons[o.id] == "harness_paused"]
    gaps = sampling_gaps(run.recording.samples.resources)
    return MeasuredClaim(
        DURATION,
        claim,
        "s",
        tuple(o.seconds for o in counted),
        RESOLUTION_S,
        Counter(r for r in reasons.values() if r and r != "harness_paused"),
        late=("harness", max(within_s(run.harness_pauses, o.start_ns, o.stop_ns) for o in paused)) if paused else None,
        ours=tuple(within_s(gaps, o.start_ns, o.stop_ns) for o in counted),
    )
