"""How long operations took, against the claims ``<operation>_s``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.measured_claim import Claimed
from harness.host.clock import RESOLUTION_S
from harness.host.sizes import size
from harness.judged.harness_pauses import harness_pauses, sampling_gaps, within_s
from harness.judged.plan_values import claims, timing
from harness.model import Operation, Verdict
from harness.recording.events import Seeded
from harness.recording.recording import Recording

# A system may keep its data in less room than it takes elsewhere; not in so little.
_LEAST_SHARE = 0.1
# Which row of the review each claim answers.
_ROWS = {"backup": "R103", "validate": "R104", "deploy": "R105", "rollback": "R106", "restore": "R3"}


def counted(recording: Recording, name: str) -> list[Operation]:
    """The runs a claim about duration is judged by: no warm-up, no fault held and no standstill of our own meanwhile,
    nothing damaged on purpose, and ended well (one that failed was not a short one)."""
    held = harness_pauses(recording.resources)
    held += [
        (f.injected_ns, f.healed_ns or recording.stop.mono_ns) for f in recording.faults if f.injected_ns is not None
    ]
    return [
        o
        for o in recording.operations
        if o.name == name
        and o.succeeded
        and not o.warmup
        and not o.on_our_backup
        and not any(start <= o.stop_ns and o.start_ns <= stop for start, stop in held)
    ]


def _little_data(recording: Recording) -> str:
    """Why nothing that was timed counts: on hardly any data everything is quick."""
    for e in recording.of(Seeded):
        if e.found_bytes < _LEAST_SHARE * e.asked_bytes:
            return f"the seed left {size(e.found_bytes)} where {size(e.asked_bytes)} were asked for"
    return ""


@dataclass(frozen=True, slots=True)
class Durations:
    """One verdict a claim, in runs whose times count. Claims about operations not made here are left to other runs."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "durations"
    requirement: ClassVar[str] = "R103"

    def check(self, recording: Recording) -> list[Verdict]:
        return [claimed.verdict() for claimed in self.claimed(recording)]

    def claimed(self, recording: Recording) -> list[Claimed]:
        if not timing(recording):
            return []
        made = {o.name for o in recording.operations}
        little, still = _little_data(recording), sampling_gaps(recording.resources)
        timed = {name: [] if little else counted(recording, name) for name in made}
        return [
            Claimed(
                claim,
                f"duration of {claim.subject}",
                "s",
                tuple(o.seconds for o in timed[claim.subject]),
                RESOLUTION_S,
                _ROWS.get(claim.subject, self.requirement),
                little
                or f"no run of {claim.subject} succeeded without a fault, or a standstill of ours, after the warm-up",
                ours=tuple(within_s(still, o.start_ns, o.stop_ns) for o in timed[claim.subject]),
            )
            for claim in claims(recording, "duration_s")
            if claim.subject in made
        ]
