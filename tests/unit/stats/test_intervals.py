"""Intervals, against published values and by simulation."""

import random

import pytest
from scipy.special import betaincinv

from harness.stats.intervals import (
    level_supported,
    median_interval,
    passes_needed,
    rate_interval,
    rate_lower,
    rate_upper,
    runs_needed,
)


def test_the_number_of_clean_runs_needed_for_a_level_is_the_textbook_one() -> None:
    assert [passes_needed(level) for level in (0.90, 0.95, 0.99)] == [29, 59, 299]
    assert level_supported(10) == pytest.approx(0.741, abs=0.001)
    assert level_supported(59) >= 0.95 > level_supported(58)
    assert level_supported(0) == 0.0


def test_the_rate_interval_is_clopper_and_pearsons() -> None:
    # R: binom.test(3, 20)$conf.int
    assert rate_interval(3, 20).low == pytest.approx(0.03207094, abs=1e-6)
    assert rate_interval(3, 20).high == pytest.approx(0.37892683, abs=1e-6)
    assert rate_interval(0, 0).high == 1.0
    assert rate_lower(0, 50) == 0.0
    assert rate_upper(50, 50) == 1.0


@pytest.mark.parametrize("n", [1, 2, 10, 59, 1000, 100_000])
def test_none_and_all_of_n_have_the_bounds_that_the_general_formula_gives(n: int) -> None:
    none, all_ = rate_interval(0, n), rate_interval(n, n)
    assert (none.low, all_.high) == (0.0, 1.0)
    assert none.high == pytest.approx(betaincinv(1, n, 0.975), rel=1e-9)
    assert all_.low == pytest.approx(betaincinv(n, 1, 0.025), rel=1e-9)


def test_nothing_bad_of_n_allows_about_three_over_n() -> None:
    assert rate_upper(0, 1000) == pytest.approx(3 / 1000, rel=0.01)


def test_runs_needed_is_the_least_number_that_proves_the_level() -> None:
    assert runs_needed(0, 0.95) == 59
    assert runs_needed(1, 0.95) == 93
    assert rate_upper(1, 93) <= 0.05 < rate_upper(1, 92)


def test_a_median_interval_of_few_values_is_their_range_and_says_how_little_that_is() -> None:
    interval = median_interval([3.0, 1.0, 2.0])
    assert (interval.low, interval.high) == (1.0, 3.0)
    assert interval.confidence == pytest.approx(0.75)


def test_a_median_interval_of_ten_cuts_off_one_value_at_each_end() -> None:
    interval = median_interval([float(i) for i in range(10)])
    assert (interval.low, interval.high) == (1.0, 8.0)
    assert interval.confidence == pytest.approx(0.9785, abs=0.0001)


@pytest.mark.parametrize("n", [7, 10, 20])
def test_the_median_interval_covers_the_true_median_as_often_as_it_says(n: int) -> None:
    own = random.Random(n)
    rounds = 2000

    def duration() -> float:
        # lognormal with 5 % outliers of triple length: what repeated backups look like. Its median is exp(mu'), below.
        return own.lognormvariate(0, 0.15) * (3 if own.random() < 0.05 else 1)

    many = sorted(duration() for _ in range(200_001))
    truth = many[100_000]
    covered = 0
    for _ in range(rounds):
        interval = median_interval([duration() for _ in range(n)])
        covered += interval.low <= truth <= interval.high
    # 4 standard deviations of the simulation itself below 95 %
    assert covered / rounds >= 0.95 - 4 * (0.95 * 0.05 / rounds) ** 0.5
