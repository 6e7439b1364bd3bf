"""A claim beside what was measured for it: one finding, out of which comes the row of the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.checkers.core.claim_codes import (
    ClaimKept,
    ClaimNotMeasured,
    ClaimRefuted,
    ClaimUndecided,
    OutageSight,
    RunExclusion,
    RunsLeftOut,
)
from harness.checkers.core.claim_figures import ClaimFigures, figures, key_of
from harness.checkers.core.codes import Details, finding
from harness.checkers.core.late import HarnessLate
from harness.model import Claim, Finding, Subject
from harness.stats.claims import ClaimJudgement, judge_claim

# The questions whose findings are about claims, in the order of the review's table.
DURATION, OUTAGE, BAD_REQUESTS = "claim.duration", "claim.outage", "claim.bad_requests"
LOSS, RECOVERY = "claim.loss", "claim.recovery"
QUESTIONS = (DURATION, OUTAGE, BAD_REQUESTS, LOSS, RECOVERY)


@dataclass(frozen=True, slots=True)
class MeasuredClaim:
    """``values`` in ``unit``, in the order the runs were made; ``left_out`` counts the runs that have none.

    ``late``: (who, seconds) where a run has no value only because the harness was late. ``ours[i]``: the part of value
    i that a standstill of the harness may explain; a claim is refuted only beyond it. ``outage``: what the values leave
    out by their nature."""

    question: str
    claim: Claim
    unit: str
    values: tuple[float, ...]
    resolution: float = 0.0
    left_out: Mapping[RunExclusion, int] = field(default_factory=dict)
    late: tuple[str, float] | None = None
    ours: tuple[float, ...] = ()
    outage: OutageSight | None = None

    @property
    def subject(self) -> Subject:
        return Subject("claim", key_of(self.claim))

    @property
    def judged(self) -> ClaimJudgement:
        return judge_claim(self.claim, self.values)

    def figures(self, in_doubt: bool = False) -> ClaimFigures:
        """``in_doubt``: the values that keep the claim do not prove that it was kept."""
        judged = self.judged
        proven = 0 if in_doubt else judged.proven_percent
        return figures(self.claim, self.values, self.unit, self.resolution, judged, proven)

    def finding(self) -> Finding:
        """The answer by the values alone."""
        return finding(self.question, self.subject, self._details())

    def _details(self) -> Details:
        judged, known = self.judged, self.figures()
        if not self.values:
            if self.late:
                return self.harness_late(*self.late)
            return ClaimNotMeasured(known, [RunsLeftOut(why, n) for why, n in self.left_out.items() if n])
        if judged.outcome == "pass":
            return ClaimKept(known, self.outage)
        if judged.outcome == "unknown":
            return ClaimUndecided(known, judged.more_runs, self.outage)
        return (
            self.harness_late("harness", max(self.ours)) if self._ours_may_be_why else ClaimRefuted(known, self.outage)
        )

    def harness_late(self, who: str, late_s: float, limit_s: float = 0.0, requests: int = 0) -> HarnessLate:
        """Nothing but the harness's own lateness keeps the claim from being decided."""
        affects = f"whether {key_of(self.claim)} was kept"
        return HarnessLate(who, late_s, limit_s, affects, requests, claim=self.figures(in_doubt=True))

    @property
    def _ours_may_be_why(self) -> bool:
        if not any(self.ours):
            return False
        least = [value - ours for value, ours in zip(self.values, self.ours, strict=True)]
        return judge_claim(self.claim, least).outcome != "fail"
