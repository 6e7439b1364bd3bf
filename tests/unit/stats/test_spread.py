"""Two lists are called different as rarely as promised when they are not, and never on too few values."""

from __future__ import annotations

import random

import pytest
from scipy.stats import mannwhitneyu

from harness.stats.spread import difference, rank_sum


@pytest.mark.parametrize(("n", "m"), [(3, 3), (4, 7), (10, 10), (20, 30)])
def test_the_rank_test_is_the_known_one(n: int, m: int) -> None:
    rng = random.Random(f"{n}:{m}")
    a, b = [rng.random() for _ in range(n)], [rng.random() + 0.3 for _ in range(m)]
    assert rank_sum(a, b) == pytest.approx(mannwhitneyu(a, b, method="exact").pvalue, abs=1e-12)


def test_many_values_are_judged_as_the_few_are() -> None:
    rng = random.Random(5)
    a, b = [rng.random() for _ in range(40)], [rng.random() + 0.1 for _ in range(40)]
    assert rank_sum(a, b) == pytest.approx(mannwhitneyu(a, b, method="exact").pvalue, rel=0.05)


def test_ties_are_no_difference() -> None:
    assert rank_sum([1.0] * 6, [1.0] * 6) == 1.0
    assert difference([1.0] * 6, [1.0] * 6) == "within the spread"


@pytest.mark.parametrize(("n", "m"), [(0, 5), (1, 1), (3, 3), (2, 7), (1, 38)])
def test_too_few_values_say_nothing_however_far_apart(n: int, m: int) -> None:
    assert difference([1.0 + i for i in range(n)], [1e6 + i for i in range(m)]) == "n too small to tell"


def test_four_and_four_without_overlap_differ_and_not_when_many_are_compared_at_once() -> None:
    assert difference([1, 2, 3, 4], [5, 6, 7, 8]) == "differs"
    assert difference([1, 2, 3, 4], [5, 6, 7, 8], 0.05 / 2) == "n too small to tell"


def test_lists_of_one_origin_are_called_different_at_most_as_often_as_said() -> None:
    rng = random.Random(1)
    wrong = sum(
        difference([rng.expovariate(1) for _ in range(8)], [rng.expovariate(1) for _ in range(8)]) == "differs"
        for _ in range(600)
    )
    assert 10 <= wrong <= 45  # of 600; 30 are expected at 5 %
