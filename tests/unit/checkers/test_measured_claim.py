"""A claim beside what was measured for it: one finding, and the row of the result that comes from it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checkers.core import phrases
from harness.checkers.core.codes import code_of
from harness.checkers.core.measured_claim import DURATION, QUESTIONS, MeasuredClaim
from harness.judge.claims import JUDGES, claim_rows
from harness.model import Claim, Finding, Subject

DEPLOY = Claim("deploy", "duration_s", 3.0, key="deploy_s")


def measured(*values: float, claim: Claim = DEPLOY, **more: Any) -> Finding:
    return MeasuredClaim(DURATION, claim, "s", values, 0.01, **more).finding()


@pytest.mark.parametrize(
    ("values", "more", "code"),
    [
        ((1.0, 2.0), {}, "claim.kept"),
        ((1.0, 4.0), {}, "claim.refuted"),
        ((1.0, 4.0), {"ours": (0.0, 0.5)}, "claim.refuted"),
        ((1.0, 4.0), {"ours": (0.0, 1.5)}, "harness.late"),
        ((), {"left_out": {"failed": 2, "warm_up": 0}}, "claim.not_measured"),
        ((), {"late": ("prober", 1.5)}, "harness.late"),
        ((2.0,), {"late": ("prober", 1.5)}, "claim.kept"),  # another run was measured
    ],
)
def test_a_claim_is_answered_by_one_code(values: tuple[float, ...], more: dict[str, Any], code: str) -> None:
    found = measured(*values, **more)
    assert (found.code, found.subject, found.check) == (code, Subject("claim", "deploy_s"), DURATION)
    assert (found.details["claim"]["n"], found.details["claim"]["values"]) == (len(values), [*values])


def test_a_level_that_needs_more_runs_says_how_many() -> None:
    found = measured(1.0, 2.0, claim=Claim("deploy", "duration_s", 3.0, "p95", key="deploy_s"))
    assert (found.code, found.outcome, found.details["more_runs"]) == ("claim.undecided", "unknown", 57)


def test_runs_that_do_not_count_are_told_by_their_reason() -> None:
    found = measured(left_out={"failed": 2, "warm_up": 0, "under_a_fault": 1})
    assert found.details["left_out"] == [{"reason": "failed", "count": 2}, {"reason": "under_a_fault", "count": 1}]


def test_what_only_the_harness_kept_from_being_decided_proves_nothing() -> None:
    found = measured(4.0, ours=(1.5,))
    assert (found.details["who"], found.details["late_s"]) == ("harness", 1.5)
    (row,) = claim_rows([found])
    assert (row["outcome"], row["code"], row["median"], row["supports"]) == ("unknown", "harness.late", 4.0, "")


def test_of_many_values_the_first_are_shown_and_all_of_them_counted() -> None:
    claim = measured(*([5.0] * 300)).details["claim"]
    assert (claim["n"], claim["broken"], len(claim["values"]), len(claim["broken_runs"])) == (300, 300, 20, 20)


def test_rows_are_of_findings_about_claims_and_in_the_order_of_the_review() -> None:
    claims = [Claim("deploy", "duration_s", 3.0, key=question) for question in reversed(QUESTIONS)]
    kept = [MeasuredClaim(c.key, c, "s", (1.0,)).finding() for c in claims]
    other = Finding("service.recovers", "service.recovered", "pass", Subject("fault", "fault-1"))
    rows = claim_rows([*kept[:2], other, *kept[2:]])
    assert [row["key"] for row in rows] == [*QUESTIONS]
    (row,) = claim_rows([measured(1.0, 2.0)])
    assert {k: row[k] for k in ("key", "limit", "level", "n", "median", "min", "max", "unit", "supports")} == {
        "key": "deploy_s",
        "limit": 3.0,
        "level": "every",
        "n": 2,
        "median": 1.5,
        "min": 1.0,
        "max": 2.0,
        "unit": "s",
        "supports": "n = 2 proves p22 at 95 %",
    }


def test_every_judge_of_claims_may_answer_that_the_harness_was_late() -> None:
    for judge in JUDGES:
        assert "harness.late" in {code_of(details).name for details in judge.codes}, judge.name


@pytest.mark.parametrize(
    ("limit", "value", "said"),
    [(30.0, 30.04, "30.04"), (30.0, 31.46, "31.5"), (0.5, 0.5000004, "0.5000004"), (1297.0, 1297.4, "1297.4")],
)
def test_what_breaks_a_claim_is_never_written_as_its_limit(limit: float, value: float, said: str) -> None:
    assert phrases.figure(value, limit) == said
