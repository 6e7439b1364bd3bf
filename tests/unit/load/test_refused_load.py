"""A load that a service turns away second by second is not waited for to the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.load.driver import LoadDriver, LoadProgress
from harness.load.request_tracker import BadAnswer


def told(refused: Sequence[int], status: int = 429) -> LoadDriver:
    """Ten status lines a second; in each second so many requests more had been answered with that status."""
    driver, total = LoadDriver(Path("none")), 0
    for more in refused:
        total += more
        bad = (BadAnswer("look", "http_error", status, total, "slow down"),) if total else ()
        driver._lines += [LoadProgress(100, 100, total, 0, 1, 0, bad_answers=bad)] * 10
    return driver


@pytest.mark.parametrize(
    ("refused", "status", "is_refused"),
    [
        ([1] * 9, 429, True),
        ([0, 0, 0, *[2] * 9], 302, True),
        ([1] * 8, 429, False),
        ([1, 1, 1, 1, 0, 1, 1, 1, 1, 1], 429, False),  # it was let in for a second
        ([5] * 12, 503, False),  # that may be over soon
    ],
)
def test_one_that_is_refused_without_a_break_is(refused: list[int], status: int, is_refused: bool) -> None:
    assert told(refused, status)._is_refused() is is_refused
