"""Claims: kept, broken, not enough runs."""

import pytest

from harness.errors import HarnessError
from harness.model import Claim
from harness.stats.claims import judge_claim

ROLLBACK = Claim("rollback", "duration", "<=", 30.0)


def at(level: str) -> Claim:
    return Claim("rollback", "duration", "<=", 30.0, level)


def test_a_claim_kept_by_every_run_passes_and_says_what_that_proves() -> None:
    outcome, sentence = judge_claim(ROLLBACK, [2.0, 2.5, 3.0, 2.2, 2.1], "s", 0.01)
    assert outcome == "pass"
    assert "kept by 5 of 5 (proves p55 at 95 %)" in sentence
    assert "median 2.20 s (2 to 3, n = 5, resolution 0.01 s)" in sentence.replace("2.2 s", "2.20 s")


def test_one_run_that_breaks_it_refutes_a_claim_about_every_run_and_is_named() -> None:
    outcome, sentence = judge_claim(ROLLBACK, [2.0, 31.5, 3.0])
    assert outcome == "fail"
    assert "1 of 3 broke it (run #2; worst 31.5 s)" in sentence


def test_a_claim_without_a_measurement_is_unknown() -> None:
    assert judge_claim(ROLLBACK, [])[0] == "unknown"


def test_the_limit_itself_keeps_the_claim() -> None:
    assert judge_claim(Claim("deploy", "bad_requests", "<=", 0.0), [0.0], "")[0] == "pass"
    assert judge_claim(Claim("deploy", "rate", ">=", 5.0), [5.0], "")[0] == "pass"
    assert judge_claim(Claim("deploy", "rate", ">=", 5.0), [4.9], "")[0] == "fail"


def test_a_percentile_claim_stays_unknown_until_enough_runs_and_says_how_many() -> None:
    outcome, sentence = judge_claim(at("p95"), [2.0] * 10)
    assert outcome == "unknown"
    assert "49 more clean runs are needed" in sentence
    assert judge_claim(at("p95"), [2.0] * 58)[0] == "unknown"
    assert judge_claim(at("p95"), [2.0] * 59)[0] == "pass"


def test_a_percentile_claim_survives_the_exceptions_it_allows_and_no_more() -> None:
    assert judge_claim(at("p95"), [40.0] + [2.0] * 92)[0] == "pass"
    assert judge_claim(at("p95"), [40.0] + [2.0] * 60)[0] == "unknown"
    assert judge_claim(at("p95"), [40.0] * 4 + [2.0] * 6)[0] == "fail"


@pytest.mark.parametrize("level", ["p0", "p100", "most", "95"])
def test_an_unknown_level_is_an_error_that_names_it(level: str) -> None:
    with pytest.raises(HarnessError, match=level):
        judge_claim(at(level), [1.0])
