"""Each claim as a row of the result: limit, measured values, outcome and sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.checkers.core.measured_claim import QUESTIONS
from harness.checkers.core.protocol import Checker
from harness.checkers.core.sentences import with_sentence
from harness.checkers.data.losses import Losses
from harness.checkers.operations.durations import Durations
from harness.checkers.service.downtime import Downtime, Outages
from harness.checkers.service.recovery import Recovery
from harness.model import Finding

# Asked in every run, also where its scenario does not list them: what was claimed has its row wherever it was measured.
JUDGES: tuple[Checker, ...] = (Durations(), Outages(), Downtime(), Losses(), Recovery())


def claim_rows(findings: Iterable[Finding]) -> tuple[Mapping[str, Any], ...]:
    """The findings about claims as rows, in the order of the review's table: durations, outages, requests, losses,
    recoveries."""
    of_claims = [f for f in findings if f.check in QUESTIONS and f.details.get("claim")]
    return tuple(_row(f) for f in sorted(of_claims, key=lambda f: QUESTIONS.index(f.check)))


def _row(finding: Finding) -> Mapping[str, Any]:
    claim = finding.details["claim"]
    n, proven = claim["n"], claim["proven_percent"]
    return {
        **{k: claim[k] for k in ("subject", "measure", "limit", "level", "source", "key")},
        "outcome": finding.outcome,
        "code": finding.code,
        "sentence": with_sentence(finding).sentence,
        **{k: claim[k] for k in ("n", "median", "min", "max", "unit", "resolution")},
        "supports": f"n = {n} proves p{proven} at 95 %" if proven else "",
    }
