"""Claims: kept, broken, not enough runs."""

import pytest

from harness.errors import HarnessError
from harness.model import Claim
from harness.stats.claims import judge_claim

ROLLBACK = Claim("rollback", "duration", 30.0)


def at(level: str) -> Claim:
    return Claim("rollback", "duration", 30.0, level)


def test_a_claim_kept_by_every_run_passes_and_says_what_that_proves() -> None:
    judged = judge_claim(ROLLBACK, [2.0, 2.5, 3.0, 2.2, 2.1])
    assert (judged.outcome, judged.broken, judged.proven_percent) == ("pass", (), 54)


@pytest.mark.parametrize(
    ("n", "level"),
    [(1, 5), (5, 54), (28, 89), (29, 90), (58, 94), (59, 95), (200, 98), (298, 98), (299, 99), (600, 99)],
)
def test_a_level_is_proven_only_by_as_many_runs_as_it_needs(n: int, level: int) -> None:
    assert judge_claim(ROLLBACK, [2.0] * n).proven_percent == level


def test_runs_of_which_one_broke_the_claim_prove_no_level_of_it() -> None:
    judged = judge_claim(ROLLBACK, [2.0, 40.0, 2.0, 41.0, 2.0])
    assert (judged.broken, judged.proven_percent) == ((2, 4), 0)
    assert judge_claim(ROLLBACK, []).proven_percent == 0


def test_one_run_that_breaks_it_refutes_a_claim_about_every_run_and_is_named() -> None:
    judged = judge_claim(ROLLBACK, [2.0, 31.5, 3.0])
    assert (judged.outcome, judged.broken) == ("fail", (2,))


def test_a_claim_without_a_measurement_is_unknown() -> None:
    assert judge_claim(ROLLBACK, []).outcome == "unknown"


def test_the_limit_itself_keeps_the_claim() -> None:
    assert judge_claim(Claim("deploy", "bad_requests", 0.0), [0.0]).outcome == "pass"
    assert judge_claim(Claim("deploy", "bad_requests", 5.0), [5.0]).outcome == "pass"
    assert judge_claim(Claim("deploy", "bad_requests", 5.0), [5.1]).outcome == "fail"


def test_a_percentile_claim_stays_unknown_until_enough_runs_and_says_how_many() -> None:
    judged = judge_claim(at("p95"), [2.0] * 10)
    assert (judged.outcome, judged.more_runs) == ("unknown", 49)
    assert judge_claim(at("p95"), [2.0] * 58).outcome == "unknown"
    assert judge_claim(at("p95"), [2.0] * 59).outcome == "pass"


def test_a_percentile_claim_survives_the_exceptions_it_allows_and_no_more() -> None:
    assert judge_claim(at("p95"), [40.0] + [2.0] * 92).outcome == "pass"
    assert judge_claim(at("p95"), [40.0] + [2.0] * 60).outcome == "unknown"
    assert judge_claim(at("p95"), [40.0] * 4 + [2.0] * 6).outcome == "fail"


@pytest.mark.parametrize("level", ["p0", "p100", "most", "95"])
def test_an_unknown_level_is_an_error_that_names_it(level: str) -> None:
    with pytest.raises(HarnessError, match=level):
        judge_claim(at(level), [1.0])
