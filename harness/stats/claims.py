"""A claim against what was measured: kept, broken, or not enough runs to say."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import HarnessError
from harness.model import Claim, Outcome
from harness.stats.intervals import level_supported, median, rate_lower, rate_upper, runs_needed


def judge_claim(claim: Claim, values: Sequence[float], unit: str = "s", resolution: float = 0.0) -> tuple[Outcome, str]:
    """(outcome, sentence) of ``claim`` over the measured ``values``, in the order the runs were made.

    Level ``every``: one run that breaks the limit refutes it. Level ``p95``: as many may break it as the level allows,
    and the number of runs has to prove the level with 95 % confidence.
    """
    said = f"claimed {claim.op} {_number(claim.limit)} {unit}".rstrip()
    if not values:
        return "unknown", f"{said}; not measured"
    level = _level(claim)
    broken = [i for i, value in enumerate(values, 1) if not _keeps(claim, value)]
    measured = _measured(values, unit, resolution)
    n = len(values)
    if level is None:
        if broken:
            worst = max(values) if claim.op == "<=" else min(values)
            runs = ", ".join(f"#{i}" for i in broken[:5]) + (", ..." if len(broken) > 5 else "")
            return (
                "fail",
                f"{said}; {len(broken)} of {n} broke it (run {runs}; worst {_number(worst)} {unit}); {measured}",
            )
        return "pass", f"{said}; kept by {n} of {n} (proves p{100 * level_supported(n):.0f} at 95 %); {measured}"
    said += f" at {claim.level}"
    if rate_upper(len(broken), n) <= 1 - level:
        return "pass", f"{said}; kept by {n - len(broken)} of {n}, enough for {claim.level} at 95 %; {measured}"
    if rate_lower(len(broken), n) > 1 - level:
        return "fail", f"{said}; {len(broken)} of {n} broke it, more than {claim.level} allows (95 %); {measured}"
    more = runs_needed(len(broken), level) - n
    return "unknown", f"{said}; {n - len(broken)} of {n} kept it, {more} more clean runs are needed; {measured}"


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
            f"judge the claim {claim.subject} {claim.measure}",
            f"level {claim.level!r} is not known",
            'use "every", or a percentile such as "p95"',
        )
    return level


def _keeps(claim: Claim, value: float) -> bool:
    return value <= claim.limit if claim.op == "<=" else value >= claim.limit


def _measured(values: Sequence[float], unit: str, resolution: float) -> str:
    """``median 1.2 s (0.9 to 1.5, n = 10, resolution 0.01 s)``."""
    middle = _number(median(values))
    text = f"measured {middle} {unit}".rstrip() if len(values) == 1 else f"median {middle} {unit}".rstrip()
    inside = [f"{_number(min(values))} to {_number(max(values))}"] if len(values) > 1 else []
    inside.append(f"n = {len(values)}")
    if resolution:
        inside.append(f"resolution {_number(resolution)} {unit}".rstrip())
    return f"{text} ({', '.join(inside)})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e9 else f"{value:.3g}"
