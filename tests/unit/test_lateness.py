"""That the harness was late excuses an unknown only where nothing else is unknown beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lateness import late_alone

LATE = "the load sent 214 ms late (p99; limit 200 ms)"
STALLED = "the harness itself stood still for 1.4 s while it measured"


def result(*unknown: str) -> dict[str, Any]:
    findings = [{"outcome": "unknown", "sentence": sentence} for sentence in unknown]
    return {"findings": [{"outcome": "pass", "sentence": "all is well"}, *findings]}


@pytest.mark.parametrize("why", [LATE, STALLED, f"{LATE}; {STALLED}", LATE.replace("load", "prober")])
def test_a_late_sender_and_a_stalled_harness_are_told_in_their_words(why: str) -> None:
    assert late_alone(result(why)) == why


def test_each_reason_is_told_once() -> None:
    assert late_alone(result(LATE, LATE)) == LATE


@pytest.mark.parametrize(
    "unknown",
    [
        (),
        ("the load never became steady: 0 of 20",),
        (f"{LATE}; the load sent nothing",),
        (LATE, "the fault never fired"),
        (f"the kit said: {LATE}",),
    ],
)
def test_where_anything_else_is_unknown_or_nothing_is_it_is_no_excuse(unknown: tuple[str, ...]) -> None:
    assert late_alone(result(*unknown)) == ""
