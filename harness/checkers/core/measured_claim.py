"""A claim beside what was measured for it: one verdict, and one row of the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from harness.model import Claim, Outcome, Verdict
from harness.recording.recording import Recording
from harness.stats.claims import judge_claim, supports
from harness.stats.intervals import median


@dataclass(frozen=True, slots=True)
class Claimed:
    """``values`` in ``unit``, in the order the runs were made; ``missing`` says why there are none. ``doubt``: why they
    cannot show that the claim was kept, empty when they can; ``note``: what they leave out by their nature. ``ours``:
    by how much each may be too large for the harness's own sake; what a limit was broken by must be more."""

    claim: Claim
    about: str
    unit: str
    values: tuple[float, ...]
    resolution: float
    requirement: str
    missing: str = ""
    doubt: str = ""
    note: str = ""
    ours: tuple[float, ...] = ()

    @property
    def judged(self) -> tuple[Outcome, str]:
        outcome, sentence = judge_claim(self.claim, self.values, self.unit, self.resolution, self.doubt)
        if not self.values:
            return outcome, f"{sentence}: {self.missing}"
        if outcome == "fail" and self._ours_may_be_why:
            sentence += f"; for up to {max(self.ours):.2f} {self.unit} of one we ourselves stood still"
            outcome = "unknown"
        return outcome, f"{sentence}; {self.note}" if self.note else sentence

    @property
    def _ours_may_be_why(self) -> bool:
        if not any(self.ours):
            return False
        least = [value - ours for value, ours in zip(self.values, self.ours, strict=True)]
        return judge_claim(self.claim, least, self.unit, self.resolution)[0] != "fail"

    def verdict(self) -> Verdict:
        outcome, why = self.judged
        measured = ", ".join(f"{value:.3g} {self.unit}" for value in self.values)
        return Verdict(outcome, self.about, measured, why, self.requirement)

    def row(self) -> Mapping[str, Any]:
        """Limit, values and outcome as plain values; n, median and range are of ``values``."""
        outcome, sentence = self.judged
        values = self.values
        return {
            **asdict(self.claim),
            "outcome": outcome,
            "sentence": sentence,
            "n": len(values),
            "median": median(values) if values else None,
            "min": min(values, default=None),
            "max": max(values, default=None),
            "unit": self.unit,
            "resolution": self.resolution,
            "supports": "" if self.doubt else supports(self.claim, values),
        }


class JudgesClaims(Protocol):
    """A checker that judges claims of the team; asked for its rows as well as for its verdicts."""

    def claimed(self, recording: Recording) -> list[Claimed]: ...
