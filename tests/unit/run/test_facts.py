"""The facts of a result, from synthetic recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.run import facts
from tests.unit.checkers.build import Run

CHANNELS = ("read_fresh", "read_reused", "write")


@pytest.mark.parametrize(("serves", "least_ms", "most_ms"), [(True, 0, 200), (False, 1900, 2200)])
def test_the_longest_gap_is_none_that_we_made_ourselves(
    tmp_path: Path, serves: bool, least_ms: float, most_ms: float
) -> None:
    run = Run(tmp_path / "run")
    run.link("front", serves)
    run.fault(10, 12, link="front")
    run.load((10.05, 12.0, "http_error", 502, CHANNELS))
    gap_ms = facts.load(run.done(), 1000.0)["probe"]["longest_gap_ms"]
    assert least_ms <= gap_ms <= most_ms
