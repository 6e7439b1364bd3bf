"""Stretches of time: what they share, cover and leave."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.stats.spans import merged_spans, shared_ns, within_s, without

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda ab: (min(ab), max(ab))), max_size=8)


def moments(spans: list[tuple[int, int]]) -> set[int]:
    """The unit steps that the stretches cover."""
    return {t for start, stop in spans for t in range(start, stop)}


@given(SPANS)
def test_merged_spans_cover_the_same_time_in_order_and_apart(spans: list[tuple[int, int]]) -> None:
    merged = merged_spans(spans)
    assert moments(merged) == moments(spans)
    assert all(a[1] < b[0] for a, b in pairwise(merged))


@given(SPANS, st.integers(0, 40), st.integers(0, 40))
def test_within_counts_the_covered_part_of_a_stretch(spans: list[tuple[int, int]], a: int, b: int) -> None:
    start, stop = min(a, b), max(a, b)
    covered = moments(spans) & set(range(start, stop))
    assert round(within_s(merged_spans(spans), start, stop) * 1e9) == len(covered)


@given(SPANS, st.integers(0, 40), st.integers(0, 40))
def test_without_leaves_what_no_hole_covers(holes: list[tuple[int, int]], a: int, b: int) -> None:
    start, stop = min(a, b), max(a, b)
    assert moments([*without((start, stop), holes)]) == set(range(start, stop)) - moments(holes)


def test_stretches_that_only_touch_share_nothing() -> None:
    assert shared_ns((0, 5), (5, 9)) == 0
    assert shared_ns((0, 5), (7, 9)) == 0
    assert shared_ns((0, 5), (3, 9)) == 2
