"""When the harness itself did not run, paused or starved: what it timed meanwhile took longer by that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from harness.model import NS
from harness.stats.intervals import median

# The resource meter writes four rows a second; a second more without one, and it was not running.
STANDSTILL_S = 1.25
# Between two rows so many times as long as usual: it was kept from running.
_STALL = 1.5


def harness_pauses(rows: Sequence[Mapping[str, float]]) -> list[tuple[int, int]]:
    """When the inside half did not run (paused, or starved): whatever it timed then took longer for its sake. Times in
    CLOCK_MONOTONIC ns."""
    times = [int(row["t"]) for row in rows]
    return [(before, after) for before, after in pairwise(times) if after - before > STANDSTILL_S * NS]


def sampling_gaps(rows: Sequence[Mapping[str, float]]) -> list[tuple[int, int]]:
    """By how much rows came later than is usual in this run, as spans of CLOCK_MONOTONIC ns: so long the inside half
    may not have run. A short one leaves the run sound; what was timed meanwhile may have got longer by it."""
    gaps = [*pairwise(int(row["t"]) for row in rows)]
    usual_ns = int(median([after - before for before, after in gaps])) if gaps else 0
    return [(before + usual_ns, after) for before, after in gaps if after - before > _STALL * usual_ns]
