"""A claim against what was measured: kept, broken, or not enough runs to say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.errors import HarnessError
from harness.model import Claim, Outcome
from harness.stats.intervals import level_supported, median, rate_lower, rate_upper, runs_needed


def judge_claim(
    claim: Claim, values: Sequence[float], unit: str = "s", resolution: float = 0.0, doubt: str = ""
) -> tuple[Outcome, str]:
    """(outcome, sentence) of ``claim`` over the measured ``values``, in the order the runs were made.

    Level ``every``: one run that breaks the limit refutes it. Level ``p95``: as many may break it as the level allows,
    and the number of runs has to prove the level with 95 % confidence. ``doubt`` is why values that keep the claim do
    not show that it was kept.
    """
    said = f"claimed <= {_number(claim.limit)} {unit}".rstrip()
    if not values:
        return "unknown", f"{said}; not measured"
    outcome, how = _judged(claim, values, unit)
    if claim.level != "every":
        said += f" at {claim.level}"
    measured = _measured(claim, values, unit, resolution)
    if outcome == "pass" and doubt:
        return "unknown", f"{said}; {measured}; {doubt}"
    return outcome, f"{said}; {how}; {measured}"


def supports(claim: Claim, values: Sequence[float]) -> str:
    """The level that these runs prove; empty when one of them broke the claim."""
    n = len(values)
    return f"n = {n} proves {_proven(n)} at 95 %" if n and all(_keeps(claim, v) for v in values) else ""


def _judged(claim: Claim, values: Sequence[float], unit: str) -> tuple[Outcome, str]:
    level = _level(claim)
    broken = [i for i, value in enumerate(values, 1) if not _keeps(claim, value)]
    n = len(values)
    if level is None:
        if broken:
            worst = _number(max(values), claim.limit)
            runs = ", ".join(f"#{i}" for i in broken[:5]) + (", ..." if len(broken) > 5 else "")
            return "fail", f"{len(broken)} of {n} broke it (run {runs}; worst {worst} {unit})"
        return "pass", f"kept by {n} of {n} (proves {_proven(n)} at 95 %)"
    if rate_upper(len(broken), n) <= 1 - level:
        return "pass", f"kept by {n - len(broken)} of {n}, enough for {claim.level} at 95 %"
    if rate_lower(len(broken), n) > 1 - level:
        return "fail", f"{len(broken)} of {n} broke it, more than {claim.level} allows (95 %)"
    more = runs_needed(len(broken), level) - n
    return "unknown", f"{n - len(broken)} of {n} kept it, {more} more clean runs are needed"


def _proven(n: int) -> str:
    """``p90`` from 29 passes on: a level that is not reached is not rounded up to."""
    return f"p{math.floor(100 * level_supported(n))}"


def _level(claim: Claim) -> float | None:
    """None for ``every``, 0.95 for ``p95``."""
    if claim.level == "every":
        return None
    digits = claim.level.removeprefix("p")
    try:
        level = float(digits) / 100
    except ValueError:
        level = 0.0
    if not claim.level.startswith("p") or not 0 < level < 1:
        raise HarnessError(
            f"judge the claim {claim.key or claim.measure}",
            f"level {claim.level!r} is not known",
            'use "every", or a percentile such as "p95"',
        )
    return level


def _keeps(claim: Claim, value: float) -> bool:
    return value <= claim.limit


def _measured(claim: Claim, values: Sequence[float], unit: str, resolution: float) -> str:
    """``median 1.2 s (0.9 to 1.5, n = 10, resolution 0.01 s)``."""
    least, middle, most = (_number(v, claim.limit) for v in (min(values), median(values), max(values)))
    text = f"measured {middle} {unit}".rstrip() if len(values) == 1 else f"median {middle} {unit}".rstrip()
    inside = [f"{least} to {most}"] if len(values) > 1 else []
    inside.append(f"n = {len(values)}")
    if resolution:
        inside.append(f"resolution {_number(resolution)} {unit}".rstrip())
    return f"{text} ({', '.join(inside)})"


def _number(value: float, limit: float = math.nan) -> str:
    """Three digits, or as many as tell it from the ``limit``: 30.04 is not 30 where 30 was claimed."""
    if value == int(value) and abs(value) < 1e9:
        return f"{value:.0f}"
    texts = (f"{value:.{digits}g}" for digits in range(3, 17))
    return next((t for t in texts if "e+" not in t and float(t) != limit), repr(value))
