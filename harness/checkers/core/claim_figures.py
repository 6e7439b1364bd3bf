"""What was measured for one claim, as plain values: a finding and the row of a result hold the same."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.checkers.core.codes import MOST_EXAMPLES
from harness.model import Claim
from harness.stats.claims import ClaimJudgement
from harness.stats.intervals import median


class ClaimFigures(msgspec.Struct):
    """The claim as it was written (``key``, ``limit``, ``level``, ``source``), and what was measured in ``unit``: ``n``
    values with their ``median``, ``min`` and ``max`` (None without any), none finer than ``resolution``. ``broken`` of
    them are over the limit, ``broken_runs`` the first of those, counted from 1; ``values`` are the first 20.
    ``proven_percent``: the level that they prove with 95 % confidence, 0 for none."""

    key: str
    subject: str
    measure: str
    limit: float
    level: str
    source: str
    unit: str
    n: int
    median: float | None
    min: float | None
    max: float | None
    resolution: float
    broken: int
    proven_percent: int
    broken_runs: list[int]
    values: list[float]


def key_of(claim: Claim) -> str:
    """How its author called it, or would have."""
    return claim.key or f"{claim.subject}_{claim.measure}"


def figures(
    claim: Claim, values: Sequence[float], unit: str, resolution: float, judged: ClaimJudgement, proven_percent: int
) -> ClaimFigures:
    """The claim beside the ``values``, in the order the runs were made."""
    return ClaimFigures(
        key=key_of(claim),
        subject=claim.subject,
        measure=claim.measure,
        limit=claim.limit,
        level=claim.level,
        source=claim.source,
        unit=unit,
        n=len(values),
        median=median(values) if values else None,
        min=min(values, default=None),
        max=max(values, default=None),
        resolution=resolution,
        broken=len(judged.broken),
        proven_percent=proven_percent,
        broken_runs=[*judged.broken[:MOST_EXAMPLES]],
        values=[*values[:MOST_EXAMPLES]],
    )
