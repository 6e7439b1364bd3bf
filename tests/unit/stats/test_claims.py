"""Claims: kept, broken, not enough runs."""

import pytest

from harness.errors import HarnessError
from harness.model import Claim
from harness.stats.claims import judge_claim, supports

ROLLBACK = Claim("rollback", "duration", 30.0)


def at(level: str) -> Claim:
    return Claim("rollback", "duration", 30.0, level)


def test_a_claim_kept_by_every_run_passes_and_says_what_that_proves() -> None:
    outcome, sentence = judge_claim(ROLLBACK, [2.0, 2.5, 3.0, 2.2, 2.1], "s", 0.01)
    assert outcome == "pass"
    assert "kept by 5 of 5 (proves p54 at 95 %)" in sentence
    assert "median 2.20 s (2 to 3, n = 5, resolution 0.01 s)" in sentence.replace("2.2 s", "2.20 s")


@pytest.mark.parametrize(
    ("n", "level"),
    [(1, 5), (5, 54), (28, 89), (29, 90), (58, 94), (59, 95), (200, 98), (298, 98), (299, 99), (600, 99)],
)
def test_a_level_is_proven_only_by_as_many_runs_as_it_needs(n: int, level: int) -> None:
    assert f"(proves p{level} at 95 %)" in judge_claim(ROLLBACK, [2.0] * n)[1]
    assert supports(ROLLBACK, [2.0] * n) == f"n = {n} proves p{level} at 95 %"


def test_runs_of_which_one_broke_the_claim_prove_no_level_of_it() -> None:
    assert supports(ROLLBACK, [2.0, 40.0, 2.0, 41.0, 2.0]) == supports(ROLLBACK, []) == ""


def test_values_that_are_in_doubt_refute_a_claim_and_do_not_keep_it() -> None:
    outcome, sentence = judge_claim(ROLLBACK, [2.0], doubt="we were held up")
    assert (outcome, sentence) == ("unknown", "claimed <= 30 s; measured 2 s (n = 1); we were held up")
    assert judge_claim(ROLLBACK, [31.0], doubt="we were held up")[0] == "fail"


@pytest.mark.parametrize(
    ("limit", "value", "said"),
    [(30.0, 30.04, "30.04"), (30.0, 31.46, "31.5"), (0.5, 0.5000004, "0.5000004"), (1297.0, 1297.4, "1297.4")],
)
def test_what_breaks_a_claim_is_never_written_as_its_limit(limit: float, value: float, said: str) -> None:
    sentence = judge_claim(Claim("rollback", "duration_s", limit), [0.1, value], "s")[1]
    assert f"worst {said} s)" in sentence and f"(0.1 to {said}, " in sentence


def test_one_run_that_breaks_it_refutes_a_claim_about_every_run_and_is_named() -> None:
    outcome, sentence = judge_claim(ROLLBACK, [2.0, 31.5, 3.0])
    assert outcome == "fail"
    assert "1 of 3 broke it (run #2; worst 31.5 s)" in sentence


def test_a_claim_without_a_measurement_is_unknown() -> None:
    assert judge_claim(ROLLBACK, [])[0] == "unknown"


def test_the_limit_itself_keeps_the_claim() -> None:
    assert judge_claim(Claim("deploy", "bad_requests", 0.0), [0.0], "")[0] == "pass"
    assert judge_claim(Claim("deploy", "bad_requests", 5.0), [5.0], "")[0] == "pass"
    assert judge_claim(Claim("deploy", "bad_requests", 5.0), [5.1], "")[0] == "fail"


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
